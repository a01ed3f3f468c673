/**
 * Block devices that take time. Requests are served one after the other by the medium, at `writeBps`, each after a seek if it does not
 * follow the last; up to `queueDepth` are under way. With a write cache they complete early and are safe only after a flush.
 * ABI/testing/sysfs-block, Documentation/block/writeback_cache_control.
 */
import { type PageData, WaitQueue } from "@kernelkit/core";
import type { BackingDevInfo } from "../bdi.js";
import type { Transfer } from "./bio.js";
import { Contents } from "./contents.js";
import type { DeviceModel } from "./model.js";

/** How the parts of an array relate. */
export type ArrayKind = "none" | "raid1" | "raid5";

/** A stripe of a parity array with writes under way: its parity, and its data as far as it was written. */
export class Stripe {
  readonly data: Map<number, Uint8Array> = new Map();
  /** Requests under way. */
  users = 0;
  constructor(readonly parity: Uint8Array) {}
}

export class BlockDevice {
  /** When the medium will be done with what it was given, ns. */
  freeAtNs = 0;
  /** Block after the last one written. */
  headAt = 0;
  /** Requests under way, at most queueDepth; those that wait for their turn (parts of an array only). */
  inFlight = 0;
  readonly waiting: Transfer[] = [];
  /** Transfers that the medium has not finished. */
  readonly active: Transfer[] = [];
  checksumErrors = 0;
  pagesCopied = 0;
  /** Pages of compressed extents that cannot be decoded. */
  undecodable = 0;
  /** Requests, seeks and flushes since it was added; blocks discarded. */
  requests = 0;
  seeks = 0;
  flushes = 0;
  discarded = 0;
  /** What is on the medium. */
  readonly media: Contents = new Contents();
  /** Those that wait for requests to end. */
  readonly wait: WaitQueue;
  readonly legs: BlockDevice[] = [];
  readonly stripes: Map<number, Stripe> = new Map();
  readonly array: ArrayKind;
  readonly writeBps: number;
  readonly readBps: number;
  readonly latencyNs: number;
  readonly seekNs: number;
  readonly queueDepth: number;
  readonly maxPages: number;
  readonly writeCacheBytes: number;
  readonly integrity: boolean;
  readonly badFirst: number;
  readonly badCount: number;
  readonly discard: boolean;
  /** Works on copies where stable pages cannot be had. */
  readonly optional: boolean;
  /** Positive errno that data writes complete with, 0: they succeed. May be set. */
  writeError: number;
  /** queue/stable_writes. */
  stableWrites: boolean;
  /** Laptop mode's timer, -1: none. */
  laptopTimer = -1;
  /** Its power was cut: nothing is carried out any more. */
  lost = false;

  constructor(
    readonly name: string,
    readonly bdi: BackingDevInfo,
    m: DeviceModel,
    /** Contents are kept. */
    readonly keep: boolean,
  ) {
    this.wait = new WaitQueue(`io ${name}`);
    this.array = m.raid1 !== undefined ? "raid1" : m.raid5 !== undefined ? "raid5" : "none";
    this.writeBps = m.writeBps ?? Number.POSITIVE_INFINITY;
    this.readBps = m.readBps ?? Number.POSITIVE_INFINITY;
    this.latencyNs = m.latencyNs ?? (m.writeBps === undefined ? 100_000 : 0);
    this.seekNs = m.seekNs ?? 0;
    this.queueDepth = m.queueDepth ?? 128;
    this.maxPages = m.maxPages ?? 320;
    this.writeCacheBytes = m.writeCacheBytes ?? 0;
    this.integrity = m.integrity === "crc";
    [this.badFirst, this.badCount] = m.badBlocks ?? [0, Number.POSITIVE_INFINITY];
    this.discard = m.discard === true;
    this.optional = m.stable === "optional";
    this.writeError = m.writeError ?? 0;
    this.stableWrites = m.stableWrites === true || this.integrity;
  }

  /** Is no request more to be had now? */
  get congested(): boolean {
    return this.inFlight >= this.queueDepth;
  }

  /** What the writes of a bio complete with: 0 or a positive errno. */
  errorOf(block: number, n: number): number {
    return this.writeError !== 0 && block + n > this.badFirst && block < this.badFirst + this.badCount
      ? this.writeError
      : 0;
  }

  /** What a block of the medium holds; of an array: by its first part (parity arrays: where its data is). */
  read(block: number): PageData | undefined {
    if (this.array === "raid1") return this.legs[0].read(block);
    if (this.array === "raid5") {
      const at = stripeOf(this.legs.length, block);
      return this.legs[at.leg].read(at.stripe);
    }
    for (let i = this.active.length - 1; i >= 0; i--) {
      const t = this.active[i];
      if (t.completed && block >= t.block && block < t.block + t.n) return t.arrived(block - t.block);
    }
    return this.media.get(block);
  }

  get mirror(): boolean {
    return this.array !== "none";
  }
}

/** Where a block of a parity array is: data part and its page there, and the part with the parity. Parity moves left by stripe. */
export function stripeOf(parts: number, block: number): { leg: number; stripe: number; parity: number } {
  const stripe = Math.floor(block / (parts - 1));
  const parity = parts - 1 - (stripe % parts);
  const slot = block % (parts - 1);
  return { leg: (parity + 1 + slot) % parts, stripe, parity };
}
