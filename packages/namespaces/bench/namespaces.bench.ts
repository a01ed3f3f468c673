/**
 * What namespaces cost: translating ids, making and leaving namespaces, propagating a mount, ipc, ending a namespace of many tasks.
 * The real kernel of the same machine stands beside where it can be asked; its forks copy page tables, ours have almost none.
 */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  type CoreSys,
  createKernel,
  createMachine,
  fromKuid,
  IPC_NOWAIT,
  MS_SHARED,
  makeKuid,
  type Outside,
  type Program,
  program,
  RLIMIT_NPROC,
  SIGCHLD,
  SIGKILL,
} from "@kernelkit/core";
import { type Benchmark, bytesPerObject, randomly } from "../../../tooling/bench/src/index.js";
import { makeMap, type NamespacesSys, namespaces } from "../src/index.js";
import { countsOf } from "../src/ucounts.js";

const BATCH = 1000;
const SIX = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
type Sys = Program<CoreSys & NamespacesSys>;

const boot = () =>
  createKernel({ machine: { cpus: 1, memory: "256M" } })
    .use(namespaces())
    .boot();
const bare = () =>
  createMachine({ machine: { cpus: 1 } })
    .use(namespaces())
    .boot();

/** A user namespace with that many extents, and ids that are mapped. */
function mapped(extents: number): { run: () => number; sys: Outside<CoreSys & NamespacesSys> } {
  const kernel = boot();
  const t = kernel.tasks.forkDriven();
  kernel.sys(t).unshare(CLONE_NEWUSER);
  const ns = t.cred.userNs;
  const list = Array.from({ length: extents }, (_, i) => ({
    first: i * 1000,
    lower: 100_000 + ((i * 7919) % extents) * 1000,
    count: 1000,
  }));
  ns.uidMap = makeMap(list, null);
  const random = randomly(3);
  const ids = Int32Array.from({ length: 4096 }, () => random() % (extents * 1000));
  let at = 0;
  return {
    sys: kernel.sys(t),
    run() {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) {
        const id = ids[at++ & 4095];
        sum = (sum + fromKuid(ns, makeKuid(ns, id))) | 0;
      }
      return sum;
    },
  };
}

const child = program("child", function* (sys: Sys, _s: object) {
  yield* sys.exit(0);
});

const parent = program("parent", function* (sys: Sys, s: { i: number; n: number; flags: number }) {
  for (; s.i < s.n; s.i++) {
    if ((s.i & 63) === 0) yield* sys.restPoint(s);
    const pid = yield* sys.clone(s.flags | SIGCHLD, child, {});
    yield* sys.wait4(pid, 0);
  }
});

type Booted = ReturnType<typeof boot> | ReturnType<typeof bare>;

/** So many tasks and namespaces of each type may be made. */
function roomFor<K extends Booted>(kernel: K, n: number): K {
  const { tasks } = kernel;
  tasks.sysctl.threadsMax = n;
  countsOf(tasks.initUserNs).max.fill(n);
  kernel.sys(kernel.init).setrlimit(RLIMIT_NPROC, { cur: n, max: n });
  return kernel;
}

/** A kernel in which that many tasks sit in uts namespaces of their own. */
function crowded(idle: number): Booted {
  const kernel = roomFor(bare(), 2 * idle);
  for (let i = 0; i < idle; i++) kernel.sys(kernel.tasks.forkDriven()).unshare(CLONE_NEWUTS);
  return kernel;
}

/** ns per clone + exit + wait; the kernel is made once. */
function cloning(make: () => Booted, flags: number, n: number): () => number {
  let kernel: Booted | undefined;
  return () => {
    kernel ??= make();
    return clones(kernel, flags, n);
  };
}

function clones(kernel: Booted, flags: number, n: number): number {
  const { tasks } = kernel;
  kernel.spawn(parent as never, { i: 0, n, flags } as never);
  const before = tasks.processes;
  const t0 = performance.now();
  kernel.run("10s");
  const ns = (performance.now() - t0) * 1e6;
  if (tasks.processes < before + n) throw new Error("clone failed");
  return ns / n;
}

const unsharer = program("unsharer", function* (sys: Sys, s: { i: number; n: number; flags: number }) {
  for (; s.i < s.n; s.i++) {
    if ((s.i & 255) === 0) yield* sys.restPoint(s);
    yield* sys.unshare(s.flags);
  }
});

function unshares(flags: number, n: number): number {
  const kernel = boot();
  kernel.spawn(unsharer, { i: 0, n, flags });
  const t0 = performance.now();
  kernel.run("10s");
  return ((performance.now() - t0) * 1e6) / n;
}

/** ns to end a pid namespace of `n` tasks. */
function zap(n: number): number {
  const kernel = roomFor(bare(), 2 * n);
  const a = kernel.tasks.forkDriven();
  const sys = kernel.sys(a);
  const init = kernel.tasks.find(sys.clone(CLONE_NEWPID | SIGCHLD));
  if (init === null) throw new Error("no init");
  for (let i = 1; i < n; i++) kernel.sys(init).fork();
  const t0 = performance.now();
  sys.kill(init.nr, SIGKILL);
  kernel.run("1ms");
  sys.wait4(init.nr, 0);
  return (performance.now() - t0) * 1e6;
}

const unshareOf = (name: string, flags: number, target: number | undefined, peer?: string): Benchmark => ({
  name: `unshare ${name}`,
  unit: "namespace",
  ...(target !== undefined && { target }),
  timed: () => unshares(flags, 4_000),
  ...(peer !== undefined && { peers: [{ name: "Linux", native: peer, target: 2 }] }),
});

