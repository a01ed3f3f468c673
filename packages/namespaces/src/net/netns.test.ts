import {
  AF_INET,
  AF_UNIX,
  CLONE_NEWNET,
  CLONE_NEWUSER,
  type CoreSys,
  createKernel,
  KernelError,
  type NetNamespace,
  type Program,
  program,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  type Task,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namespaces } from "../index.js";
import { formatIp, parseIp, parsePrefix } from "./ip.js";
import { netStateOf } from "./netState.js";

const at = (addr: string, port: number) => ({ family: AF_INET, addr, port });

function build() {
  return createKernel({ seed: 5, machine: { memory: "128M" } }).use(namespaces());
}
function boot() {
  const kernel = build().boot();
  const child = (of: Task = kernel.init): Task => kernel.tasks.findVpid(of, kernel.sys(of).fork())?.task as Task;
  return { kernel, child };
}
type Kernel = ReturnType<typeof boot>["kernel"];

/** The errno, "" or "TypeError"; anything else is thrown on. */
function code(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    if (e instanceof TypeError || (e as Error).name === "WouldBlockForever") return (e as Error).name;
    throw e;
  }
}

describe("addresses as text", () => {
  it("are read back as they were written, for any address", () => {
    const v6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    const sparse = fc.tuple(v6, v6).map(([a, b]) => a & b & (b >> 3n));
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), v6, sparse), (ip) => {
        expect(parseIp(formatIp(ip))).toBe(ip);
      }),
      { numRuns: 100 },
    );
    expect(["1.2.3", "1.2.3.256", "01.2.3.4", "::1::", ":::", "1:2:3:4:5:6:7", "g::"].map(parseIp)).toEqual(
      new Array(7).fill(null),
    );
    expect([formatIp(1n), formatIp(0n), formatIp(0xffff0a000001n), formatIp(0xfe80n << 112n)]).toEqual([
      "::1",
      "::",
      "::ffff:10.0.0.1",
      "fe80::",
    ]);
    expect([parsePrefix("10.0.0.1/33"), parsePrefix("10.0.0.1/x"), parsePrefix("::1")?.len]).toEqual([null, null, 128]);
  });
});

describe("a network namespace", () => {
  it("lives as long as a task, a file or a socket is in it", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    const first = kernel.core.net.of(t);
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    sys.unshare(CLONE_NEWNET);
    expect(first.refs).toBe(1);
    sys.bind(s, at("127.0.0.1", 5000));
    sys.bind(sys.socket(AF_INET, SOCK_DGRAM), at("127.0.0.1", 5000));
    expect(kernel.namespaces.live("net")).toContain(first);
    sys.close(s);
    expect(kernel.namespaces.live("net")).not.toContain(first);
    kernel.run("10ms");
    expect(netStateOf(kernel.core, first).devs.size).toBe(0);
  });

  it("has abstract names of its own, paths are those of the mounts", () => {
    const { kernel, child } = boot();
    const t = child();
    const bind = (sys: ReturnType<Kernel["sys"]>, path: string): number => {
      const s = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
      sys.bind(s, { family: AF_UNIX, path });
      sys.listen(s, 1);
      return s;
    };
    const root = kernel.sys(kernel.init);
    bind(root, "\0name");
    bind(root, "/tmp/path");
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    const c = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
    expect(code(() => sys.connect(c, { family: AF_UNIX, path: "\0name" }))).toBe("ECONNREFUSED");
    bind(sys, "\0name");
    sys.connect(c, { family: AF_UNIX, path: "/tmp/path" });
    expect(sys.readText("/proc/net/unix")).not.toMatch(/path\n.*path/);
  });

  it("has settings that belong to its root, and some of the machine it can only read", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.setresuid(1000, 1000, 1000);
    sys.prctl(4, 1);
    sys.unshare(CLONE_NEWUSER | CLONE_NEWNET);
    sys.writeFile("/proc/self/uid_map", "0 1000 1");
    const set = (path: string, v: string): string => code(() => sys.writeFile(`/proc/sys/net/${path}`, v));
    expect([
      set("ipv4/ip_forward", "1"),
      set("ipv4/ip_default_ttl", "256"),
      set("core/somaxconn", "7"),
      set("core/rmem_default", "5000"),
      set("ipv4/ip_unprivileged_port_start", "70000"),
      set("unix/max_dgram_qlen", "3"),
    ]).toEqual(["", "EINVAL", "", "EACCES", "EINVAL", ""]);
    const read = (s: typeof sys, path: string): string => s.readText(`/proc/sys/net/${path}`);
    expect([read(sys, "ipv4/ip_forward"), read(kernel.sys(kernel.init), "ipv4/ip_forward")]).toEqual(["1\n", "0\n"]);
    expect(code(() => read(sys, "netfilter/nf_log_all_netns"))).toBe("ENOENT");
    expect(read(kernel.sys(kernel.init), "netfilter/nf_log_all_netns")).toBe("0\n");
  });
});

