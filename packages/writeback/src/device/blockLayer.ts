/**
 * From requests to media and back: splitting for arrays, dispatch, completion, flush. Documentation/block.
 *
 *     block.submit(bio, stable);                    // then ended(bio) is called
 *     const until = block.flushDone(dev);           // ns at which all that completed before is safe
 */
import type { Core, PageData } from "@kernelkit/core";
import { EIO } from "@kernelkit/core";
import { Bio, IoEnd, Transfer } from "./bio.js";
import { BlockDevice, Stripe, stripeOf } from "./blockDevice.js";
import { Contents, copyData, pageBytes } from "./contents.js";

export class BlockLayer {
  private readonly hrDone: number;
  private readonly hrOnMedium: number;

  constructor(
    private readonly k: Core,
    /** All of a bio is done; its IoEnd has the error. */
    private readonly ended: (bio: Bio) => void,
  ) {
    k.state.class(BlockDevice, Stripe, Transfer, Bio, IoEnd, Contents);
    this.hrDone = k.timers.defineHr("writeback.io", (t) => this.complete(t as Transfer));
    this.hrOnMedium = k.timers.defineHr("writeback.medium", (t) => this.onMedium(t as Transfer));
  }

  /** Hand a bio to a device. `stable`: its pages will not change. */
  submit(bio: Bio, stable: boolean): void {
    const { dev } = bio;
    dev.inFlight++;
    dev.requests++;
    if (dev.lost) {
      bio.ioEnd.error ||= EIO;
      bio.left = 1;
      this.k.timers.startHr(this.hrDone, this.k.now, this.part(dev, bio, bio.block, 0, bio.n));
      return;
    }
    if (dev.optional && !stable && bio.wi !== null) {
      bio.copies = Array.from({ length: bio.n }, (_, j) => copyData(bio.page(j)));
      dev.pagesCopied += bio.n;
    }
    if (dev.array === "raid1") for (const leg of dev.legs) this.give(this.part(leg, bio, bio.block, 0, bio.n));
    else if (dev.array === "raid5") this.striped(dev, bio);
    else this.dispatch(this.part(dev, bio, bio.block, 0, bio.n));
  }

  private part(dev: BlockDevice, bio: Bio, block: number, from: number, n: number): Transfer {
    const t = new Transfer(dev, bio, block, from, n);
    bio.transfers.push(t);
    bio.left = bio.transfers.length;
    return t;
  }

  /** A page of each part per stripe; parity is computed from what the pages hold now and what the other parts hold. */
  private striped(dev: BlockDevice, bio: Bio): void {
    const parts = dev.legs.length;
    const touched = new Map<number, number>();
    const todo: Transfer[] = [];
    for (let j = 0; j < bio.n; j++) {
      const at = stripeOf(parts, bio.block + j);
      todo.push(this.part(dev.legs[at.leg], bio, at.stripe, j, 1));
      let s = dev.stripes.get(at.stripe);
      if (s === undefined) {
        s = new Stripe(pageBytes(dev.legs[at.parity].read(at.stripe) ?? null).slice());
        dev.stripes.set(at.stripe, s);
      }
      if (!touched.has(at.stripe)) s.users++;
      touched.set(at.stripe, at.parity);
      const now = pageBytes(bio.page(j));
      xorInto(s.parity, s.data.get(at.leg) ?? pageBytes(dev.legs[at.leg].read(at.stripe) ?? null));
      xorInto(s.parity, now);
      s.data.set(at.leg, now);
    }
    for (const [stripe, parity] of touched) {
      const t = this.part(dev.legs[parity], bio, stripe, 0, 1);
      t.data = [(dev.stripes.get(stripe) as Stripe).parity.slice()];
      todo.push(t);
    }
    for (const t of todo) this.give(t);
  }

  /** To a part of an array: it waits there for its turn. */
  private give(t: Transfer): void {
    if (t.dev.congested) t.dev.waiting.push(t);
    else {
      t.dev.inFlight++;
      this.dispatch(t);
    }
  }

  /** The device's own queue has it. */
  private dispatch(t: Transfer): void {
    const { dev } = t;
    const now = this.k.now;
    let start = Math.max(now, dev.freeAtNs);
    if (t.block !== dev.headAt) {
      dev.seeks++;
      start += dev.seekNs;
    }
    dev.headAt = t.block + t.n;
    t.pageNs = dev.writeBps === Number.POSITIVE_INFINITY ? 0 : (4096 * 1e9) / dev.writeBps;
    t.startNs = start;
    t.endNs = Math.ceil(start + t.n * t.pageNs);
    dev.freeAtNs = t.endNs;
    dev.active.push(t);
    if (!Number.isFinite(t.endNs)) return;
    const early = t.pageNs === 0 ? 0 : Math.floor((dev.writeCacheBytes / 4096) * t.pageNs);
    const done = Math.max(now, t.endNs - early) + dev.latencyNs;
    t.timer = this.k.timers.startHr(this.hrDone, done, t);
    if (done < t.endNs) this.k.timers.startHr(this.hrOnMedium, t.endNs, t);
  }

