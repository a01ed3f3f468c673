import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  createKernel,
  IPPROTO_ICMP,
  IPV6_V6ONLY,
  KernelError,
  MSG_NOSIGNAL,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SO_BROADCAST,
  SO_ERROR,
  SO_LINGER,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
  type Task,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { namespaces } from "../index.js";

const NB = SOCK_NONBLOCK;
const at = (addr: string, port: number) => ({ family: AF_INET, addr, port });
const at6 = (addr: string, port: number) => ({ family: AF_INET6, addr, port });
const bytes = (b: Uint8Array): string => new TextDecoder().decode(b);

function boot() {
  const kernel = createKernel({ machine: { memory: "128M" } })
    .use(namespaces())
    .boot();
  const child = (of: Task = kernel.init): Task => kernel.tasks.findVpid(of, kernel.sys(of).fork())?.task as Task;
  /** A task in a namespace of its own, with its calls and its requests. */
  const host = (up = true) => {
    const task = child();
    const sys = kernel.sys(task);
    sys.unshare(CLONE_NEWNET);
    const rtnl = (request: string, a: object = {}) => kernel.namespaces.rtnetlink(task, request, a);
    if (up) rtnl("RTM_SETLINK", { ifname: "lo", up: true });
    return { task, sys, rtnl };
  };
  type Host = ReturnType<typeof host>;
  /** A cable between two namespaces: 10.9.0.1 and 10.9.0.2. */
  const cable = (a: Host, b: Host) => {
    a.rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    a.rtnl("RTM_SETLINK", { ifname: "v1", netns_pid: b.task.nr });
    a.rtnl("RTM_NEWADDR", { ifname: "v0", addr: "10.9.0.1/24" });
    b.rtnl("RTM_NEWADDR", { ifname: "v1", addr: "10.9.0.2/24" });
    a.rtnl("RTM_SETLINK", { ifname: "v0", up: true });
    b.rtnl("RTM_SETLINK", { ifname: "v1", up: true });
  };
  return { kernel, child, host, cable };
}

