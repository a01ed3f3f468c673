/** Invariants of the whole controller under any sequence of what tasks and administrators do. */
import { createKernel, KernelError, O_CREAT, O_RDWR, type Task } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "./checkMemcg.js";
import { memcg } from "./memcg.js";

/** Sequences; the environment raises it. */
const RUNS = Number(process.env["KERNELKIT_MEMCG_RUNS"] ?? 200);
const OPERATIONS = 100;
const ROOT = "/sys/fs/cgroup";
const GROUPS = ["/a", "/b", "/a/x", "/a/y"];
const AT = 0x200000000;
const AREA = 0x4000000;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE: what is there stays. */
const ANON_ONCE = 0x100022;
const MADV_NOHUGEPAGE = 15;

const FILES = [
  ["memory.max", ["1M", "2M", "3M", "5M"]],
  ["memory.high", ["2M", "max", "max"]],
  ["memory.min", ["0", "1M", "4M"]],
  ["memory.low", ["0", "1M", "4M"]],
  ["memory.swap.max", ["0", "1M", "max"]],
  ["memory.oom.group", ["0", "1"]],
  ["memory.reclaim", ["64K", "1M swappiness=100"]],
  ["pids.max", ["3", "max"]],
  ["cgroup.subtree_control", ["+memory +pids", "-memory"]],
] as const;

const op = fc.record({
  kind: fc.constantFrom(
    ...([
      "touch",
      "touch",
      "touch",
      "unmap",
      "file",
      "read",
      "read",
      "fork",
      "exit",
      "move",
      "write",
      "write",
    ] as const),
    ...(["reclaim", "rmdir", "free", "stat", "pipe"] as const),
  ),
  task: fc.nat(5),
  group: fc.nat(GROUPS.length - 1),
  n: fc.nat(400),
  file: fc.nat(FILES.length - 1),
});
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

function machine(kmem: string) {
  const kernel = createKernel({ machine: { cpus: 2, memory: "12M" }, cmdline: "transparent_hugepage=always" })
    .use(memcg({ swap: "8M", kmem }))
    .boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile(`${ROOT}/cgroup.subtree_control`, "+memory +pids");
  kernel.vfs.addDisk({ name: "vda", type: "ext4" });
  sys.mkdir("/d", 0o755);
  sys.mount("/dev/vda", "/d", "ext4", 0, "");
  for (const g of GROUPS.slice(0, 2)) {
    sys.mkdir(ROOT + g, 0o755);
    sys.writeFile(`${ROOT + g}/memory.max`, "3M");
    sys.writeFile(`${ROOT + g}/memory.swap.max`, "1M");
  }
  // writes of limits may have to wait for a victim's death
  const admin = kernel.tasks.find(sys.fork());
  if (admin === null) throw new Error("no task for the administrator");
  return { kernel, sys, admin, tasks: [] as Task[], calls: new Map<Task, { readonly done: boolean }>() };
}
type Machine = ReturnType<typeof machine>;

function mapOnce(m: Machine, t: Task, at: number): void {
  try {
    m.kernel.sys(t).mmap(at, 2 << 20, 3, ANON_ONCE);
  } catch (e) {
    if (!(e instanceof KernelError) || e.code !== "EEXIST") throw e;
  }
}

const idle = (m: Machine, t: Task): boolean => m.calls.get(t)?.done !== false;

function perform(m: Machine, o: Op): void {
  const { kernel, sys, tasks } = m;
  const t = tasks.length === 0 ? null : tasks[o.task % tasks.length];
  // it sleeps in its last call: above a high limit, or for want of memory
  if (t !== null && !idle(m, t)) {
    kernel.run("10ms");
    return;
  }
  const group = ROOT + GROUPS[o.group];
  if (o.kind === "fork" || t === null) {
    const parent = t ?? kernel.init;
    const child = kernel.tasks.find(kernel.sys(parent).fork());
    if (child === null) return;
    tasks.push(child);
    sys.writeFile(`${group}/cgroup.procs`, String(child.nr));
    return;
  }
  const view = kernel.call(t);
  const start = (call: { readonly done: boolean }, by = t): void => void m.calls.set(by, call);
  const at = AT + (o.n % 4) * AREA;
  switch (o.kind) {
    case "touch":
      mapOnce(m, t, at);
      if (o.n % 2 === 0) kernel.sys(t).madvise(at, 2 << 20, MADV_NOHUGEPAGE);
      start(view.touch(at, 1 + o.n, o.n % 3 !== 0));
      break;
    case "unmap":
      start(view.munmap(at, (1 + (o.n % 512)) * 4096));
      break;
    case "free":
      start(view.madvise(at, 2 << 20, 8));
      break;
    case "file": {
      const fd = sys.open(`${o.n % 2 === 0 ? "/d" : "/tmp"}/f${o.n % 3}`, O_RDWR | O_CREAT, 0o644);
      sys.close(fd);
      start(view.writeFile(`${o.n % 2 === 0 ? "/d" : "/tmp"}/f${o.n % 3}`, new Uint8Array(o.n * 1024)));
      break;
    }
    case "read":
      start(view.readFile(`/d/f${o.n % 3}`));
      break;
    case "stat":
      start(view.stat(`/d/no-such-name-${o.n}-${"x".repeat(100)}`));
      break;
    case "pipe":
      start(view.pipe2(0));
      break;
    case "exit":
      start(view.exit_group(0));
      kernel.run("1ms");
      sys.wait4(-1, 1);
      break;
    case "move":
      sys.writeFile(`${o.n % 5 === 0 ? ROOT : group}/cgroup.procs`, String(t.nr));
      break;
    case "rmdir":
      if (o.n % 3 === 0) sys.rmdir(group);
      else sys.mkdir(group, 0o755);
      break;
    case "reclaim":
      sys.writeFile(`${group}/memory.reclaim`, "1M");
      break;
    default: {
      const [file, values] = FILES[o.file];
      if (idle(m, m.admin))
        start(kernel.call(m.admin).writeFile(`${group}/${file}`, values[o.n % values.length]), m.admin);
    }
  }
  kernel.run("30ms");
}

describe("the memory controller", () => {
  for (const kmem of ["unified", "4.5"]) {
    it(`keeps its accounts under any sequence of operations (kernel memory: ${kmem})`, { timeout: 600_000 }, () => {
      fc.assert(
        fc.property(fc.array(op, { minLength: OPERATIONS, maxLength: OPERATIONS }), (ops) => {
          const m = machine(kmem);
          for (const o of ops) {
            try {
              perform(m, o);
            } catch (e) {
              if (!(e instanceof KernelError)) throw e;
            }
            m.tasks.splice(0, m.tasks.length, ...m.tasks.filter((t) => !t.exiting));
            checkMemcg(m.kernel.memcg.system);
          }
          // and all of it comes back
          for (const t of m.tasks) m.kernel.sys(m.kernel.init).kill(t.nr, 9);
          m.kernel.run("100ms");
          checkMemcg(m.kernel.memcg.system);
          expect(m.kernel.init.exiting).toBe(false);
        }),
        { numRuns: Math.ceil(RUNS / 2) },
      );
    });
  }
});
