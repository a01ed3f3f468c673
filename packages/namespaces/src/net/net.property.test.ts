import {
  AF_INET,
  CLONE_NEWNET,
  type CoreSys,
  createKernel,
  type NetNamespace,
  type Program,
  program,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namespaces } from "../index.js";
import { at, type NetRig, netRig, outcome } from "../testing/netRig.js";
import { netStateOf } from "./netState.js";

function build() {
  return createKernel({ seed: 5, machine: { memory: "128M" } }).use(namespaces());
}

/** What must be true of every namespace's network, whatever was done. */
function check(kernel: NetRig["kernel"]): void {
  const { core } = kernel;
  const nets = new Set([core.net.init, ...(kernel.namespaces.live("net") as NetNamespace[])]);
  for (const net of nets) {
    const st = netStateOf(core, net);
    for (const [ifindex, d] of st.devs) {
      expect(d.ifindex).toBe(ifindex);
      expect(d.st).toBe(st);
      expect(d.dead).toBe(false);
      if (d.peer !== null) expect(d.peer.peer).toBe(d);
      if (d.kind === "veth") expect(d.peer).not.toBe(null);
    }
    expect(new Set([...st.devs.values()].map((d) => d.name)).size).toBe(st.devs.size);
    for (const r of st.fib.routes()) if (r.dev !== null) expect([...st.devs.values()]).toContain(r.dev);
    for (const r of st.fib.routes()) if (r.dev !== null && !r.dev.up) expect(r.type).toBe("local");
    for (const table of [st.tcp, st.udp])
      for (const [port, socks] of table.byPort)
        for (const s of socks) {
          expect(s.num).toBe(port);
          expect(s.st).toBe(st);
        }
    for (const s of st.socks) expect(s.net).toBe(net);
    expect(net.refs).toBeGreaterThan(0);
  }
  expect(core.irq.inInterrupt()).toBe(false);
}