function code(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

describe("devices", () => {
  it("are named, numbered, made in pairs with the peer first, and refused as Linux does", () => {
    const { host } = boot();
    const { rtnl } = host(false);
    const link = (a: object): string => code(() => rtnl("RTM_NEWLINK", a));
    expect(link({ ifname: "v0", kind: "veth", peer: "v1" })).toBe("");
    const links = rtnl("RTM_GETLINK") as Record<string, { ifindex: number; link: number; flags: number }>;
    expect([links.lo.ifindex, links.v1.ifindex, links.v0.ifindex, links.v0.link]).toEqual([1, 2, 3, 2]);
    expect(links.v0.flags).toBe(0x1002);
    expect(link({ ifname: "v0", kind: "nosuch" })).toBe("EEXIST");
    expect(link({ ifname: "k", kind: "nosuch" })).toBe("EOPNOTSUPP");
    expect(link({ ifname: "x", kind: "veth", peer: "x" })).toBe("EEXIST");
    expect(link({ ifname: "a/b", kind: "dummy" })).toBe("EINVAL");
    expect(link({ ifname: "a".repeat(16), kind: "dummy" })).toBe("EINVAL");
    expect(link({ kind: "dummy" })).toBe("");
    expect(link({ kind: "veth" })).toBe("");
    expect(Object.keys(rtnl("RTM_GETLINK") as object)).toEqual(["lo", "v1", "v0", "dummy0", "veth0", "veth1"]);
    const set = (a: object): string => code(() => rtnl("RTM_SETLINK", a));
    expect([
      set({ ifname: "zz", up: true }),
      set({ ifname: "v0", newname: "v1" }),
      set({ ifname: "v0", mtu: 67 }),
      set({ ifname: "v0", mtu: 70000 }),
      set({ ifname: "v0", address: "01:00:00:00:00:01" }),
      set({ ifname: "v0", netns_pid: 99999 }),
      set({ ifname: "lo", netns_pid: 1 }),
      set({ ifname: "v0", netns_fd: 99 }),
    ]).toEqual(["ENODEV", "EEXIST", "EINVAL", "EINVAL", "EADDRNOTAVAIL", "ESRCH", "EINVAL", "EBADF"]);
    expect(code(() => rtnl("RTM_DELLINK", { ifname: "lo" }))).toBe("EOPNOTSUPP");
    rtnl("RTM_DELLINK", { ifname: "v1" });
    expect(Object.keys(rtnl("RTM_GETLINK") as object)).not.toContain("v0");
  });

  it("lose addresses and routes when they move, and vanish with the namespace, their peers too", () => {
    const { kernel, host, cable } = boot();
    const a = host();
    const b = host();
    cable(a, b);
    expect(a.sys.readText("/proc/net/route")).toMatch(/^v0\t0000090A\t00000000\t0001\t/m);
    const fd = b.sys.open("/proc/self/ns/net", 0);
    kernel.sys(kernel.init);
    b.rtnl("RTM_SETLINK", { ifname: "v1", netns_pid: a.task.nr, newname: "back" });
    expect((a.rtnl("RTM_GETLINK") as Record<string, { addrs: string[]; up: boolean }>).back).toMatchObject({
      addrs: [],
      up: false,
    });
    a.rtnl("RTM_SETLINK", { ifname: "back", netns_pid: b.task.nr });
    b.sys.close(fd);
    b.sys.exit(0);
    kernel.run("100ms");
    expect(Object.keys(a.rtnl("RTM_GETLINK") as object)).toEqual(["lo"]);
  });

  it("belong to the root of the namespace's owner alone", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.setresuid(1000, 1000, 1000);
    sys.prctl(4, 1);
    const up = (): string => code(() => kernel.namespaces.rtnetlink(t, "RTM_SETLINK", { ifname: "lo", up: true }));
    expect(up()).toBe("EPERM");
    sys.unshare(CLONE_NEWUSER);
    expect(up()).toBe("EPERM");
    expect(code(() => sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))).toBe("EPERM");
    sys.unshare(CLONE_NEWNET);
    expect(up()).toBe("");
    const taken = code(() =>
      kernel.namespaces.rtnetlink(t, "RTM_NEWLINK", { ifname: "q", kind: "veth", peer_netns_pid: 1 }),
    );
    expect(taken).toBe("EPERM");
    sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("127.0.0.1", 80));
  });

  it("are shown in the sysfs that was mounted in their namespace", () => {
    const { kernel, host } = boot();
    const a = host();
    a.sys.unshare(CLONE_NEWNS);
    a.sys.mount("none", "/", null as never, 0x44000, null as never);
    a.sys.mount("s", "/mnt", "sysfs", 0);
    const names = (): string[] => a.sys.readdir("/mnt/class/net");
    expect(names()).toEqual(["lo"]);
    a.rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    expect(names()).toEqual(["lo", "v1", "v0"]);
    expect(a.sys.readdir("/sys/class/net")).toEqual(["lo"]);
    expect(a.sys.readlink("/mnt/class/net/v0")).toBe("../../devices/virtual/net/v0");
    expect(a.sys.readText("/mnt/class/net/v0/flags")).toBe("0x1002\n");
    expect(code(() => a.sys.readText("/mnt/class/net/v0/carrier"))).toBe("EINVAL");
    a.sys.writeFile("/mnt/class/net/v0/mtu", "1400");
    a.rtnl("RTM_SETLINK", { ifname: "v0", newname: "w0", up: true });
    expect(a.sys.readText("/mnt/class/net/w0/operstate")).toBe("lowerlayerdown\n");
    expect(a.sys.readText("/mnt/class/net/w0/mtu")).toBe("1400\n");
    a.rtnl("RTM_DELLINK", { ifname: "v1" });
    expect(names()).toEqual(["lo"]);
    expect(code(() => a.sys.stat("/mnt/class/net/w0/"))).toBe("ENOENT");
    expect(kernel.core.net.init).toBe(kernel.core.net.of(kernel.init));
  });

  it("answer ioctl(2) on any socket", () => {
    const { host } = boot();
    const { sys, rtnl } = host();
    rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const q = (request: number, arg: unknown): unknown => sys.ioctl(s, request, arg);
    expect([q(0x8913, "lo"), q(0x8933, "lo"), q(0x8921, "lo"), q(0x8910, 1)]).toEqual([0x49, 1, 65536, "lo"]);
    expect(q(0x8915, "lo")).toEqual(at("127.0.0.1", 0));
    expect(q(0x891b, "lo")).toEqual(at("255.0.0.0", 0));
    expect(code(() => q(0x8915, "v0"))).toBe("EADDRNOTAVAIL");
    expect(code(() => q(0x8913, "zz"))).toBe("ENODEV");
    expect(sys.ioctl(sys.socket(AF_UNIX, SOCK_STREAM), 0x8933, "lo")).toBe(1);
    expect(sys.readlink(`/proc/self/fd/${sys.ioctl(s, 0x894c)}`)).toBe(sys.readlink("/proc/self/ns/net"));
  });
});

