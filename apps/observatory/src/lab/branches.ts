/**
 * Branches of a run: an input before the frontier leaves the old future behind, under its name, to be seen as a ghost, gone back to, or
 * thrown away. Each has its own journal, history and snapshots; what they share they share by copy.
 */
import type { History } from "./history.js";
import { BadRequest, type BranchInfo } from "./protocol.js";
import { plain } from "./recorded.js";
import { type Entry, earlier, type Instant, type Run } from "./run.js";
import type { KernelEvent } from "./scenario.js";
import type { Snapshots } from "./snapshots.js";

const MOST = 8;

interface Branch {
  readonly id: number;
  readonly name: string;
  readonly parent: number;
  readonly fork: Instant;
  journal: Entry[];
  history: History;
  snapshots: Snapshots;
  frontier: Instant;
}

export class Branches {
  private readonly all: Branch[] = [];
  private active: Branch;
  private made = 0;

  constructor(private readonly run: Run) {
    this.active = this.make(-1, run.at);
  }

  private make(parent: number, fork: Instant): Branch {
    const { journal, history, snapshots, frontier } = this.run;
    const id = this.made++;
    const name = id < 26 ? String.fromCharCode(97 + id) : `b${id}`;
    const b: Branch = { id, name, parent, fork, journal, history, snapshots, frontier };
    this.all.push(b);
    return b;
  }

  /** What the run has become is the active branch's. */
  private keep(): void {
    const { journal, history, snapshots, frontier } = this.run;
    Object.assign(this.active, { journal, history, snapshots, frontier });
  }

  /** An input is about to be made: before the frontier (or where it must) it begins a branch, whose name is given. */
  leave(must = false): string | null {
    const { run } = this;
    if (!must && !earlier(run.at, run.frontier)) return null;
    this.keep();
    run.journal = run.journal.slice(0, run.applied);
    run.history = run.history.until(run.now);
    run.snapshots = run.snapshots.until(run.base, run.applied);
    run.frontier = run.at;
    this.active = this.make(this.active.id, run.at);
    if (this.all.length > MOST) {
      const oldest = this.all.findIndex((b) => b !== this.active && b.id !== this.active.parent);
      this.all.splice(oldest, 1);
    }
    return this.active.name;
  }

  /** Go to another branch; where in it the caller says by a seek. */
  enter(id: number): void {
    const b = this.all.find((x) => x.id === id);
    if (b === undefined) throw new BadRequest(`id: there is no branch ${id}`);
    this.keep();
    this.active = b;
    const { run } = this;
    run.journal = b.journal;
    run.history = b.history;
    run.snapshots = b.snapshots;
    run.frontier = b.frontier;
    // the kernel is in another past: it must come from a snapshot of this one
    run.leavePast();
  }

  drop(id: number): void {
    if (id === this.active.id) throw new BadRequest("id: the branch one is in cannot be dropped");
    const i = this.all.findIndex((b) => b.id === id);
    if (i < 0) throw new BadRequest(`id: there is no branch ${id}`);
    this.all.splice(i, 1);
  }

  get id(): number {
    return this.active.id;
  }

  /** The future this branch left behind. */
  ghost(): { history: History; fork: number } | null {
    const parent = this.all.find((b) => b.id === this.active.parent);
    return parent === undefined ? null : { history: parent.history, fork: this.active.fork.ns };
  }

  info(): BranchInfo[] {
    this.keep();
    return this.all.map((b) => ({
      id: b.id,
      name: b.name,
      parent: b.parent,
      fork: b.fork.ns,
      frontier: b.frontier.ns,
      inputs: b.journal.length,
    }));
  }

  /** The first event that two branches do not share, of those that are kept; null: there is none. */
  difference(a: number, b: number): { readonly ns: number; readonly text: string } | null {
    this.keep();
    const [x, y] = [a, b].map((id) => {
      const found = this.all.find((o) => o.id === id);
      if (found === undefined) throw new BadRequest(`branch: there is no branch ${id}`);
      return found;
    });
    const n = Math.max(x.history.events.length, y.history.events.length);
    const end = Math.min(x.frontier.ns, y.frontier.ns);
    for (let i = 0; i < n; i++) {
      const [e, f] = [x.history.events[i], y.history.events[i]];
      if (e !== undefined && f !== undefined && e.ns === f.ns && e.name === f.name && e.text === f.text) continue;
      const first = f === undefined || (e !== undefined && e.ns <= f.ns) ? e : f;
      if (first === undefined || first.ns > end) return null;
      const said = (o: KernelEvent | undefined): string =>
        o === undefined ? "nothing" : `${o.name} at ${(o.ns / 1e9).toFixed(9)} s`;
      return { ns: first.ns, text: `in ${x.name}: ${said(e)}; in ${y.name}: ${said(f)}` };
    }
    return null;
  }

  /** From an event back to what made it run, as far as it was recorded. */
  why(event: number, ns: number): KernelEvent[] {
    const { events } = this.run.history;
    const chain: KernelEvent[] = [];
    let at = events.findLast((e) => e.event === event && e.ns === ns);
    while (at !== undefined && chain.length < 24) {
      chain.push(plain(at));
      const { cause, ns: before } = at;
      at = cause === 0 ? undefined : events.findLast((e) => e.event === cause && e.ns <= before);
    }
    return chain;
  }
}
