/**
 * Random sequences of memory calls by several processes, checked after every call against the invariants (checkMemory) and against a
 * simple model: a map from page number to rights and contents. FC_RUNS raises the number of sequences.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { builder } from "../kernel/createKernel.js";
import type { Kernel } from "../kernel/kernel.js";
import type { BareSys } from "../sys/bareSys.js";
import type { MemorySys } from "../sys/memorySys.js";
import type { Task } from "../task/task.js";
import { checkMemory } from "./checkMemory.js";
import { mmPart } from "./part.js";

type K = Kernel<object, BareSys & MemorySys>;

const P = 4096;
const BASE = 0x200000000 / P;
const RUNS = Number(process.env.FC_RUNS ?? 200);

/** A page as a process sees it. */
interface Page {
  prot: number;
  /** Contents of private memory; shared memory has them in `object`. */
  value: number;
  object: Map<number, number> | null;
  index: number;
  dontFork: boolean;
  wipeOnFork: boolean;
}

class Model {
  readonly pages: Map<number, Page> = new Map();
  get(n: number): Page | undefined {
    return this.pages.get(n);
  }
  value(p: Page): number {
    return p.object === null ? p.value : (p.object.get(p.index) ?? 0);
  }
  set(p: Page, v: number): void {
    if (p.object === null) p.value = v;
    else p.object.set(p.index, v);
  }
  fork(): Model {
    const m = new Model();
    for (const [n, p] of this.pages) if (!p.dontFork) m.pages.set(n, { ...p, value: p.wipeOnFork ? 0 : p.value });
    return m;
  }
  /** Is every page of the range mapped? */
  whole(at: number, n: number): boolean {
    for (let i = 0; i < n; i++) if (!this.pages.has(at + i)) return false;
    return true;
  }
}

interface Proc {
  task: Task;
  model: Model;
}

interface Op {
  kind: number;
  who: number;
  at: number;
  n: number;
  x: number;
}

function fails(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

function mustFail(op: string, got: string, should: boolean): void {
  if ((got !== "") !== should)
    throw new Error(`${op}: ${got === "" ? "succeeded" : got}, model: ${should ? "fails" : "succeeds"}`);
}

const range = (at: number, n: number): number[] => Array.from({ length: n }, (_, i) => at + i);

/** Carry out one operation on kernel and model. */
function run(k: K, procs: Proc[], op: Op, unit: number): void {
  const p = procs[op.who % procs.length];
  const s = k.sys(p.task);
  const at = BASE + op.at * unit;
  const n = op.n * unit;
  const addr = at * P;
  const { pages } = p.model;
  switch (op.kind) {
    case 0:
    case 1: {
      const shared = op.kind === 1;
      s.mmap(addr, n * P, op.x & 3, shared ? 0x31 : 0x4032);
      const object = shared ? new Map<number, number>() : null;
      range(at, n).forEach((a, index) => {
        pages.set(a, { prot: op.x & 3, value: 0, object, index, dontFork: false, wipeOnFork: false });
      });
      break;
    }
    case 2:
      s.munmap(addr, n * P);
      for (const a of range(at, n)) pages.delete(a);
      break;
    case 3: {
      const e = fails(() => s.mprotect(addr, n * P, op.x & 3));
      mustFail("mprotect", e, !p.model.whole(at, n));
      for (const a of range(at, n)) {
        const page = pages.get(a);
        if (page === undefined) break;
        page.prot = op.x & 3;
      }
      break;
    }
    case 4: {
      s.munlockall(); // a locked area refuses it, which the model does not know
      const e = fails(() => s.madvise(addr, n * P, 4));
      mustFail("madvise", e, !p.model.whole(at, n));
      for (const a of range(at, n)) {
        const page = pages.get(a);
        if (page !== undefined && page.object === null) page.value = 0;
      }
      break;
    }
    case 5: {
      if (procs.length > 4) break;
      const task = k.tasks.find(s.fork()) as Task;
      procs.push({ task, model: p.model.fork() });
      break;
    }
    case 6:
      if (op.who % procs.length === 0) break;
      s.exit(0);
      procs.splice(op.who % procs.length, 1);
      break;
    case 7: {
      const page = pages.get(at);
      if (page === undefined || (page.prot & 2) === 0) break;
      s.store(addr, 1 + (op.x % 250));
      p.model.set(page, 1 + (op.x % 250));
      break;
    }
    case 8: {
      for (const [a, page] of pages) {
        if (page.prot === 0) continue;
        const got = s.load(a * P)[0];
        const want = p.model.value(page);
        if (got !== want) throw new Error(`page ${a - BASE}: byte ${got}, model: ${want}`);
      }
      break;
    }
    case 9: {
      const e = fails(() => (op.x & 1 ? s.mlock(addr, n * P) : s.munlock(addr, n * P)));
      if ((op.x & 1) === 0) mustFail("munlock", e, !p.model.whole(at, n));
      else if (e !== "" && range(at, n).every((a) => (pages.get(a)?.prot ?? 0) !== 0)) throw new Error(`mlock: ${e}`);
      break;
    }
    case 10: {
      const to = BASE + ((op.at + 3 + (op.x % 12)) % 16) * unit;
      if (to < at + n && at < to + n) break;
      const e = fails(() => s.mremap(addr, n * P, n * P, 3, to * P));
      mustFail("mremap", e, !pages.has(at));
      if (e !== "") break;
      // areas move one by one: where the source has a hole the target stays as it is
      range(at, n).forEach((a, i) => {
        const page = pages.get(a);
        if (page === undefined) return;
        pages.set(to + i, page);
        pages.delete(a);
      });
      break;
    }
    case 11: {
      const advice = [10, 11, 14, 15][op.x & 3];
      fails(() => s.madvise(addr, n * P, advice));
      if (advice <= 11) for (const a of range(at, n)) if (pages.has(a)) (pages.get(a) as Page).dontFork = advice === 10;
      break;
    }
    case 12: {
      const page = pages.get(at);
      if (page === undefined || (page.prot & 2) === 0) break;
      s.touch(addr, 1, true);
    }
  }
}

const ops = fc.array(
  fc.record({
    kind: fc.integer({ min: 0, max: 12 }),
    who: fc.nat(7),
    at: fc.nat(15),
    n: fc.integer({ min: 1, max: 6 }),
    x: fc.nat(60000),
  }),
  { minLength: 60, maxLength: 100 },
);

function property(cmdline: string, memory: string, unit: number, runs: number): void {
  fc.assert(
    fc.property(ops, (list) => {
      const k = builder<BareSys & MemorySys>([mmPart], {
        machine: { memory, cpus: 1 },
        cmdline,
      }).boot() as unknown as K;
      k.mm.sysctl.overcommitMemory = 1;
      const procs: Proc[] = [{ task: k.init, model: new Model() }];
      for (const op of list) {
        run(k, procs, op, unit);
        checkMemory(k.core);
      }
      for (const p of procs.slice(1)) k.sys(p.task).exit(0);
      k.sys(k.init).munmap(0, 0x700000000000);
      checkMemory(k.core);
    }),
    { numRuns: runs },
  );
}

describe("memory under random calls", () => {
  it("keeps its invariants and everyone's contents with small pages", { timeout: 120_000 }, () => {
    property("transparent_hugepage=never", "2M", 1, RUNS);
  });
  it("keeps them with huge pages, at sizes that split them", { timeout: 120_000 }, () => {
    property("transparent_hugepage=always", "48M", 100, Math.ceil(RUNS / 10));
  });
});