describe("addresses and routes", () => {
  it("keep their order of primary and secondary, and their errors", () => {
    const { host } = boot();
    const { sys, rtnl } = host();
    rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    for (const ifname of ["v0", "v1"]) rtnl("RTM_SETLINK", { ifname, up: true });
    const add = (addr: string): string => code(() => rtnl("RTM_NEWADDR", { ifname: "v0", addr }));
    expect(["10.9.0.1/24", "10.9.0.1/24", "10.9.0.1/16", "10.9.0.5/24", "10.9.0.1/33", "x"].map(add)).toEqual([
      "",
      "EEXIST",
      "",
      "",
      "EINVAL",
      "EINVAL",
    ]);
    const addrs = () =>
      (rtnl("RTM_GETADDR") as { ifname: string; addr: string; secondary: boolean }[])
        .filter((a) => a.ifname === "v0" && !a.addr.includes(":"))
        .map((a) => a.addr + (a.secondary ? " secondary" : ""));
    expect(addrs()).toEqual(["10.9.0.1/24", "10.9.0.1/16", "10.9.0.5/24 secondary"]);
    rtnl("RTM_DELADDR", { ifname: "v0", addr: "10.9.0.1/24" });
    expect(addrs()).toEqual(["10.9.0.1/16"]);
    expect(code(() => rtnl("RTM_DELADDR", { ifname: "v0", addr: "10.77.0.1/24" }))).toBe("EADDRNOTAVAIL");
    const route = (a: object): string => code(() => rtnl("RTM_NEWROUTE", a));
    expect([
      route({ dst: "10.9.0.0/16", ifname: "v0" }),
      route({ dst: "192.168.1.0/24", ifname: "v0" }),
      route({ dst: "192.168.1.5/24", ifname: "v0" }),
      route({ dst: "5.0.0.0/8", ifname: "zz" }),
      route({ dst: "5.0.0.0/8" }),
      route({ dst: "default", via: "10.9.0.9" }),
      route({ dst: "default", via: "10.9.0.10" }),
      route({ dst: "default", via: "10.9.0.10", metric: 5 }),
      route({ dst: "7.0.0.0/8", via: "10.9.255.255" }),
      route({ dst: "7.0.0.0/8", via: "11.0.0.1" }),
      route({ dst: "9.0.0.0/8", type: "unreachable" }),
    ]).toEqual(["EEXIST", "", "EINVAL", "ENODEV", "ENODEV", "", "EEXIST", "", "EINVAL", "ENETUNREACH", ""]);
    expect(sys.readText("/proc/net/route")).toMatch(/^\*\t00000009\t00000000\t0201\t0\t0\t0\t000000FF/m);
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    expect(code(() => sys.sendto(s, "x", 0, at("9.1.1.1", 9)))).toBe("EHOSTUNREACH");
    expect(code(() => rtnl("RTM_DELROUTE", { dst: "192.168.1.0/24", via: "10.9.0.9" }))).toBe("ESRCH");
    rtnl("RTM_SETLINK", { ifname: "v0", up: false });
    expect(sys.readText("/proc/net/route")).not.toMatch(/^v0/m);
    // one's own address is there whether the device is up or not
    sys.bind(sys.socket(AF_INET, SOCK_DGRAM), at("10.9.0.1", 9));
    expect(code(() => sys.sendto(s, "x", 0, at("10.9.0.1", 9)))).toBe("");
  });

  it("of IPv6 come with the devices", () => {
    const { host } = boot();
    const { sys, rtnl } = host(false);
    const s = sys.socket(AF_INET6, SOCK_DGRAM);
    expect(code(() => sys.bind(s, at6("::1", 9)))).toBe("EADDRNOTAVAIL");
    expect(code(() => sys.connect(s, at6("::1", 9)))).toBe("ENETUNREACH");
    rtnl("RTM_SETLINK", { ifname: "lo", up: true });
    sys.bind(sys.socket(AF_INET6, SOCK_DGRAM), at6("::1", 9));
    sys.sendto(s, "x", 0, at6("::1", 9));
    expect(sys.readText("/proc/net/if_inet6")).toBe("00000000000000000000000000000001 01 80 10 80       lo\n");
    sys.connect(s, at6("::ffff:127.0.0.1", 9));
    expect(sys.getpeername(s).addr).toBe("::ffff:127.0.0.1");
    const all = sys.socket(AF_INET6, SOCK_STREAM);
    sys.bind(all, at6("::", 77));
    expect(code(() => sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("0.0.0.0", 77)))).toBe("EADDRINUSE");
    sys.listen(all, 1);
    sys.connect(sys.socket(AF_INET, SOCK_STREAM), at("127.0.0.1", 77));
    expect(sys.getpeername(sys.accept(all)).addr).toBe("::ffff:127.0.0.1");
    const only = sys.socket(AF_INET6, SOCK_STREAM);
    sys.setsockopt(only, 41, IPV6_V6ONLY, 1);
    sys.bind(only, at6("::", 78));
    sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("0.0.0.0", 78));
    expect(code(() => sys.bind(sys.socket(AF_INET6, SOCK_DGRAM), at6("fe80::1", 5)))).toBe("EINVAL");
  });
});

