/**
 * What the network costs: making and ending network namespaces, datagrams and streams between tasks of one namespace and across a cable.
 * A message of the real kernel is a system call and a copy on each side, as ours is; both sides run on one CPU.
 */
import {
  AF_INET,
  AF_UNIX,
  CLONE_NEWNET,
  type CoreSys,
  createKernel,
  type Program,
  program,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "@kernelkit/core";
import { type Benchmark, bytesPerObject } from "../../../tooling/bench/src/index.js";
import { type NamespacesSys, namespaces } from "../src/index.js";

type Sys = Program<CoreSys & NamespacesSys>;
const BATCH = 100;
const UNSHARES = 4_000;

const boot = () =>
  createKernel({ machine: { cpus: 1, memory: "256M" } })
    .use(namespaces())
    .boot();

const unsharer = program("unsharer", function* (sys: Sys, s: { i: number; n: number }) {
  for (; s.i < s.n; s.i++) {
    if ((s.i & 255) === 0) yield* sys.restPoint(s);
    yield* sys.unshare(CLONE_NEWNET);
    // as soon as the next is there the last one ends, in the background
    if ((s.i & 63) === 0) yield* sys.nanosleep(1000);
  }
});

const at = (addr: string, port: number) => ({ family: AF_INET, addr, port });
const data = new Uint8Array(64);

/** Two tasks with a cable between their namespaces. */
function wired() {
  const kernel = boot();
  const [a, b] = [0, 1].map(() => {
    const task = kernel.tasks.forkDriven();
    const sys = kernel.sys(task);
    sys.unshare(CLONE_NEWNET);
    return { task, sys, rtnl: (r: string, o: object) => kernel.namespaces.rtnetlink(task, r, o) };
  });
  a.rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
  a.rtnl("RTM_SETLINK", { ifname: "v1", netns_pid: b.task.nr });
  for (const [side, ifname, addr] of [
    [a, "v0", "10.0.0.1/24"],
    [b, "v1", "10.0.0.2/24"],
  ] as const) {
    side.rtnl("RTM_SETLINK", { ifname: "lo", up: true });
    side.rtnl("RTM_NEWADDR", { ifname, addr });
    side.rtnl("RTM_SETLINK", { ifname, up: true });
  }
  return { kernel, a: a.sys, b: b.sys };
}

const benchmarks: Benchmark[] = [
  {
    name: "unshare(CLONE_NEWNET), with the end of the one before",
    unit: "namespace",
    target: 100e3,
    bytesPer: () => ({
      "namespace with its task": bytesPerObject(500, (n) => {
        const kernel = boot();
        kernel.sys(kernel.init).writeFile("/proc/sys/user/max_net_namespaces", String(2 * n));
        for (let i = 0; i < n; i++) kernel.sys(kernel.tasks.forkDriven()).unshare(CLONE_NEWNET);
        return kernel;
      }),
    }),
    timed: () => {
      const kernel = boot();
      kernel.spawn(unsharer, { i: 0, n: UNSHARES });
      const t0 = performance.now();
      kernel.run("1s");
      const ns = (performance.now() - t0) * 1e6;
      if (kernel.namespaces.live("net").length > 1) throw new Error("namespaces are left");
      return ns / UNSHARES;
    },
    peers: [{ name: "Linux", native: "unshare-net", target: 30 }],
  },
  {
    name: "send + recv, 64 bytes, AF_UNIX pair",
    unit: "message",
    per: BATCH,
    setup: () => {
      const kernel = boot();
      const sys = kernel.sys(kernel.init);
      const [x, y] = sys.socketpair(AF_UNIX, SOCK_STREAM);
      return () => {
        for (let i = 0; i < BATCH; i++) {
          sys.send(x, data);
          sys.recv(y, 64);
        }
      };
    },
    peers: [{ name: "Linux", native: "unix-pair" }],
  },
  {
    name: "sendto + recv, 64 bytes, UDP over a cable",
    unit: "datagram",
    per: BATCH,
    setup: () => {
      const { a, b } = wired();
      const r = b.socket(AF_INET, SOCK_DGRAM);
      b.bind(r, at("10.0.0.2", 7));
      const s = a.socket(AF_INET, SOCK_DGRAM);
      const to = at("10.0.0.2", 7);
      return () => {
        for (let i = 0; i < BATCH; i++) {
          a.sendto(s, data, 0, to);
          b.recv(r, 64);
        }
      };
    },
    peers: [{ name: "Linux, over the loopback device", native: "udp-loopback" }],
  },
  {
    name: "send + recv, 64 bytes, TCP over a cable",
    unit: "message",
    per: BATCH,
    setup: () => {
      const { a, b } = wired();
      const l = b.socket(AF_INET, SOCK_STREAM);
      b.bind(l, at("10.0.0.2", 80));
      b.listen(l, 1);
      const c = a.socket(AF_INET, SOCK_STREAM);
      a.connect(c, at("10.0.0.2", 80));
      const s = b.accept(l);
      return () => {
        for (let i = 0; i < BATCH; i++) {
          a.send(c, data);
          b.recv(s, 64);
        }
      };
    },
    peers: [{ name: "Linux, over the loopback device", native: "tcp-loopback" }],
  },
];

export default benchmarks;