describe("random work", () => {
  it("of tasks in several namespaces keeps cables whole, routes on devices that are there, sockets where they were made", () => {
    const names = fc.constantFrom("v0", "v1", "w0", "w1", "d0", "lo");
    const addr = fc.constantFrom("10.0.0.1/24", "10.0.0.2/24", "10.1.0.1/16", "10.0.0.1/8", "fd00::1/64", "bad");
    const dst = fc.constantFrom("127.0.0.1", "10.0.0.1", "10.0.0.2", "10.1.0.1", "9.9.9.9", "0.0.0.0");
    const task = fc.nat(2);
    const op = fc.oneof(
      fc.record({ do: fc.constant("link"), task, ifname: names, peer: names, kind: fc.constantFrom("veth", "dummy") }),
      fc.record({ do: fc.constant("up"), task, ifname: names, up: fc.boolean() }),
      fc.record({ do: fc.constant("move"), task, ifname: names, to: task }),
      fc.record({ do: fc.constant("del"), task, ifname: names }),
      fc.record({ do: fc.constant("addr"), task, ifname: names, addr, add: fc.boolean() }),
      fc.record({ do: fc.constant("route"), task, via: dst, add: fc.boolean() }),
      fc.record({ do: fc.constant("socket"), task, stream: fc.boolean() }),
      fc.record({ do: fc.constant("bind"), task, fd: fc.nat(6), dst, port: fc.nat(3) }),
      fc.record({ do: fc.constant("connect"), task, fd: fc.nat(6), dst, port: fc.nat(3) }),
      fc.record({ do: fc.constant("listen"), task, fd: fc.nat(6) }),
      fc.record({ do: fc.constant("send"), task, fd: fc.nat(6), dst, port: fc.nat(3) }),
      fc.record({ do: fc.constant("recv"), task, fd: fc.nat(6) }),
      fc.record({ do: fc.constant("accept"), task, fd: fc.nat(6) }),
      fc.record({ do: fc.constant("close"), task, fd: fc.nat(6) }),
      fc.record({ do: fc.constant("unshare"), task }),
      fc.record({ do: fc.constant("run"), ms: fc.nat(4000) }),
    ) as unknown as fc.Arbitrary<Record<string, unknown>>;
    fc.assert(
      fc.property(fc.array(op, { maxLength: 120 }), (ops) => {
        const { kernel, child } = netRig();
        const tasks = [child(), child(), child()];
        for (const t of tasks) kernel.sys(t).unshare(CLONE_NEWNET);
        const rtnl = (o: { task: number }, request: string, a: object): string =>
          outcome(() => kernel.namespaces.rtnetlink(tasks[o.task], request, a));
        for (const raw of ops) {
          const o = raw as unknown as { do: string; task: number; fd: number; dst: string; port: number; ms: number };
          const sys = o.task === undefined ? kernel.sys(kernel.init) : kernel.sys(tasks[o.task]);
          const a = raw as Record<string, unknown>;
          switch (o.do) {
            case "link":
              rtnl(o, "RTM_NEWLINK", { ifname: a.ifname, kind: a.kind, peer: a.peer });
              break;
            case "up":
              rtnl(o, "RTM_SETLINK", { ifname: a.ifname, up: a.up });
              break;
            case "move":
              rtnl(o, "RTM_SETLINK", { ifname: a.ifname, netns_pid: tasks[a.to as number].nr });
              break;
            case "del":
              rtnl(o, "RTM_DELLINK", { ifname: a.ifname });
              break;
            case "addr":
              rtnl(o, a.add ? "RTM_NEWADDR" : "RTM_DELADDR", { ifname: a.ifname, addr: a.addr });
              break;
            case "route":
              rtnl(o, a.add ? "RTM_NEWROUTE" : "RTM_DELROUTE", { dst: "default", via: a.via });
              break;
            case "socket":
              outcome(() => sys.socket(AF_INET, (a.stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK));
              break;
            case "bind":
              outcome(() => sys.bind(o.fd, at(o.dst, o.port)));
              break;
            case "connect":
              outcome(() => sys.connect(o.fd, at(o.dst, o.port)));
              break;
            case "listen":
              outcome(() => sys.listen(o.fd, 1));
              break;
            case "send":
              outcome(() => sys.sendto(o.fd, "data", 0x4000, at(o.dst, o.port)));
              break;
            case "recv":
              outcome(() => sys.recv(o.fd, 10));
              break;
            case "accept":
              outcome(() => sys.accept4(o.fd, SOCK_NONBLOCK));
              break;
            case "close":
              outcome(() => sys.close(o.fd));
              break;
            case "unshare":
              sys.unshare(CLONE_NEWNET);
              break;
            default:
              kernel.run(`${o.ms}ms`);
          }
          check(kernel);
        }
        for (const t of tasks) kernel.sys(t).exit_group(0);
        kernel.run("30min");
        check(kernel);
        // nothing keeps what nobody is in
        expect(kernel.namespaces.live("net").length).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it("with arguments of any kind fails with an errno or a TypeError and leaves the kernel whole", () => {
    const value = fc.oneof(
      fc.integer(),
      fc.constantFrom(0, 1, 2, 3, 4, 5, 10, 17, 58),
      fc.string(),
      fc.constantFrom("127.0.0.1", "::1", "lo", "10.0.0.1/8"),
      fc.constant(null),
      fc.record({
        family: fc.constantFrom(0, 2, 10, 16),
        addr: fc.constantFrom("127.0.0.1", "::1", "x"),
        port: fc.integer(),
      }),
    );
    const attributes = fc.dictionary(
      fc.constantFrom(
        "ifname",
        "kind",
        "peer",
        "addr",
        "dst",
        "via",
        "up",
        "mtu",
        "netns_pid",
        "netns_fd",
        "newname",
        "metric",
      ),
      value,
    );
    const requests = ["NEWLINK", "SETLINK", "DELLINK", "GETLINK", "NEWADDR", "DELADDR", "NEWROUTE", "DELROUTE", "X"];
    const calls = [
      "bind",
      "connect",
      "listen",
      "sendto",
      "setsockopt",
      "getsockopt",
      "shutdown",
      "getsockname",
      "ioctl",
    ];
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.tuple(fc.constantFrom(...requests), attributes),
            fc.tuple(fc.constantFrom(...calls), fc.array(value, { maxLength: 5 })),
          ),
          { maxLength: 60 },
        ),
        (work) => {
          const { kernel, child } = netRig();
          const t = child();
          const sys = kernel.sys(t);
          sys.unshare(CLONE_NEWNET);
          for (const family of [AF_INET, 10])
            for (const type of [SOCK_STREAM, SOCK_DGRAM, 3])
              outcome(() => sys.socket(family, type | SOCK_NONBLOCK, type === 3 ? 1 : 0));
          for (const [name, a] of work) {
            if (Array.isArray(a))
              outcome(() => (sys as unknown as Record<string, (...x: unknown[]) => unknown>)[name](...a));
            else outcome(() => kernel.namespaces.rtnetlink(t, `RTM_${name}`, a));
            check(kernel);
          }
          expect(sys.getpid()).toBe(t.nr);
        },
      ),
      { numRuns: 40 },
    );
  });
});

type Sys = Program<CoreSys>;
const server = program("tcp-server", function* (sys: Sys, s: { fd: number; i: number }) {
  if (s.fd < 0) {
    s.fd = yield* sys.socket(AF_INET, SOCK_STREAM);
    yield* sys.bind(s.fd, at("127.0.0.1", 80));
    yield* sys.listen(s.fd, 4);
  }
  for (; s.i < 40; s.i++) {
    yield* sys.restPoint(s);
    const c = yield* sys.accept(s.fd);
    const m = yield* sys.recv(c, 100);
    yield* sys.nanosleep(200_000);
    yield* sys.send(c, `${new TextDecoder().decode(m)}!`);
    yield* sys.close(c);
  }
});
const client = program("tcp-client", function* (sys: Sys, s: { i: number; name: string }) {
  if (s.i === 0) yield* sys.nanosleep(1e6);
  for (; s.i < 20; s.i++) {
    yield* sys.restPoint(s);
    const c = yield* sys.socket(AF_INET, SOCK_STREAM);
    yield* sys.connect(c, at("127.0.0.1", 80));
    yield* sys.send(c, `${s.name}${s.i}`);
    yield* sys.writeFile(`/tmp/${s.name}${s.i}`, yield* sys.recv(c, 100));
    yield* sys.close(c);
  }
});

describe("checkpoints", () => {
  it("keep devices, connections, timers and packets: a restored run is the same run", () => {
    const kernel = build().boot();
    kernel.namespaces.rtnetlink(kernel.init, "RTM_SETLINK", { ifname: "lo", up: true });
    kernel.namespaces.rtnetlink(kernel.init, "RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    kernel.spawn(server, { fd: -1, i: 0 });
    kernel.spawn(client, { i: 0, name: "a" });
    kernel.spawn(client, { i: 0, name: "b" });
    kernel.run("3ms");
    const saved = JSON.stringify(kernel.checkpoint());
    kernel.run("2min");
    const again = build().restore(JSON.parse(saved), [server, client]);
    again.run("2min");
    expect(again.digest()).toBe(kernel.digest());
    expect(again.sys(again.init).readText("/tmp/b19")).toBe("b19!");
    again.namespaces.rtnetlink(again.init, "RTM_SETLINK", { ifname: "v1", newname: "w1" });
    expect(Object.keys(again.namespaces.rtnetlink(again.init, "RTM_GETLINK") as object)).toEqual(["lo", "w1", "v0"]);
  });
});