  private complete(t: Transfer): void {
    const { dev, bio } = t;
    t.timer = -1;
    const error = dev.lost ? EIO : bio.wi === null ? 0 : dev.errorOf(t.block, t.n);
    if (dev.integrity && t.data === null) dev.checksumErrors += t.bad;
    if (error !== 0) {
      bio.ioEnd.error ||= error;
      drop(dev, t);
    } else if (this.k.now >= t.endNs) this.store(t);
    else if (t.data === null && dev.keep) t.data = Array.from({ length: t.n }, (_, j) => t.arrived(j));
    t.completed = true;
    dev.inFlight--;
    const next = dev.waiting.shift();
    if (next !== undefined) {
      dev.inFlight++;
      this.dispatch(next);
    }
    if (dev.wait.active) this.k.sched.wakeUp(dev.wait);
    if (--bio.left > 0) return;
    if (bio.dev !== dev) this.arrayDone(bio);
    if (bio.transfers.some((x) => x.dev.integrity && x.bad > 0)) bio.ioEnd.error ||= EIO;
    this.ended(bio);
  }

  /** A cached write has got to the medium. One that failed never does. */
  private onMedium(t: Transfer): void {
    if (!t.dev.lost && t.dev.active.includes(t)) this.store(t);
    if (t.dev.wait.active) this.k.sched.wakeUp(t.dev.wait);
  }

  private store(t: Transfer): void {
    const { dev } = t;
    drop(dev, t);
    if (dev.keep) for (let j = 0; j < t.n; j++) dev.media.set(t.block + j, t.arrived(j));
  }

  /** Page i of a bio that is under way is about to change. */
  touch(bio: Bio, i: number, d: PageData): void {
    if (bio.copies !== null) return;
    for (const t of bio.transfers) t.touch(i, d, this.k.now);
  }

  /** All parts of a request of an array are done. */
  private arrayDone(bio: Bio): void {
    const { dev } = bio;
    dev.inFlight--;
    if (dev.array === "raid5")
      for (let n = Math.floor(bio.block / (dev.legs.length - 1)); n * (dev.legs.length - 1) < bio.block + bio.n; n++) {
        const s = dev.stripes.get(n);
        if (s !== undefined && --s.users === 0) dev.stripes.delete(n);
      }
    if (dev.wait.active) this.k.sched.wakeUp(dev.wait);
  }

  /** When `n` pages that are asked for now have been read, ns: behind what the medium was given before. */
  readDone(dev: BlockDevice, n: number): number {
    if (dev.array !== "none") return Math.max(...dev.legs.map((leg) => this.readDone(leg, n)));
    const ns = dev.readBps === Number.POSITIVE_INFINITY ? 0 : (n * 4096 * 1e9) / dev.readBps;
    dev.freeAtNs = Math.max(this.k.now, dev.freeAtNs) + dev.seekNs + ns;
    return Math.ceil(dev.freeAtNs);
  }

  /** When all that has completed is on the media, ns. */
  flushDone(dev: BlockDevice): number {
    dev.flushes++;
    let at = this.k.now;
    for (const d of dev.array === "none" ? [dev] : dev.legs)
      for (const t of d.active) if (t.completed) at = Math.max(at, t.endNs);
    return at;
  }

  /**
   * The power of a device is cut now: of what is under way whole sectors that have got to the medium stay, the rest is lost, and
   * all requests from here on fail with EIO.
   */
  powerLoss(dev: BlockDevice): void {
    dev.lost = true;
    for (const leg of dev.legs) this.powerLoss(leg);
    for (const t of [...dev.active]) {
      for (let j = 0; j < t.n && dev.keep; j++) {
        const sectors = t.sectorsBy(j, this.k.now);
        if (sectors === 0) break;
        const before = dev.media.get(t.block + j);
        dev.media.set(t.block + j, mix(t.arrived(j), before ?? null, sectors * 512));
      }
      drop(dev, t);
      if (!t.completed && t.timer < 0) this.k.timers.startHr(this.hrDone, this.k.now, t);
    }
    for (const t of dev.waiting.splice(0)) {
      dev.inFlight++;
      this.k.timers.startHr(this.hrDone, this.k.now, t);
    }
    dev.freeAtNs = this.k.now;
  }
}

function drop(dev: BlockDevice, t: Transfer): void {
  const i = dev.active.indexOf(t);
  if (i >= 0) dev.active.splice(i, 1);
}

function xorInto(sum: Uint8Array, b: Uint8Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] ^= b[i];
}

/** The first n bytes of one page, the rest of another. */
function mix(head: PageData, tail: PageData, n: number): PageData {
  if (n >= 4096) return copyData(head);
  const b = pageBytes(tail).slice();
  b.set(pageBytes(head).subarray(0, n));
  return b;
}

/** Pages of an array that do not fit together: halves of a mirror that differ, stripes whose parity is wrong. */
export function mismatches(dev: BlockDevice): number {
  if (dev.array === "none") return 0;
  const blocks = new Set<number>();
  for (const leg of dev.legs) for (const b of leg.media.written()) blocks.add(b);
  let n = 0;
  for (const b of blocks) {
    if (dev.array === "raid1") {
      const first = pageBytes(dev.legs[0].media.get(b) ?? null);
      if (dev.legs.some((leg) => !equal(first, pageBytes(leg.media.get(b) ?? null)))) n++;
    } else {
      const sum = new Uint8Array(4096);
      for (const leg of dev.legs) xorInto(sum, pageBytes(leg.media.get(b) ?? null));
      if (sum.some((v) => v !== 0)) n++;
    }
  }
  return n;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
