import {
  AF_INET,
  IPPROTO_ICMP,
  type KernelError,
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
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { at, netRig, outcome } from "../testing/netRig.js";

const NB = SOCK_NONBLOCK;
const bytes = (b: Uint8Array): string => new TextDecoder().decode(b);

describe("UDP", () => {
  it("reports a refused datagram at the next call of a connected socket", () => {
    const { host } = netRig();
    const { sys } = host();
    const s = sys.socket(AF_INET, SOCK_DGRAM | NB);
    expect(outcome(() => sys.send(s, "x"))).toBe("EDESTADDRREQ");
    sys.connect(s, at("127.0.0.1", 9));
    expect(sys.getsockname(s).addr).toBe("127.0.0.1");
    expect(["", "", ""].map(() => outcome(() => sys.send(s, "x")))).toEqual(["", "ECONNREFUSED", ""]);
    const poll = (): number => sys.poll([{ fd: s, events: 0xffff }], 0)[0].revents;
    expect(poll() & (POLLERR | POLLOUT)).toBe(POLLERR | POLLOUT);
    expect(sys.getsockopt(s, SOL_SOCKET, SO_ERROR)).toBe(111);
    expect(poll() & POLLERR).toBe(0);
    sys.connect(s, { family: 0 });
    expect([sys.getsockname(s), outcome(() => sys.getpeername(s))]).toEqual([at("0.0.0.0", 0), "ENOTCONN"]);
  });

  it("checks sizes, ports, broadcasts; and goes to the best fitting socket", () => {
    const { host } = netRig();
    const { sys } = host();
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const send = (n: number, addr: string, port: number): string =>
      outcome(() => sys.sendto(s, new Uint8Array(n), 0, at(addr, port)));
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
    expect(outcome(() => sys.recv(wild, 9))).toBe("EAGAIN");
    expect(outcome(() => sys.listen(s, 1))).toBe("EOPNOTSUPP");
  });
});

describe("ports", () => {
  it("are shared only by those who both allow it, and never with a listener", () => {
    const { host } = netRig();
    const { sys } = host();
    const make = (opt?: number, type = SOCK_STREAM): number => {
      const s = sys.socket(AF_INET, type | NB);
      if (opt !== undefined) sys.setsockopt(s, SOL_SOCKET, opt, 1);
      return s;
    };
    const bind = (s: number, addr: string, port: number): string => outcome(() => sys.bind(s, at(addr, port)));
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
    expect(outcome(() => sys.listen(c, 1))).toBe("EADDRINUSE");
    const [p, q] = [make(SO_REUSEPORT), make(SO_REUSEPORT)];
    for (const s of [p, q]) {
      sys.bind(s, at("127.0.0.1", 5002));
      sys.listen(s, 1);
    }
    expect(bind(make(), "8.8.8.8", 5)).toBe("EADDRNOTAVAIL");
    sys.writeFile("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001");
    const any = [0, 1, 2].map(() => bind(make(), "127.0.0.1", 0));
    expect(any).toEqual(["", "", "EADDRINUSE"]);
    expect(outcome(() => sys.writeFile("/proc/sys/net/ipv4/ip_local_port_range", "5 4"))).toBe("EINVAL");
  });
});

describe("TCP", () => {
  it("connects, carries bytes both ways, and ends in order", () => {
    const { kernel, host, cable } = netRig();
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
    const { host } = netRig();
    const { sys } = host();
    const n = sys.socket(AF_INET, SOCK_STREAM | NB);
    expect(outcome(() => sys.connect(n, at("127.0.0.1", 5999)))).toBe("EINPROGRESS");
    expect(sys.poll([{ fd: n, events: 0xffff }], 0)[0].revents).toBe(0x215d);
    expect(outcome(() => sys.connect(n, at("127.0.0.1", 5999)))).toBe("ECONNREFUSED");
    expect(sys.getsockopt(n, SOL_SOCKET, SO_ERROR)).toBe(0);
    const c = sys.socket(AF_INET, SOCK_STREAM);
    for (let i = 0; i < 2; i++) expect(outcome(() => sys.connect(c, at("127.0.0.1", 5999)))).toBe("ECONNREFUSED");
    const u = sys.socket(AF_INET, SOCK_STREAM);
    expect(sys.poll([{ fd: u, events: 0xffff }], 0)[0].revents).toBe(0x114);
    expect([
      outcome(() => sys.send(u, "x", MSG_NOSIGNAL)),
      outcome(() => sys.recv(u, 1)),
      outcome(() => sys.shutdown(u, 2)),
      outcome(() => sys.accept(u)),
      outcome(() => sys.getpeername(u)),
    ]).toEqual(["EPIPE", "ENOTCONN", "ENOTCONN", "EINVAL", "ENOTCONN"]);
    const l = sys.socket(AF_INET, SOCK_STREAM);
    sys.listen(l, 1);
    const port = sys.getsockname(l).port as number;
    const x = sys.socket(AF_INET, SOCK_STREAM | NB);
    expect([0, 1, 2].map(() => outcome(() => sys.connect(x, at("127.0.0.1", port))))).toEqual([
      "EINPROGRESS",
      "",
      "EISCONN",
    ]);
    expect(outcome(() => sys.connect(l, at("127.0.0.1", port)))).toBe("EISCONN");
    expect(outcome(() => sys.listen(x, 1))).toBe("EINVAL");
  });

  it("drops what does not fit into a listener's queue: the peer tries again until it gives up", () => {
    const { kernel, host, child } = netRig();
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
    const { host } = netRig();
    const { sys } = host();
    const l = sys.socket(AF_INET, SOCK_STREAM);
    sys.bind(l, at("127.0.0.1", 5000));
    sys.listen(l, 9);
    const pair = (): [number, number] => {
      const c = sys.socket(AF_INET, SOCK_STREAM | NB);
      outcome(() => sys.connect(c, at("127.0.0.1", 5000)));
      return [c, sys.accept(l)];
    };
    const [a, b] = pair();
    sys.send(a, "unread");
    sys.close(b);
    expect([outcome(() => sys.recv(a, 1)), sys.recv(a, 1).length]).toEqual(["ECONNRESET", 0]);
    expect(outcome(() => sys.send(a, "x", MSG_NOSIGNAL))).toBe("EPIPE");
    expect(sys.poll([{ fd: a, events: 0xffff }], 0)[0].revents & POLLHUP).toBe(POLLHUP);
    const [c, d] = pair();
    sys.setsockopt(d, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    sys.close(d);
    expect(outcome(() => sys.recv(c, 1))).toBe("ECONNRESET");
    const [e, f] = pair();
    sys.shutdown(e, 1);
    expect(sys.recv(f, 1).length).toBe(0);
    sys.send(f, "still");
    expect(bytes(sys.recv(e, 9))).toBe("still");
    sys.close(f);
    expect(sys.recv(e, 9).length).toBe(0);
  });

  it("goes on when a cable that was out is in again, and is given up when it stays out", () => {
    const { kernel, host, cable } = netRig();
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
    expect(outcome(() => a.sys.recv(c, 1))).toBe("ETIMEDOUT");
  });

  it("to an address that nobody has is a host that cannot be reached", () => {
    const { host, cable } = netRig();
    const a = host();
    const b = host();
    cable(a, b);
    const c = a.sys.socket(AF_INET, SOCK_STREAM);
    expect(outcome(() => a.sys.connect(c, at("10.9.0.77", 80)))).toBe("EHOSTUNREACH");
  });
});

describe("packets", () => {
  it("are forwarded by who has ip_forward, with a hop less", () => {
    const { host } = netRig();
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
    outcome(() => a.sys.connect(c, at("10.2.0.1", 80)));
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
    const { host } = netRig();
    const { sys } = host();
    const r = sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    sys.sendto(r, new Uint8Array([8, 0, 0xf7, 0xfd, 0, 1, 0, 1]), 0, at("127.0.0.1", 0));
    const types = [0, 1].map(() => sys.recv(r, 100)).map((p) => [p[0], p[9], p[20]]);
    expect(types).toEqual([
      [0x45, 1, 8],
      [0x45, 1, 0],
    ]);
    expect(outcome(() => sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP))).toBe("EACCES");
    sys.writeFile("/proc/sys/net/ipv4/ping_group_range", "0 1000");
    const p = sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    sys.sendto(p, new Uint8Array([8, 0, 0, 0, 0, 0, 0, 7, 65]), 0, at("127.0.0.1", 0));
    const reply = sys.recv(p, 100);
    expect([reply[0], reply[7], reply[8]]).toEqual([0, 7, 65]);
  });

  it("are counted by the devices they pass", () => {
    const { host } = netRig();
    const { sys } = host();
    sys.sendto(sys.socket(AF_INET, SOCK_DGRAM), "x", 0, at("127.0.0.1", 7));
    // the datagram of 29 bytes and the error about it
    expect(sys.readText("/proc/net/dev")).toMatch(/^ {4}lo: {6}86 {7}2 .* 86 {7}2 /m);
  });
});