describe("UDP", () => {
  it("reports a refused datagram at the next call of a connected socket", () => {
    const { host } = boot();
    const { sys } = host();
    const s = sys.socket(AF_INET, SOCK_DGRAM | NB);
    expect(code(() => sys.send(s, "x"))).toBe("EDESTADDRREQ");
    sys.connect(s, at("127.0.0.1", 9));
    expect(sys.getsockname(s).addr).toBe("127.0.0.1");
    expect(["", "", ""].map(() => code(() => sys.send(s, "x")))).toEqual(["", "ECONNREFUSED", ""]);
    const poll = (): number => sys.poll([{ fd: s, events: 0xffff }], 0)[0].revents;
    expect(poll() & (POLLERR | POLLOUT)).toBe(POLLERR | POLLOUT);
    expect(sys.getsockopt(s, SOL_SOCKET, SO_ERROR)).toBe(111);
    expect(poll() & POLLERR).toBe(0);
    sys.connect(s, { family: 0 });
    expect([sys.getsockname(s), code(() => sys.getpeername(s))]).toEqual([at("0.0.0.0", 0), "ENOTCONN"]);
  });

  it("checks sizes, ports, broadcasts; and goes to the best fitting socket", () => {
    const { host } = boot();
    const { sys } = host();
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const send = (n: number, addr: string, port: number): string =>
      code(() => sys.sendto(s, new Uint8Array(n), 0, at(addr, port)));
    expect([
      send(65508, "127.0.0.1", 7),
      send(65507, "127.0.0.1", 7),
      send(1, "127.0.0.1", 0),
      send(1, "127.255.255.255", 7),
      send(1, "255.255.255.255", 7),
    ]).toEqual(["EMSGSIZE", "", "EINVAL", "EACCES", "ENETUNREACH"]);
    sys.setsockopt(s, SOL_SOCKET, SO_BROADCAST, 1);
    expect(send(1, "127.255.255.255", 7)).toBe("");
    const wild = sys.socket(AF_INET, SOCK_DGRAM | NB);
    sys.setsockopt(wild, SOL_SOCKET, SO_REUSEADDR, 1);
    sys.bind(wild, at("0.0.0.0", 700));
    const exact = sys.socket(AF_INET, SOCK_DGRAM | NB);
    sys.setsockopt(exact, SOL_SOCKET, SO_REUSEADDR, 1);
    sys.bind(exact, at("127.0.0.2", 700));
    sys.sendto(s, "two", 0, at("127.0.0.2", 700));
    sys.sendto(s, "one", 0, at("127.0.0.1", 700));
    expect([bytes(sys.recv(exact, 9)), bytes(sys.recv(wild, 9))]).toEqual(["two", "one"]);
    expect(code(() => sys.recv(wild, 9))).toBe("EAGAIN");
    expect(code(() => sys.listen(s, 1))).toBe("EOPNOTSUPP");
  });
});

