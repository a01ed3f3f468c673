import { createKernel, KernelError, type Task } from "@kernelkit/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkMemcg } from "./checkMemcg.js";
import { memcg } from "./memcg.js";

const AT = 0x200000000;
const ROOT = "/sys/fs/cgroup";
const RUNS = Number(process.env.FC_RUNS ?? 12);

/** Two nodes and two groups, one in the other, each with a task; `singly`: somebody wants to hear of each fault. */
function boot(singly: boolean) {
  const k = createKernel({
    machine: { cpus: 2, nodes: 2, nodeMemory: ["12M", "12M"], cpuNode: [0, 1] },
    cmdline: "transparent_hugepage=never",
  })
    .use(memcg({ swap: "4M" }))
    .boot();
  const root = k.sys(k.init);
  const groups = [`${ROOT}/a`, `${ROOT}/a/b`];
  const tasks = groups.map((path) => {
    root.writeFile(`${path.slice(0, -2)}/cgroup.subtree_control`, "+memory");
    root.mkdir(path, 0o755);
    return k.tasks.find(root.fork()) as Task;
  });
  // tasks below a group that has controllers for children
  root.mkdir(`${ROOT}/a/c`, 0o755);
  root.writeFile(`${ROOT}/a/c/cgroup.procs`, String(tasks[0].nr));
  root.writeFile(`${ROOT}/a/b/cgroup.procs`, String(tasks[1].nr));
  if (singly) k.core.hooks.pageFault.tap(950, "test", () => {});
  return { k, tasks };
}

type Op = readonly [kind: number, who: number, at: number, n: number];
const op: fc.Arbitrary<Op> = fc.tuple(fc.nat(9), fc.nat(1), fc.nat(500), fc.integer({ min: 1, max: 200 }));

function perform({ k, tasks }: ReturnType<typeof boot>, [kind, who, at, n]: Op): string {
  const sys = k.sys(tasks[who]);
  const addr = AT + at * 4096;
  try {
    if (kind < 2) sys.mmap(addr, n * 4096, 3, 0x4032, -1, 0);
    else if (kind === 2) sys.madvise(addr, n * 4096, 4);
    else if (kind === 3) k.sys(k.init).writeFile(`${ROOT}/a/memory.high`, `${n * 8}K`);
    else if (kind === 4) k.sys(k.init).writeFile(`${ROOT}/a/b/memory.max`, `${1 + (n >> 5)}M`);
    else sys.touch(addr, n, kind % 2 === 1);
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
  return "";
}

it("pages in a row are charged, counted and listed as single ones are", () => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 5, maxLength: 30 }), (ops) => {
      const row = boot(false);
      const single = boot(true);
      for (const o of ops) {
        if (row.tasks.some((t) => t.exiting)) break;
        expect(perform(row, o)).toBe(perform(single, o));
        checkMemcg(row.k.memcg.system);
      }
      expect(row.k.checkpoint()).toEqual(single.k.checkpoint());
    }),
    { numRuns: RUNS },
  );
}, 60_000);