/** Random ids that are mapped, there and back: two translations. */
const translation = (extents: number, target: number): Benchmark => ({
  name: `makeKuid and fromKuid, ${extents} extent${extents > 1 ? "s" : ""}`,
  unit: "translation",
  target,
  per: 2 * BATCH,
  setup: () => mapped(extents).run,
});

/** A call of a task whose user namespace has that many extents. */
const callInside = (
  name: string,
  extents: number,
  call: (sys: Outside<CoreSys & NamespacesSys>) => unknown,
): Benchmark => ({
  name: `${name}, ${extents} extents`,
  unit: "call",
  per: BATCH,
  setup: () => {
    const { sys } = mapped(extents);
    return () => {
      for (let i = 0; i < BATCH; i++) call(sys);
    };
  },
});

const benchmarks: Benchmark[] = [
  translation(1, 100e6),
  translation(5, 100e6),
  translation(340, 20e6),
  {
    name: "clone + exit + wait, no new namespaces",
    unit: "clone",
    target: 300e3,
    timed: cloning(bare, 0, 5_000),
    peers: [{ name: "Linux, fork of a small process (copies page tables)", native: "fork-exit-wait", target: 30 }],
  },
  {
    name: "the same beside 10 000 idle namespaces",
    unit: "clone",
    target: 300e3,
    timed: cloning(() => crowded(10_000), 0, 5_000),
  },
  {
    name: "clone + exit + wait, new uts",
    unit: "clone",
    timed: cloning(bare, CLONE_NEWUTS, 5_000),
    peers: [{ name: "Linux", native: "clone-uts-exit-wait", target: 30 }],
  },
  {
    name: "clone + exit + wait, six new namespaces",
    unit: "clone",
    target: 100e3,
    timed: cloning(boot, SIX, 1_000),
    bytesPer: () => ({
      "set of six": bytesPerObject(500, (n) => {
        const kernel = roomFor(boot(), 4 * n);
        for (let i = 0; i < n; i++) kernel.sys(kernel.tasks.forkDriven()).clone(SIX | SIGCHLD);
        return kernel;
      }),
    }),
    peers: [{ name: "Linux", native: "clone-six-exit-wait", target: 30 }],
  },
  unshareOf("uts", CLONE_NEWUTS, 1e6, "unshare-uts"),
  unshareOf("ipc", CLONE_NEWIPC, undefined, "unshare-ipc"),
  unshareOf("cgroup", CLONE_NEWCGROUP, undefined),
  unshareOf("time", CLONE_NEWTIME, undefined),
  unshareOf("mnt", CLONE_NEWNS, undefined),
  unshareOf("net", CLONE_NEWNET, 100e3),
  {
    name: "mount and umount below 32 peers",
    unit: "mount",
    target: 100e3,
    per: 100,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.init);
      sys.mount("t", "/mnt", "tmpfs", 0);
      sys.mount("none", "/mnt", null, MS_SHARED);
      sys.mkdir("/mnt/d", 0o755);
      for (let i = 0; i < 32; i++) kernel.sys(kernel.tasks.forkDriven()).unshare(CLONE_NEWNS);
      return () => {
        for (let i = 0; i < 100; i++) {
          sys.mount("x", "/mnt/d", "tmpfs", 0);
          sys.umount2("/mnt/d", 0);
        }
      };
    },
  },
  {
    name: "msgsnd + msgrcv",
    unit: "message",
    per: BATCH,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.init);
      const q = sys.msgget(0, 0o600);
      const data = new Uint8Array(64);
      return () => {
        for (let i = 0; i < BATCH; i++) {
          sys.msgsnd(q, 1, data);
          sys.msgrcv(q, 64, 0, IPC_NOWAIT);
        }
      };
    },
    peers: [{ name: "Linux", native: "msgsnd-msgrcv" }],
  },
  {
    name: "semop up + down",
    unit: "pair",
    per: BATCH,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.init);
      const id = sys.semget(0, 1, 0o600);
      const up = [{ sem_num: 0, sem_op: 1, sem_flg: 0 }];
      const down = [{ sem_num: 0, sem_op: -1, sem_flg: 0 }];
      return () => {
        for (let i = 0; i < BATCH; i++) {
          sys.semop(id, up);
          sys.semop(id, down);
        }
      };
    },
    peers: [{ name: "Linux", native: "semop-pair" }],
  },
  callInside("getuid", 1, (sys) => sys.getuid()),
  callInside("getuid", 340, (sys) => sys.getuid()),
  callInside("stat", 340, (sys) => sys.stat("/mnt")),
  {
    name: "setns into a uts namespace",
    unit: "call",
    per: 2 * BATCH,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.tasks.forkDriven());
      const own = sys.open("/proc/self/ns/uts", 0);
      sys.unshare(CLONE_NEWUTS);
      const other = sys.open("/proc/self/ns/uts", 0);
      return () => {
        for (let i = 0; i < BATCH; i++) {
          sys.setns(own, 0);
          sys.setns(other, 0);
        }
      };
    },
  },
  {
    name: "readlink of /proc/self/ns/uts",
    unit: "call",
    per: BATCH,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.init);
      return () => {
        for (let i = 0; i < BATCH; i++) sys.readlink("/proc/self/ns/uts");
      };
    },
  },
  { name: "end of a pid namespace of 10 000 tasks", unit: "end", target: 100, timed: () => zap(10_000) },
];

export default benchmarks;
