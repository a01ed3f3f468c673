import { describe, expect, it } from "vitest";
import { O_RDWR } from "../../abi/fcntl.js";
import { FIONREAD } from "../../abi/ioctl.js";
import { POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from "../../abi/poll.js";
import {
  AF_INET,
  AF_UNIX,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SIOCOUTQ,
  SO_ACCEPTCONN,
  SO_PEERCRED,
  SO_RCVTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../abi/socket.js";
import { createKernel } from "../../kernel/full.js";
import type { Task } from "../../task/task.js";
import { errnoOf } from "../../vfs/testKernel.js";

const NB = SOCK_NONBLOCK;
const un = (path: string) => ({ family: AF_UNIX, path });
const text = (b: Uint8Array): string => new TextDecoder().decode(b);

function boot() {
  const kernel = createKernel({ machine: { memory: "128M" } }).boot();
  const sys = kernel.sys(kernel.init);
  const child = (): Task => kernel.tasks.find(sys.fork()) as Task;
  return { kernel, sys, child };
}

describe("socket(2)", () => {
  it("looks at flags, the family, the range of the type, then asks the family", () => {
    const { sys } = boot();
    const e = (d: number, t: number, p = 0): string => errnoOf(() => sys.socket(d, t, p));
    expect([e(99, 1), e(-1, 1), e(45, 1), e(99, 0x11), e(1, 0x11)]).toEqual([
      "EAFNOSUPPORT",
      "EAFNOSUPPORT",
      "EAFNOSUPPORT",
      "EINVAL",
      "EINVAL",
    ]);
    expect([e(1, 0), e(1, 11), e(1, 4), e(1, 1, 6), e(1, 1, 1), e(1, 3), e(AF_INET, 1)]).toEqual([
      "ESOCKTNOSUPPORT",
      "EINVAL",
      "ESOCKTNOSUPPORT",
      "EPROTONOSUPPORT",
      "",
      "",
      "EAFNOSUPPORT",
    ]);
    expect(errnoOf(() => sys.listen(99, 1))).toBe("EBADF");
    expect(errnoOf(() => sys.listen(sys.pipe2(0)[0], 1))).toBe("ENOTSOCK");
  });

  it("makes a file socket:[INO] that cannot be opened, mapped, synced or sought", () => {
    const { sys } = boot();
    const s = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(sys.readlink(`/proc/self/fd/${s}`)).toBe(`socket:[${sys.fstat(s).ino}]`);
    expect(sys.fstat(s).mode).toBe(0o140777);
    expect(sys.fcntl(s, 1)).toBe(1);
    expect(errnoOf(() => sys.open(`/proc/self/fd/${s}`, O_RDWR))).toBe("ENXIO");
    expect(errnoOf(() => sys.lseek(s, 0, 0))).toBe("ESPIPE");
    expect(errnoOf(() => sys.pread64(s, 1, 0))).toBe("ESPIPE");
    expect(errnoOf(() => sys.fsync(s))).toBe("EINVAL");
    expect(errnoOf(() => sys.ftruncate(s, 0))).toBe("EINVAL");
    expect(errnoOf(() => sys.fallocate(s, 0, 0, 1))).toBe("ENODEV");
    expect(errnoOf(() => sys.ioctl(s, 0x1234))).toBe("ENOTTY");
    expect(sys.readText(`/proc/self/fdinfo/${s}`)).toMatch(/^scm_fds: 0$/m);
  });
});

describe("a stream", () => {
  it("goes through listen, connect and accept, with names and credentials of both ends", () => {
    const { sys } = boot();
    const l = sys.socket(AF_UNIX, SOCK_STREAM | NB);
    expect(errnoOf(() => sys.listen(l, 1))).toBe("EINVAL");
    sys.bind(l, un("/tmp/a"));
    expect(sys.stat("/tmp/a").mode).toBe(0o140755);
    expect(errnoOf(() => sys.bind(l, un("/tmp/b")))).toBe("EINVAL");
    expect(errnoOf(() => sys.stat("/tmp/b"))).toBe("ENOENT");
    expect(errnoOf(() => sys.bind(sys.socket(AF_UNIX, SOCK_STREAM), un("/tmp/a")))).toBe("EADDRINUSE");
    const early = sys.socket(AF_UNIX, SOCK_STREAM | NB);
    expect(errnoOf(() => sys.connect(early, un("/tmp/a")))).toBe("ECONNREFUSED");
    expect(errnoOf(() => sys.accept(l))).toBe("EINVAL");
    sys.listen(l, 1);
    expect(sys.getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN)).toBe(1);
    const socks = [0, 1].map(() => sys.socket(AF_UNIX, SOCK_STREAM | NB));
    for (const s of socks) sys.connect(s, un("/tmp/a"));
    // a backlog of 1 is two connections
    expect(errnoOf(() => sys.connect(early, un("/tmp/a")))).toBe("EAGAIN");
    const a = sys.accept4(l, SOCK_NONBLOCK);
    sys.connect(early, un("/tmp/a"));
    expect(sys.getsockname(a)).toEqual(un("/tmp/a"));
    expect(sys.getpeername(a)).toEqual(un(""));
    expect(sys.getpeername(socks[0])).toEqual(un("/tmp/a"));
    expect(sys.getsockopt(a, SOL_SOCKET, SO_PEERCRED)).toEqual({ pid: 1, uid: 0, gid: 0 });
    expect(sys.getsockopt(sys.socket(AF_UNIX, SOCK_STREAM), SOL_SOCKET, SO_PEERCRED)).toEqual({
      pid: 0,
      uid: 0xffffffff,
      gid: 0xffffffff,
    });
    // a full queue is found before the caller's own state
    expect(errnoOf(() => sys.connect(socks[0], un("/tmp/a")))).toBe("EAGAIN");
    sys.accept(l);
    expect(errnoOf(() => sys.connect(socks[0], un("/tmp/a")))).toBe("EISCONN");
    expect(errnoOf(() => sys.listen(socks[0], 1))).toBe("EINVAL");
    expect(errnoOf(() => sys.recv(l, 1))).toBe("EINVAL");
    expect(errnoOf(() => sys.send(l, "x"))).toBe("ENOTCONN");
    sys.send(socks[0], "hello");
    expect(text(sys.read(a, 100))).toBe("hello");
  });

  it("names what is wrong with an address", () => {
    const { sys } = boot();
    const s = sys.socket(AF_UNIX, SOCK_STREAM | NB);
    sys.writeFile("/tmp/reg", "");
    const d = sys.socket(AF_UNIX, SOCK_DGRAM);
    sys.bind(d, un("/tmp/d"));
    const c = (a: object | null): string => errnoOf(() => sys.connect(s, a as never));
    expect([c(un("/tmp/no")), c(un("/tmp/reg")), c(un("/tmp/d")), c(un("\0no")), c(un("")), c(null)]).toEqual([
      "ENOENT",
      "ECONNREFUSED",
      "EPROTOTYPE",
      "ECONNREFUSED",
      "EINVAL",
      "EFAULT",
    ]);
    expect(c({ family: AF_INET, addr: "127.0.0.1", port: 1 })).toBe("EINVAL");
    expect(errnoOf(() => sys.bind(s, un("x".repeat(109))))).toBe("EINVAL");
    expect(errnoOf(() => sys.bind(s, un("/nodir/x")))).toBe("ENOENT");
    expect(() => sys.connect(s, { family: 1.5 })).toThrow(TypeError);
  });

  it("holds as much as Linux's buffers do", () => {
    const { sys } = boot();
    const fill = (size: number): number => {
      const [a] = sys.socketpair(AF_UNIX, SOCK_STREAM | NB) as [number, number];
      const piece = new Uint8Array(size);
      let n = 0;
      try {
        for (;;) n += sys.send(a, piece);
      } catch {
        return n;
      }
    };
    expect([1, 1000, 4096, 10000, 1000000].map(fill)).toEqual([278, 93000, 180224, 170000, 219264]);
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM | NB) as [number, number];
    for (let i = 0; i < 17; i++) sys.send(a, new Uint8Array(10000));
    const out = (): boolean => (sys.poll([{ fd: a, events: POLLOUT }], 0)[0].revents & POLLOUT) !== 0;
    let n = 0;
    while (!out()) n += sys.recv(b, 1000).length;
    expect(n).toBe(130000);
  });

  it("wakes a writer when there is room again, and keeps the order of bytes", () => {
    const { kernel, sys, child } = boot();
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM) as [number, number];
    const data = Uint8Array.from({ length: 500000 }, (_, i) => i * 7);
    const w = kernel.call(child()).send(a, data);
    kernel.run("1ms");
    expect(w.done).toBe(false);
    const got = new Uint8Array(data.length);
    for (let n = 0; n < data.length; ) {
      const piece = sys.recv(b, 30000);
      got.set(piece, n);
      n += piece.length;
    }
    kernel.run("1ms");
    expect(w.value).toBe(500000);
    expect(Buffer.compare(got, data)).toBe(0);
  });

  it("gives what there is at its end, then nothing; a reset where something was not read", () => {
    const { sys } = boot();
    const pair = () => sys.socketpair(AF_UNIX, SOCK_STREAM | NB) as [number, number];
    const [a, b] = pair();
    sys.send(b, "last");
    sys.close(b);
    expect(text(sys.recv(a, 100))).toBe("last");
    expect(sys.recv(a, 100).length).toBe(0);
    expect(errnoOf(() => sys.send(a, "x", MSG_NOSIGNAL))).toBe("EPIPE");
    expect(sys.poll([{ fd: a, events: 0xffff }], 0)[0].revents & (POLLHUP | POLLRDHUP | POLLIN)).toBe(
      POLLHUP | POLLRDHUP | POLLIN,
    );
    const [c, d] = pair();
    sys.send(c, "abc");
    sys.close(d);
    expect(errnoOf(() => sys.recv(c, 1))).toBe("ECONNRESET");
    expect(sys.recv(c, 1).length).toBe(0);
    const [e, f] = pair();
    sys.shutdown(e, 1);
    expect(errnoOf(() => sys.send(e, "x", MSG_NOSIGNAL))).toBe("EPIPE");
    expect(sys.recv(f, 1).length).toBe(0);
    expect(errnoOf(() => sys.shutdown(e, 3))).toBe("EINVAL");
  });

  it("sends SIGPIPE to a writer without a reader", () => {
    const { kernel, sys, child } = boot();
    const t = child();
    const [a, b] = kernel.sys(t).socketpair(AF_UNIX, SOCK_STREAM) as [number, number];
    kernel.sys(t).close(b);
    kernel.call(t).send(a, "x");
    kernel.run("1ms");
    expect((sys.wait4(-1, 0)?.status ?? 0) & 0x7f).toBe(13);
  });

  it("waits for all with MSG_WAITALL, peeks, and gives up after SO_RCVTIMEO", () => {
    const { kernel, sys, child } = boot();
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM) as [number, number];
    const r = kernel.call(child()).recv(b, 6, MSG_WAITALL);
    sys.send(a, "abc");
    kernel.run("1ms");
    expect(r.done).toBe(false);
    sys.send(a, "defg");
    kernel.run("1ms");
    expect(text(r.value)).toBe("abcdef");
    expect(text(sys.recv(b, 9, MSG_PEEK))).toBe("g");
    expect(sys.ioctl(b, FIONREAD)).toBe(1);
    expect(sys.ioctl(a, SIOCOUTQ)).toBe(768);
    expect(text(sys.recv(b, 9, MSG_WAITALL | MSG_DONTWAIT))).toBe("g");
    sys.setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, { sec: 0, usec: 500000 });
    const before = kernel.now;
    expect(errnoOf(() => sys.recv(b, 1))).toBe("EAGAIN");
    expect(kernel.now - before).toBe(5e8);
    expect(errnoOf(() => sys.setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, { sec: 0, usec: 1e6 }))).toBe("EDOM");
  });
});