describe("ports", () => {
  it("are shared only by those who both allow it, and never with a listener", () => {
    const { host } = boot();
    const { sys } = host();
    const make = (opt?: number, type = SOCK_STREAM): number => {
      const s = sys.socket(AF_INET, type | NB);
      if (opt !== undefined) sys.setsockopt(s, SOL_SOCKET, opt, 1);
      return s;
    };
    const bind = (s: number, addr: string, port: number): string => code(() => sys.bind(s, at(addr, port)));
    expect(bind(make(), "127.0.0.1", 5000)).toBe("");
    expect([
      bind(make(), "127.0.0.1", 5000),
      bind(make(), "0.0.0.0", 5000),
      bind(make(), "127.0.0.2", 5000),
      bind(make(undefined, SOCK_DGRAM), "127.0.0.1", 5000),
      bind(make(SO_REUSEADDR), "127.0.0.1", 5000),
    ]).toEqual(["EADDRINUSE", "EADDRINUSE", "", "", "EADDRINUSE"]);
    const [b, c] = [make(SO_REUSEADDR), make(SO_REUSEADDR)];
    expect([bind(b, "127.0.0.1", 5001), bind(c, "127.0.0.1", 5001)]).toEqual(["", ""]);
    sys.listen(b, 1);
    expect(bind(make(SO_REUSEADDR), "127.0.0.1", 5001)).toBe("EADDRINUSE");
    expect(code(() => sys.listen(c, 1))).toBe("EADDRINUSE");
    const [p, q] = [make(SO_REUSEPORT), make(SO_REUSEPORT)];
    for (const s of [p, q]) {
      sys.bind(s, at("127.0.0.1", 5002));
      sys.listen(s, 1);
    }
    expect(bind(make(), "8.8.8.8", 5)).toBe("EADDRNOTAVAIL");
    sys.writeFile("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001");
    const any = [0, 1, 2].map(() => bind(make(), "127.0.0.1", 0));
    expect(any).toEqual(["", "", "EADDRINUSE"]);
    expect(code(() => sys.writeFile("/proc/sys/net/ipv4/ip_local_port_range", "5 4"))).toBe("EINVAL");
  });
});

