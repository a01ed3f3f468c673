/** AutoNUMA's threads: knuma_scand, which arms pages, and knuma_migratedN, which moves those that are queued for node N. */
import { type Core, type Ctx, type KthreadDef, type Mm, TASK_IDLE, WaitQueue } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";
import type { Hinting } from "../hinting.js";
import type { MigrateQueue } from "./migrateQueue.js";
import type { AutonumaSettings } from "./settings.js";

interface Scanning {
  readonly on: () => boolean;
  readonly scan: (mm: Mm, budget: number) => { armed: number; looked: number; done: boolean };
}

/** What knuma_scand knows: the address space it is at (serial number), and until when it sleeps. */
interface ScandData {
  serial: number;
  untilNs: number;
  readonly wait: WaitQueue;
}

interface MigratedData {
  readonly nid: number;
  /** Node that is next to give pages. */
  from: number;
  untilNs: number;
  readonly wait: WaitQueue;
}

export class AutonumaThreads {
  private readonly scand: ScandData = { serial: 0, untilNs: 0, wait: new WaitQueue("knuma_scand") };
  private readonly migrated: MigratedData[] = [];
  private readonly scanDef: KthreadDef<ScandData>;
  private readonly migrateDef: KthreadDef<MigratedData>;

  constructor(
    private readonly sys: NumaSystem,
    private readonly settings: AutonumaSettings,
    private readonly hinting: Hinting,
    private readonly queue: MigrateQueue | null,
    private readonly scanning: Scanning,
  ) {
    this.scanDef = { name: "autonuma.scand", step: (c, d) => this.scanStep(c, d) };
    this.migrateDef = { name: "autonuma.migrated", step: (c, d) => this.migrateStep(c, d) };
    if (queue === null) return;
    for (const nid of sys.memory)
      this.migrated.push({ nid, from: 0, untilNs: 0, wait: new WaitQueue(`knuma_migrated${nid}`) });
  }

  install(k: Core): void {
    k.state.root("autonuma.threads", { scand: this.scand, migrated: this.migrated });
  }

  boot(k: Core): void {
    k.tasks.kthreadCreate(this.scanDef, "knuma_scand", this.scand);
    for (const d of this.migrated) {
      const t = k.tasks.kthreadCreate(this.migrateDef, `knuma_migrated${d.nid}`, d);
      const cpus = this.sys.cpusOf[d.nid];
      if (cpus.length === 0) continue;
      const mask = new Uint32Array(t.cpusMask.length);
      for (const cpu of cpus) mask[cpu >> 5] |= 1 << (cpu & 31);
      t.cpusMask = mask;
    }
  }

  /** Settings have changed: look again. */
  kick(): void {
    this.scand.untilNs = 0;
    this.sys.k.sched.wakeUp(this.scand.wait);
  }

  /** There is something to move to `nid`. */
  wake(nid: number): void {
    const d = this.migrated.find((x) => x.nid === nid);
    if (d !== undefined && d.wait.head !== null) this.sys.k.sched.wakeUp(d.wait);
  }

  private scanStep(c: Ctx, d: ScandData): number | ReturnType<Ctx["sleep"]> {
    if (!this.scanning.on()) return c.sleep(d.wait, Number.POSITIVE_INFINITY, TASK_IDLE);
    if (c.now < d.untilNs) return c.sleep(d.wait, d.untilNs, TASK_IDLE);
    let left = this.settings.pagesToScan;
    let armed = 0;
    let passOver = false;
    const mms = this.addressSpaces();
    while (left > 0) {
      const mm = mms.find((x) => x.serial >= d.serial);
      if (mm === undefined) {
        passOver = true;
        d.serial = 0;
        this.settings.fullScans++;
        break;
      }
      const r = this.scanning.scan(mm, left);
      armed += r.armed;
      left -= r.looked;
      d.serial = r.done ? mm.serial + 1 : mm.serial;
    }
    this.settings.pagesScanned += this.settings.pagesToScan - left;
    d.untilNs = c.now + (passOver ? this.settings.passSleepMs : this.settings.scanSleepMs) * 1e6;
    return this.hinting.scanCost(armed, null);
  }

  /** Address spaces in use, in the order they were made. */
  private addressSpaces(): Mm[] {
    const seen = new Set<Mm>();
    for (const t of this.sys.k.tasks.all()) if (t.mm !== null && !t.isKthread && !t.exiting) seen.add(t.mm);
    return [...seen].sort((a, b) => a.serial - b.serial);
  }

  private migrateStep(c: Ctx, d: MigratedData): number | ReturnType<Ctx["sleep"]> {
    const { queue, sys, hinting } = this;
    if (queue === null || queue.lists.count[d.nid] === 0 || !this.scanning.on())
      return c.sleep(d.wait, Number.POSITIVE_INFINITY, TASK_IDLE);
    if (c.now < d.untilNs) return c.sleep(null, d.untilNs, TASK_IDLE);
    let moved = 0;
    let looked = 0;
    // a page of each node in turn
    while (looked < this.settings.pagesToMigrate && queue.lists.count[d.nid] > 0) {
      let pfn = 0;
      for (let i = 0; i < sys.nodes && pfn === 0; i++) {
        pfn = queue.first(d.nid, d.from);
        d.from = (d.from + 1) % sys.nodes;
      }
      const pages = sys.k.mm.frames.pages(pfn);
      looked += pages;
      queue.remove(pfn);
      if (hinting.moveTo(pfn, pages, d.nid, null) > 0) moved += pages;
    }
    this.settings.pagesMigrated += moved;
    d.untilNs = c.now + this.settings.migrateSleepMs * 1e6;
    return moved * sys.costs.migrateNs;
  }
}