describe("datagrams and packets", () => {
  it("keep their bounds, are cut to the buffer, and say so", () => {
    const { sys } = boot();
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_DGRAM | NB) as [number, number];
    sys.send(a, "abcdef");
    sys.send(a, "gh");
    const m = sys.recvmsg(b, 3);
    expect([text(m.data), m.flags]).toEqual(["abc", MSG_TRUNC]);
    expect(sys.recvfrom(b, 1, MSG_TRUNC | MSG_PEEK).len).toBe(2);
    expect(text(sys.recv(b, 10))).toBe("gh");
    expect(errnoOf(() => sys.send(a, new Uint8Array(212961)))).toBe("EMSGSIZE");
    sys.send(a, new Uint8Array(212960));
    expect(errnoOf(() => sys.send(a, "x"))).toBe("EAGAIN");
    const [c, d] = sys.socketpair(AF_UNIX, SOCK_SEQPACKET | NB) as [number, number];
    sys.send(c, "");
    expect(sys.recvmsg(d, 10).data.length).toBe(0);
    sys.close(d);
    expect(sys.recv(c, 1).length).toBe(0);
    expect(errnoOf(() => sys.send(c, "x"))).toBe("EPIPE");
  });

  it("go to a name, eleven at most wait, and only the peer may send to one that has a peer", () => {
    const { kernel, sys, child } = boot();
    const a = sys.socket(AF_UNIX, SOCK_DGRAM | NB);
    sys.bind(a, un("/tmp/da"));
    const b = sys.socket(AF_UNIX, SOCK_DGRAM | NB);
    expect(errnoOf(() => sys.send(b, "x"))).toBe("ENOTCONN");
    sys.sendto(b, "hi", 0, un("/tmp/da"));
    expect(sys.recvfrom(a, 10).addr).toBe(null);
    sys.bind(b, un("\0bb"));
    let n = 0;
    while (errnoOf(() => sys.sendto(b, "hi", 0, un("/tmp/da"))) === "") n++;
    expect(n).toBe(11);
    const late = sys.socket(AF_UNIX, SOCK_DGRAM);
    const w = kernel.call(child()).sendto(late, "late", 0, un("/tmp/da"));
    kernel.run("1ms");
    expect(w.done).toBe(false);
    expect(sys.recvfrom(a, 10).addr).toEqual(un("\0bb"));
    kernel.run("1ms");
    expect(w.value).toBe(4);
    sys.connect(a, un("\0bb"));
    expect(errnoOf(() => sys.sendto(late, "x", 0, un("/tmp/da")))).toBe("EPERM");
    expect(errnoOf(() => sys.connect(late, un("/tmp/da")))).toBe("EPERM");
    sys.connect(a, { family: 0 });
    expect(errnoOf(() => sys.getpeername(a))).toBe("ENOTCONN");
    const [x, y] = sys.socketpair(AF_UNIX, SOCK_DGRAM) as [number, number];
    sys.close(y);
    expect(["", ""].map(() => errnoOf(() => sys.send(x, "x")))).toEqual(["ECONNREFUSED", "ENOTCONN"]);
    expect(errnoOf(() => sys.listen(x, 1))).toBe("EOPNOTSUPP");
    expect(errnoOf(() => sys.accept(x))).toBe("EOPNOTSUPP");
  });

  it("have abstract names by type, and any one for bind to no name", () => {
    const { sys } = boot();
    const s = (t: number): number => sys.socket(AF_UNIX, t);
    sys.bind(s(SOCK_STREAM), un("\0n"));
    expect(errnoOf(() => sys.bind(s(SOCK_STREAM), un("\0n")))).toBe("EADDRINUSE");
    sys.bind(s(SOCK_DGRAM), un("\0n"));
    const auto = s(SOCK_DGRAM);
    sys.bind(auto, un(""));
    expect(sys.getsockname(auto).path).toMatch(/^\0[0-9a-f]{5}$/);
    expect(sys.readText("/proc/net/unix")).toMatch(/ 00000000 0001 01 +\d+ @n$/m);
    sys.close(auto);
  });
});