describe("the LOG target", () => {
  function logging() {
    const { kernel, child } = boot();
    const lines: { net: object; level: number; text: string; task: boolean }[] = [];
    kernel.core.hooks.packetLog.tap(950, "test", (net, { level, text }) => {
      lines.push({ net, level, text, task: kernel.core.irq.inInterrupt() });
    });
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    kernel.namespaces.rtnetlink(t, "RTM_SETLINK", { ifname: "lo", up: true });
    return { kernel, child, lines, t, sys };
  }

  it("writes for the initial namespace only, or for all if the machine says so, and names the namespace", () => {
    const { kernel, lines, t, sys } = logging();
    kernel.namespaces.net.append(t, "OUTPUT", { target: "LOG", proto: "udp", dport: 4242, logPrefix: "seen: " });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const send = (): number => sys.sendto(s, "x", 0, at("127.0.0.1", 4242));
    send();
    expect(lines).toEqual([]);
    kernel.sys(kernel.init).writeFile("/proc/sys/net/netfilter/nf_log_all_netns", "1");
    send();
    expect(lines.length).toBe(1);
    expect(lines[0].net).toBe(kernel.core.net.of(t));
    expect(lines[0].level).toBe(4);
    expect(lines[0].text).toMatch(
      /^seen: IN= OUT=lo SRC=127\.0\.0\.1 DST=127\.0\.0\.1 LEN=29 TOS=0x00 PREC=0x00 TTL=64 ID=\d+ DF PROTO=UDP SPT=\d+ DPT=4242 LEN=9 $/,
    );
    expect(kernel.namespaces.net.rules(t, "OUTPUT")).toEqual([{ target: "LOG", packets: 2, bytes: 58 }]);
  });

  it("sees a packet that comes in by a device in interrupt context, whoever runs", () => {
    const { kernel, lines } = logging();
    const { init } = kernel;
    kernel.namespaces.rtnetlink(init, "RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    for (const ifname of ["v0", "v1"]) kernel.namespaces.rtnetlink(init, "RTM_SETLINK", { ifname, up: true });
    kernel.namespaces.rtnetlink(init, "RTM_NEWADDR", { ifname: "v0", addr: "10.0.0.1/24" });
    kernel.namespaces.net.append(init, "INPUT", { target: "LOG", in: "v0", src: "10.0.0.0/24" });
    kernel.namespaces.net.receive(init, "v0", { proto: "tcp", src: "10.0.0.9", dst: "10.0.0.1", sport: 5, dport: 22 });
    expect(lines[0]).toMatchObject({ net: kernel.core.net.init, task: true });
    expect(lines[0].text).toMatch(
      /^IN=v0 OUT= MAC=([0-9a-f]{2}:){12}08:00 SRC=10\.0\.0\.9 .* PROTO=TCP SPT=5 DPT=22 WINDOW=0 RES=0x00 SYN URGP=0 $/,
    );
  });

  it("is beside targets that stop packets: EPERM for a DROP on the way out, a refusal for a REJECT", () => {
    const { kernel, t, sys } = logging();
    const { net } = kernel.namespaces;
    net.append(t, "OUTPUT", { target: "DROP", dport: 1 });
    net.append(t, "INPUT", { target: "REJECT", dport: 2 });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    expect(code(() => sys.sendto(s, "x", 0, at("127.0.0.1", 1)))).toBe("EPERM");
    const c = sys.socket(AF_INET, SOCK_STREAM);
    expect(code(() => sys.connect(c, at("127.0.0.1", 2)))).toBe("ECONNREFUSED");
    net.flush(t, "INPUT");
    net.policy(t, "OUTPUT", "DROP");
    expect(code(() => sys.sendto(s, "x", 0, at("127.0.0.1", 9)))).toBe("EPERM");
    sys.setresuid(5, 5, 5);
    expect(code(() => net.flush(t, "OUTPUT"))).toBe("EPERM");
    expect(() => net.receive(t, "zz", { proto: "udp", src: "1.1.1.1", dst: "1.1.1.2" })).toThrow(TypeError);
  });
});

/** What must be true of every namespace's network, whatever was done. */
function check(kernel: Kernel): void {
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
        const { kernel, child } = boot();
        const tasks = [child(), child(), child()];
        for (const t of tasks) kernel.sys(t).unshare(CLONE_NEWNET);
        const rtnl = (o: { task: number }, request: string, a: object): string =>
          code(() => kernel.namespaces.rtnetlink(tasks[o.task], request, a));
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
              code(() => sys.socket(AF_INET, (a.stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK));
              break;
            case "bind":
              code(() => sys.bind(o.fd, at(o.dst, o.port)));
              break;
            case "connect":
              code(() => sys.connect(o.fd, at(o.dst, o.port)));
              break;
            case "listen":
              code(() => sys.listen(o.fd, 1));
              break;
            case "send":
              code(() => sys.sendto(o.fd, "data", 0x4000, at(o.dst, o.port)));
              break;
            case "recv":
              code(() => sys.recv(o.fd, 10));
              break;
            case "accept":
              code(() => sys.accept4(o.fd, SOCK_NONBLOCK));
              break;
            case "close":
              code(() => sys.close(o.fd));
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
          const { kernel, child } = boot();
          const t = child();
          const sys = kernel.sys(t);
          sys.unshare(CLONE_NEWNET);
          for (const family of [AF_INET, 10])
            for (const type of [SOCK_STREAM, SOCK_DGRAM, 3])
              code(() => sys.socket(family, type | SOCK_NONBLOCK, type === 3 ? 1 : 0));
          for (const [name, a] of work) {
            if (Array.isArray(a))
              code(() => (sys as unknown as Record<string, (...x: unknown[]) => unknown>)[name](...a));
            else code(() => kernel.namespaces.rtnetlink(t, `RTM_${name}`, a));
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