describe("TCP", () => {
  it("connects, carries bytes both ways, and ends in order", () => {
    const { kernel, host, cable } = boot();
    const a = host();
    const b = host();
    cable(a, b);
    const l = b.sys.socket(AF_INET, SOCK_STREAM);
    b.sys.bind(l, at("10.9.0.2", 80));
    b.sys.listen(l, 5);
    const c = a.sys.socket(AF_INET, SOCK_STREAM);
    a.sys.connect(c, at("10.9.0.2", 80));
    const s = b.sys.accept(l);
    expect(b.sys.getpeername(s)).toEqual(a.sys.getsockname(c));
    const data = Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 13);
    const sent = kernel.call(a.task).send(c, data);
    const got = new Uint8Array(data.length);
    for (let n = 0; n < got.length; ) {
      const piece = b.sys.recv(s, 100_000);
      got.set(piece, n);
      n += piece.length;
    }
    kernel.run("10ms");
    expect(sent.value).toBe(data.length);
    expect(Buffer.compare(got, data)).toBe(0);
    b.sys.send(s, "bye");
    b.sys.close(s);
    expect(bytes(a.sys.recv(c, 9))).toBe("bye");
    expect(a.sys.recv(c, 9).length).toBe(0);
    a.sys.close(c);
    expect(b.sys.readText("/proc/net/tcp")).toMatch(/^ +\d+: 0200090A:0050 0100090A:[0-9A-F]{4} 06 /m);
    kernel.run("70s");
    expect(b.sys.readText("/proc/net/tcp")).not.toMatch(/ 06 /);
  });

  it("is refused where nobody listens, says so once, and can try again", () => {
    const { host } = boot();
    const { sys } = host();
    const n = sys.socket(AF_INET, SOCK_STREAM | NB);
    expect(code(() => sys.connect(n, at("127.0.0.1", 5999)))).toBe("EINPROGRESS");
    expect(sys.poll([{ fd: n, events: 0xffff }], 0)[0].revents).toBe(0x215d);
    expect(code(() => sys.connect(n, at("127.0.0.1", 5999)))).toBe("ECONNREFUSED");
    expect(sys.getsockopt(n, SOL_SOCKET, SO_ERROR)).toBe(0);
    const c = sys.socket(AF_INET, SOCK_STREAM);
    for (let i = 0; i < 2; i++) expect(code(() => sys.connect(c, at("127.0.0.1", 5999)))).toBe("ECONNREFUSED");
    const u = sys.socket(AF_INET, SOCK_STREAM);
    expect(sys.poll([{ fd: u, events: 0xffff }], 0)[0].revents).toBe(0x114);
    expect([
      code(() => sys.send(u, "x", MSG_NOSIGNAL)),
      code(() => sys.recv(u, 1)),
      code(() => sys.shutdown(u, 2)),
      code(() => sys.accept(u)),
      code(() => sys.getpeername(u)),
    ]).toEqual(["EPIPE", "ENOTCONN", "ENOTCONN", "EINVAL", "ENOTCONN"]);
    const l = sys.socket(AF_INET, SOCK_STREAM);
    sys.listen(l, 1);
    const port = sys.getsockname(l).port as number;
    const x = sys.socket(AF_INET, SOCK_STREAM | NB);
    expect([0, 1, 2].map(() => code(() => sys.connect(x, at("127.0.0.1", port))))).toEqual([
      "EINPROGRESS",
      "",
      "EISCONN",
    ]);
    expect(code(() => sys.connect(l, at("127.0.0.1", port)))).toBe("EISCONN");
    expect(code(() => sys.listen(x, 1))).toBe("EINVAL");
  });

  it("drops what does not fit into a listener's queue: the peer tries again until it gives up", () => {
    const { kernel, host, child } = boot();
    const { sys, task } = host();
    const l = sys.socket(AF_INET, SOCK_STREAM);
    sys.bind(l, at("127.0.0.1", 5010));
    sys.listen(l, 1);
    for (let i = 0; i < 2; i++) sys.connect(sys.socket(AF_INET, SOCK_STREAM), at("127.0.0.1", 5010));
    const t = child(task);
    const c = kernel.sys(t).socket(AF_INET, SOCK_STREAM);
    const late = kernel.call(t).connect(c, at("127.0.0.1", 5010));
    kernel.run("5s");
    expect(late.done).toBe(false);
    sys.accept(l);
    kernel.run("3s");
    expect(late.value).toBe(0);
    const u = child(task);
    const d = kernel.sys(u).socket(AF_INET, SOCK_STREAM);
    const never = kernel.call(u).connect(d, at("127.0.0.1", 5010));
    kernel.run("130s");
    expect(never.done).toBe(false);
    // the wheel's timers are late, the longer the later
    kernel.run("20s");
    expect((never.error as KernelError).code).toBe("ETIMEDOUT");
  });

  it("is reset by who closes without having read, or with a linger of no time", () => {
    const { host } = boot();
    const { sys } = host();
    const l = sys.socket(AF_INET, SOCK_STREAM);
    sys.bind(l, at("127.0.0.1", 5000));
    sys.listen(l, 9);
    const pair = (): [number, number] => {
      const c = sys.socket(AF_INET, SOCK_STREAM | NB);
      code(() => sys.connect(c, at("127.0.0.1", 5000)));
      return [c, sys.accept(l)];
    };
    const [a, b] = pair();
    sys.send(a, "unread");
    sys.close(b);
    expect([code(() => sys.recv(a, 1)), sys.recv(a, 1).length]).toEqual(["ECONNRESET", 0]);
    expect(code(() => sys.send(a, "x", MSG_NOSIGNAL))).toBe("EPIPE");
    expect(sys.poll([{ fd: a, events: 0xffff }], 0)[0].revents & POLLHUP).toBe(POLLHUP);
    const [c, d] = pair();
    sys.setsockopt(d, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    sys.close(d);
    expect(code(() => sys.recv(c, 1))).toBe("ECONNRESET");
    const [e, f] = pair();
    sys.shutdown(e, 1);
    expect(sys.recv(f, 1).length).toBe(0);
    sys.send(f, "still");
    expect(bytes(sys.recv(e, 9))).toBe("still");
    sys.close(f);
    expect(sys.recv(e, 9).length).toBe(0);
  });

  it("goes on when a cable that was out is in again, and is given up when it stays out", () => {
    const { kernel, host, cable } = boot();
    const a = host();
    const b = host();
    cable(a, b);
    const l = b.sys.socket(AF_INET, SOCK_STREAM);
    b.sys.bind(l, at("10.9.0.2", 80));
    b.sys.listen(l, 5);
    const c = a.sys.socket(AF_INET, SOCK_STREAM);
    a.sys.connect(c, at("10.9.0.2", 80));
    const s = b.sys.accept(l);
    b.rtnl("RTM_SETLINK", { ifname: "v1", up: false });
    a.sys.send(c, "patience");
    kernel.run("2s");
    b.rtnl("RTM_SETLINK", { ifname: "v1", up: true });
    kernel.run("5s");
    expect(bytes(b.sys.recv(s, 100))).toBe("patience");
    b.rtnl("RTM_SETLINK", { ifname: "v1", up: false });
    a.sys.send(c, "gone");
    kernel.run("20min");
    expect(code(() => a.sys.recv(c, 1))).toBe("ETIMEDOUT");
  });

  it("to an address that nobody has is a host that cannot be reached", () => {
    const { host, cable } = boot();
    const a = host();
    const b = host();
    cable(a, b);
    const c = a.sys.socket(AF_INET, SOCK_STREAM);
    expect(code(() => a.sys.connect(c, at("10.9.0.77", 80)))).toBe("EHOSTUNREACH");
  });
});

