/**
 * v1's notifications through eventfds: thresholds of usage, out-of-memory, reclaim pressure. Kernel document
 * admin-guide/cgroup-v1/memory, "Memory thresholds", "OOM Control", "Memory Pressure".
 */
import type { Core, EventfdCtx } from "@kernelkit/core";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import type { PageCounter } from "../pageCounter.js";

/** Page events of a group between two looks at its thresholds. */
const THRESHOLD_EVENTS = 128;
/** Pages scanned between two looks at how much of them was freed. */
const PRESSURE_WINDOW = 512;
const LEVEL_MEDIUM = 60;
const LEVEL_CRITICAL = 95;

export const PRESSURE_LEVELS: readonly string[] = ["low", "medium", "critical"];
/** Who is told of pressure below: the nearest that listens; also those above it; never of what is below. */
export const PRESSURE_MODES: readonly string[] = ["default", "hierarchy", "local"];

/** Thresholds in ascending order; `current` is the last that usage has reached. */
export class Thresholds {
  readonly entries: { pages: number; event: EventfdCtx }[] = [];
  current = -1;

  add(pages: number, event: EventfdCtx, usage: number): void {
    this.entries.push({ pages, event });
    this.settle(usage);
  }

  remove(event: EventfdCtx, usage: number): void {
    for (let i = this.entries.length - 1; i >= 0; i--) if (this.entries[i].event === event) this.entries.splice(i, 1);
    this.settle(usage);
  }

  private settle(usage: number): void {
    this.entries.sort((a, b) => a.pages - b.pages);
    this.current = -1;
    for (const e of this.entries) if (e.pages <= usage) this.current++;
  }

  /** Each threshold crossed since last time is told once. */
  check(k: Core, usage: number): void {
    const { entries } = this;
    let i = this.current;
    for (; i >= 0 && entries[i].pages > usage; i--) entries[i].event.signal(k);
    for (i++; i < entries.length && entries[i].pages <= usage; i++) entries[i].event.signal(k);
    this.current = i - 1;
  }
}

export class LegacyEvents {
  readonly memory: Thresholds = new Thresholds();
  readonly memsw: Thresholds = new Thresholds();
  readonly oom: EventfdCtx[] = [];
  readonly pressure: { event: EventfdCtx; level: number; mode: number }[] = [];

  get count(): number {
    return this.memory.entries.length + this.memsw.entries.length + this.oom.length + this.pressure.length;
  }

  signalOom(k: Core): void {
    for (const e of this.oom) e.signal(k);
  }

  /** The eventfd is closed. */
  remove(event: EventfdCtx, m: MemCgroup): void {
    this.memory.remove(event, m.memory.usage);
    this.memsw.remove(event, m.memsw.usage);
    for (let i = this.oom.length - 1; i >= 0; i--) if (this.oom[i] === event) this.oom.splice(i, 1);
    for (let i = this.pressure.length - 1; i >= 0; i--)
      if (this.pressure[i].event === event) this.pressure.splice(i, 1);
  }

  /** The group is removed: everybody who registered is told once. */
  signalAll(k: Core): void {
    for (const t of [this.memory, this.memsw]) for (const e of t.entries) e.event.signal(k);
    this.signalOom(k);
    for (const p of this.pressure) p.event.signal(k);
  }
}

function check(s: MemcgSystem, list: Thresholds, counter: PageCounter): void {
  if (list.entries.length > 0) list.check(s.k, counter.usage);
}

/** Thresholds of the group and of those above. */
export function checkThresholds(s: MemcgSystem, m: MemCgroup): void {
  for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
    if (g.legacy === null) continue;
    check(s, g.legacy.memory, g.memory);
    check(s, g.legacy.memsw, g.memsw);
  }
}

/** n pages of the group came or went. */
export function checkEvents(s: MemcgSystem, m: MemCgroup, n: number): void {
  m.pageEvents += n;
  if (m.pageEvents < THRESHOLD_EVENTS) return;
  m.pageEvents = 0;
  checkThresholds(s, m);
}

/** Reclaim of the group has scanned and freed pages: those who listen to the level this means are told, from here upwards. */
export function vmpressure(s: MemcgSystem, m: MemCgroup, scanned: number, freed: number): void {
  m.vmScanned += scanned;
  m.vmReclaimed += freed;
  if (m.vmScanned < PRESSURE_WINDOW) return;
  const percent = m.vmReclaimed >= m.vmScanned ? 0 : 100 - Math.floor((100 * m.vmReclaimed) / m.vmScanned);
  m.vmScanned = 0;
  m.vmReclaimed = 0;
  const level = percent >= LEVEL_CRITICAL ? 2 : percent >= LEVEL_MEDIUM ? 1 : 0;
  let told = false;
  for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
    for (const p of g.legacy?.pressure ?? []) {
      if (level < p.level || (g !== m && p.mode === 2) || (told && p.mode === 0)) continue;
      p.event.signal(s.k);
      told = true;
    }
  }
}
