/**
 * The story "The fput that could not wait": when the last reference to a written file goes with a mapping, IMA wants the inode's lock
 * while munmap holds the memory map's. Three designs, the lock orders each makes, and what the deferred one costs every close.
 */
import { MAP_SHARED, O_CREAT, O_RDWR, O_WRONLY, PROT_READ, PROT_WRITE } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { utf8 } from "../bytes.js";
import { Rig } from "./rig.js";

type Knobs = { readonly files: number; readonly mapped: number };

const MMAP_SEM = "mmap_sem";
const I_MUTEX = "i_mutex";

const designs = ["inline", "deferred", "task_work"] as const;
type Design = (typeof designs)[number];

/** Who took what while holding what, as a lock checker sees it: an order is known from the first time on. */
class LockOrders {
  private readonly held: string[] = [];
  readonly edges: Set<string> = new Set();

  take(lock: string): void {
    for (const h of this.held) if (h !== lock) this.edges.add(`${h} -> ${lock}`);
    this.held.push(lock);
  }

  drop(lock: string): void {
    this.held.splice(this.held.lastIndexOf(lock), 1);
  }

  /** Pairs that are taken in both orders: two tasks may wait for each other for ever. */
  get cycles(): string[] {
    const out: string[] = [];
    for (const e of this.edges) {
      const [a, b] = e.split(" -> ");
      if (a < b && this.edges.has(`${b} -> ${a}`)) out.push(`${a} -> ${b} -> ${a}`);
    }
    return out;
  }
}

interface Seen {
  orders: LockOrders;
  /** Files that ended, those that ended with a mapping, and those that ended after the call that let go of them had returned. */
  ended: number;
  byMunmap: number;
  delayed: number;
  /** Labels that were there when the call returned. */
  prompt: number;
}

type Fn = (...args: never[]) => unknown;

/** Runs a system call's own part, without what is done on the way back, under a lock. */
function underLock(rig: Rig, name: string, take: () => void, drop: () => void): void {
  const entry = rig.kernel.core.syscalls.byName.get(name);
  if (entry === undefined) throw new RangeError(`no system call ${name}`);
  const fn = entry.fn as unknown as Fn;
  entry.fn = ((...args: never[]) => {
    take();
    try {
      return fn(...args);
    } finally {
      drop();
    }
  }) as unknown as typeof entry.fn;
}

function observe(design: Design, ima: boolean, o: Knobs): Seen {
  const cmdline = ima ? "ima_appraise_tcb ima_appraise=enforce" : "";
  const rig = new Rig({ cmdline, integrity: { fput: design } });
  const orders = new LockOrders();
  const seen: Seen = { orders, ended: 0, byMunmap: 0, delayed: 0, prompt: 0 };
  let inCall = false;
  let unmapping = false;
  // munmap(2) holds the memory map's lock for writing.
  underLock(
    rig,
    "munmap",
    () => orders.take(MMAP_SEM),
    () => orders.drop(MMAP_SEM),
  );
  // write(2) holds the inode's, and copies from memory that may not be there: the fault takes the memory map's.
  underLock(
    rig,
    "write",
    () => {
      orders.take(I_MUTEX);
      orders.take(MMAP_SEM);
      orders.drop(MMAP_SEM);
    },
    () => orders.drop(I_MUTEX),
  );
  rig.api.watchInodeLock(() => {
    orders.take(I_MUTEX);
    orders.drop(I_MUTEX);
  });
  rig.kernel.core.hooks.finalFput.tap(1, "story", (f) => {
    if (f.inode.sb.type.name !== "ext4") return;
    seen.ended++;
    if (unmapping) seen.byMunmap++;
    if (!inCall) seen.delayed++;
  });
  const call = (f: () => void): void => {
    inCall = true;
    f();
    inCall = false;
  };
  const settle = (path: string, label: boolean): void => {
    const there = rig.kernel.core.vfs.nrFiles;
    if (label && there >= 0 && rig.inode(path).xattrs?.has("security.ima") === true) seen.prompt++;
    rig.kernel.run("1us");
    unmapping = false;
  };
  for (let i = 0; i < o.files; i++) {
    const path = `/mnt/f${i}`;
    if (i % 100 >= o.mapped) {
      const fd = rig.sys.open(path, O_WRONLY | O_CREAT, 0o644);
      call(() => rig.sys.write(fd, utf8("x")));
      call(() => rig.sys.close(fd));
      settle(path, true);
      continue;
    }
    const fd = rig.sys.open(path, O_RDWR | O_CREAT, 0o644);
    call(() => rig.sys.write(fd, utf8("x")));
    const at = rig.sys.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    call(() => rig.sys.close(fd));
    unmapping = true;
    call(() => rig.sys.munmap(at, 4096));
    settle(path, true);
  }
  return seen;
}

export const deferredFput: Story<Knobs> = {
  id: "deferred-fput",
  question: "Where may the label of a file be written whose last reference goes with a mapping?",
  source: "LWN 2012-03 (IMA appraisal extension: the deferred __fput and the objection to it)",
  claim:
    "at once: the lock orders form a cycle, and only where IMA looks at the file; queued: no cycle, but every close waits in the queue; before the return to user space (Linux): no cycle, no close delayed, and the label is there when the call returns",
  assumes: [
    "the article names the deferral and the objection, not the code: `deferred` queues every last fput as an event of its own",
    "every write(2) is taken to fault on its source once, which is when it needs the memory map's lock",
  ],
  knobs: {
    files: { kind: "number", default: 100, min: 1, max: 10_000, unit: "files" },
    mapped: { kind: "number", default: 10, min: 1, max: 100, unit: "% closed before they are unmapped" },
  },
  run(given) {
    const o = knobsOf(this.knobs, given);
    const numbers: Record<string, number> = {};
    const rows: (string | number)[][] = [];
    for (const design of designs) {
      for (const ima of [false, true]) {
        const s = observe(design, ima, o);
        const who = `${design}${ima ? ", IMA" : ""}`;
        const percent = Math.round((1000 * s.delayed) / s.ended) / 10;
        const cycles = s.orders.cycles;
        rows.push([
          design,
          ima ? "on" : "off",
          [...s.orders.edges].sort().join("; "),
          cycles.join("; ") || "none",
          s.delayed,
          percent,
          ima ? s.prompt : "",
        ]);
        numbers[`cycles ${who}`] = cycles.length;
        numbers[`orders ${who}`] = s.orders.edges.size;
        numbers[`delayed ${who}`] = s.delayed;
        numbers[`prompt ${who}`] = s.prompt;
        numbers[`munmap ${who}`] = s.byMunmap;
      }
    }
    return {
      series: [],
      table: {
        columns: [
          "last fput",
          "IMA",
          "lock orders seen",
          "cycles",
          "closes delayed",
          "% delayed",
          "labels there in time",
        ],
        rows,
      },
      numbers: { ...numbers, files: o.files },
    };
  },
};