describe("packets", () => {
  it("are forwarded by who has ip_forward, with a hop less", () => {
    const { host } = boot();
    const [a, r, b] = [host(), host(), host()];
    const wire = (x: typeof a, y: typeof a, name: string, net: string) => {
      x.rtnl("RTM_NEWLINK", { ifname: name, kind: "veth", peer: `${name}p` });
      x.rtnl("RTM_SETLINK", { ifname: `${name}p`, netns_pid: y.task.nr });
      x.rtnl("RTM_NEWADDR", { ifname: name, addr: `${net}.1/24` });
      y.rtnl("RTM_NEWADDR", { ifname: `${name}p`, addr: `${net}.2/24` });
      x.rtnl("RTM_SETLINK", { ifname: name, up: true });
      y.rtnl("RTM_SETLINK", { ifname: `${name}p`, up: true });
    };
    wire(a, r, "x", "10.1.0");
    wire(b, r, "y", "10.2.0");
    a.rtnl("RTM_NEWROUTE", { dst: "default", via: "10.1.0.2" });
    b.rtnl("RTM_NEWROUTE", { dst: "10.1.0.0/24", via: "10.2.0.2" });
    const l = b.sys.socket(AF_INET, SOCK_STREAM);
    b.sys.bind(l, at("10.2.0.1", 80));
    b.sys.listen(l, 1);
    const c = a.sys.socket(AF_INET, SOCK_STREAM | NB);
    code(() => a.sys.connect(c, at("10.2.0.1", 80)));
    expect(b.sys.poll([{ fd: l, events: POLLIN }], 0)[0].revents).toBe(0);
    r.sys.writeFile("/proc/sys/net/ipv4/ip_forward", "1");
    const d = a.sys.socket(AF_INET, SOCK_STREAM);
    a.sys.connect(d, at("10.2.0.1", 80));
    const s = b.sys.accept(l);
    expect(b.sys.getpeername(s).addr).toBe("10.1.0.1");
    const raw = b.sys.socket(AF_INET, SOCK_RAW, 6);
    a.sys.send(d, "x");
    expect(b.sys.recv(raw, 100)[8]).toBe(63);
  });

  it("of ICMP echo are answered, and come with their header to raw sockets", () => {
    const { host } = boot();
    const { sys } = host();
    const r = sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    sys.sendto(r, new Uint8Array([8, 0, 0xf7, 0xfd, 0, 1, 0, 1]), 0, at("127.0.0.1", 0));
    const types = [0, 1].map(() => sys.recv(r, 100)).map((p) => [p[0], p[9], p[20]]);
    expect(types).toEqual([
      [0x45, 1, 8],
      [0x45, 1, 0],
    ]);
    expect(code(() => sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP))).toBe("EACCES");
    sys.writeFile("/proc/sys/net/ipv4/ping_group_range", "0 1000");
    const p = sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    sys.sendto(p, new Uint8Array([8, 0, 0, 0, 0, 0, 0, 7, 65]), 0, at("127.0.0.1", 0));
    const reply = sys.recv(p, 100);
    expect([reply[0], reply[7], reply[8]]).toEqual([0, 7, 65]);
  });

  it("are counted by the devices they pass", () => {
    const { host } = boot();
    const { sys } = host();
    sys.sendto(sys.socket(AF_INET, SOCK_DGRAM), "x", 0, at("127.0.0.1", 7));
    // the datagram of 29 bytes and the error about it
    expect(sys.readText("/proc/net/dev")).toMatch(/^ {4}lo: {6}86 {7}2 .* 86 {7}2 /m);
  });
});
