import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EPOLL_CTL_ADD, EPOLLIN } from "../../abi/poll.js";
import {
  AF_UNIX,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SO_DOMAIN,
  SO_PASSCRED,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../abi/socket.js";
import { createKernel } from "../../kernel/full.js";
import { program } from "../../kernel/program.js";
import type { CoreSys } from "../../sys/coreSys.js";
import type { Program } from "../../sys/types.js";
import type { Task } from "../../task/task.js";
import { errnoOf } from "../../vfs/testKernel.js";

const NB = SOCK_NONBLOCK;
const un = (path: string) => ({ family: AF_UNIX, path });
const text = (b: Uint8Array): string => new TextDecoder().decode(b);
const INT_MIN = -(2 ** 31);

function boot() {
  const kernel = createKernel({ machine: { memory: "128M" } }).boot();
  const sys = kernel.sys(kernel.init);
  const child = (): Task => kernel.tasks.find(sys.fork()) as Task;
  return { kernel, sys, child };
}

describe("ancillary messages", () => {
  it("pass descriptors: lowest numbers, with the message they came with, no more than there is room for", () => {
    const { sys } = boot();
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM | NB) as [number, number];
    const [r, w] = sys.pipe2(0);
    const rights = (...fds: number[]) => [{ level: SOL_SOCKET, type: SCM_RIGHTS, fds }];
    sys.send(a, "aa");
    sys.sendmsg(a, { data: "bb", control: rights(w) });
    sys.send(a, "cc");
    sys.close(w);
    const m = sys.recvmsg(b, 100);
    expect([text(m.data), m.control.length]).toEqual(["aabb", 1]);
    sys.write(m.control[0].fds?.[0] as number, "through");
    expect(text(sys.read(r, 10))).toBe("through");
    expect(text(sys.recvmsg(b, 100).data)).toBe("cc");
    sys.sendmsg(a, { data: "x", control: rights(r, r, r) });
    const cut = sys.recvmsg(b, 10, 0, 24);
    expect([cut.control[0].fds?.length, cut.flags]).toEqual([2, MSG_CTRUNC]);
    const e = (control: object[]): string => errnoOf(() => sys.sendmsg(a, { data: "x", control: control as never }));
    expect(e(rights(999))).toBe("EBADF");
    expect(e(rights(...new Array(254).fill(r)))).toBe("EINVAL");
    expect(e([{ level: SOL_SOCKET, type: 77 }])).toBe("EINVAL");
    expect(e([{ level: 77, type: 1 }])).toBe("");
  });

  it("pass credentials to who wants them, as the receiver sees them, and only true ones", () => {
    const { kernel, sys, child } = boot();
    const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM | NB) as [number, number];
    sys.setsockopt(b, SOL_SOCKET, SO_PASSCRED, 1);
    sys.send(a, "a");
    expect(sys.recvmsg(b, 9).control).toEqual([
      { level: SOL_SOCKET, type: SCM_CREDENTIALS, cred: { pid: 1, uid: 0, gid: 0 } },
    ]);
    const cred = (pid: number, uid: number) => ({
      data: "b",
      control: [{ level: SOL_SOCKET, type: SCM_CREDENTIALS, cred: { pid, uid, gid: 6 } }],
    });
    sys.send(a, "a");
    sys.sendmsg(a, cred(1, 5));
    // bytes of other credentials are not mixed
    expect(text(sys.recvmsg(b, 9).data)).toBe("a");
    expect(sys.recvmsg(b, 9).control[0].cred).toEqual({ pid: 1, uid: 5, gid: 6 });
    expect(errnoOf(() => sys.sendmsg(a, cred(30000, 0)))).toBe("ESRCH");
    const t = child();
    const user = kernel.sys(t);
    user.setresgid(6, 6, 6);
    user.setresuid(5, 5, 5);
    expect(errnoOf(() => user.sendmsg(a, cred(1, 5)))).toBe("EPERM");
    expect(errnoOf(() => user.sendmsg(a, cred(t.nr, 0)))).toBe("EPERM");
    user.sendmsg(a, cred(t.nr, 5));
    expect(sys.recvmsg(b, 9, 0, 8).flags).toBe(MSG_CTRUNC);
  });

  it("are no way to keep sockets alive for ever: circles are found when a socket is closed", () => {
    const { kernel, sys } = boot();
    const open = kernel.core.vfs.nrFiles;
    for (let i = 0; i < 20; i++) {
      const [a, b] = sys.socketpair(AF_UNIX, SOCK_DGRAM) as [number, number];
      const [c, d] = sys.socketpair(AF_UNIX, SOCK_DGRAM) as [number, number];
      const pass = (via: number, fd: number) =>
        sys.sendmsg(via, { data: "x", control: [{ level: SOL_SOCKET, type: SCM_RIGHTS, fds: [fd] }] });
      pass(a, d);
      pass(c, b);
      pass(a, a);
      for (const fd of [a, b, c, d]) sys.close(fd);
    }
    sys.close(sys.socket(AF_UNIX, SOCK_DGRAM));
    expect(kernel.core.vfs.nrFiles).toBe(open);
    expect(kernel.core.net.inflight.size).toBe(0);
  });
});

describe("options and readiness", () => {
  it("double buffer sizes within bounds, and refuse what a family does not have", () => {
    const { sys } = boot();
    const s = sys.socket(AF_UNIX, SOCK_STREAM);
    const set = (o: number, v: number): unknown => {
      sys.setsockopt(s, SOL_SOCKET, o, v);
      return sys.getsockopt(s, SOL_SOCKET, o);
    };
    expect([set(SO_SNDBUF, 1), set(SO_SNDBUF, 50000), set(SO_SNDBUF, 1e9)]).toEqual([4608, 100000, 8388608]);
    expect(errnoOf(() => set(SO_TYPE, 1))).toBe("ENOPROTOOPT");
    expect(errnoOf(() => set(999, 1))).toBe("ENOPROTOOPT");
    expect(errnoOf(() => set(SO_REUSEPORT, 1))).toBe("EOPNOTSUPP");
    expect(errnoOf(() => sys.setsockopt(s, 99, 1, 1))).toBe("EOPNOTSUPP");
    expect(sys.getsockopt(s, SOL_SOCKET, SO_DOMAIN)).toBe(AF_UNIX);
  });

  it("wake poll(2) and epoll_wait(2)", () => {
    const { kernel, sys, child } = boot();
    const l = sys.socket(AF_UNIX, SOCK_STREAM);
    sys.bind(l, un("\0ep"));
    sys.listen(l, 5);
    const ep = sys.epoll_create1(0);
    sys.epoll_ctl(ep, EPOLL_CTL_ADD, l, { events: EPOLLIN, data: "l" });
    const t = child();
    const ready = kernel.call(t).epoll_wait(ep, 5, -1);
    kernel.run("1ms");
    expect(ready.done).toBe(false);
    const c = sys.socket(AF_UNIX, SOCK_STREAM);
    sys.connect(c, un("\0ep"));
    kernel.run("1ms");
    expect(ready.value).toEqual([{ events: EPOLLIN, data: "l" }]);
  });
});

describe("hostile calls", () => {
  it("fail with an errno or a TypeError, whatever they are given, and never break the kernel", () => {
    const value = fc.oneof(
      fc.integer({ min: INT_MIN, max: 2 ** 31 }),
      fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 16, 17),
      fc.string(),
      fc.constant(null),
      fc.record({ family: fc.integer({ min: -1, max: 3 }), path: fc.string({ maxLength: 120 }) }),
    );
    const names = ["socket", "socketpair", "bind", "connect", "listen", "accept4", "sendto", "recvmsg", "shutdown"];
    const more = ["getsockname", "getpeername", "setsockopt", "getsockopt", "sendmsg", "recv", "close", "dup"];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...names, ...more), fc.array(value, { maxLength: 4 })), { maxLength: 60 }),
        (calls) => {
          const { kernel, sys } = boot();
          for (const type of [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) sys.socketpair(AF_UNIX, type | NB);
          for (const [name, args] of calls) {
            const call = (sys as unknown as Record<string, (...a: unknown[]) => unknown>)[name];
            if (name === "accept4" || name === "connect" || name === "recv") {
              // sockets that block would wait for ever
              const flags = errnoOfAny(() => sys.fcntl(args[0] as number, 4, 0o4000));
              if (flags !== "") continue;
            }
            errnoOfAny(() => call(...args));
          }
          expect(sys.getpid()).toBe(1);
          expect(JSON.stringify(kernel.checkpoint())).toBe(JSON.stringify(kernel.checkpoint()));
          for (const s of kernel.core.net.init.unixSocks) {
            const waiting = [...kernel.core.net.init.unixSocks].flatMap((x) => x.queue).filter((m) => m.owner === s);
            expect(s.wmem).toBe(waiting.reduce((n, m) => n + m.cost, 0));
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

function errnoOfAny(f: () => unknown): string {
  try {
    f();
    return "";
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined && !(e instanceof TypeError) && (e as Error).name !== "WouldBlockForever") throw e;
    return code ?? "TypeError";
  }
}

type Sys = Program<CoreSys>;
const server = program("unix-server", function* (sys: Sys, s: { i: number; fd: number }) {
  if (s.fd < 0) {
    s.fd = yield* sys.socket(AF_UNIX, SOCK_STREAM);
    yield* sys.bind(s.fd, un("\0srv"));
    yield* sys.listen(s.fd, 8);
  }
  for (; s.i < 30; s.i++) {
    yield* sys.restPoint(s);
    const c = yield* sys.accept(s.fd);
    const m = yield* sys.recvmsg(c, 100);
    yield* sys.nanosleep(30000);
    yield* sys.write(c, `${new TextDecoder().decode(m.data)}!`);
    yield* sys.close(c);
  }
});
const client = program("unix-client", function* (sys: Sys, s: { i: number; out: string }) {
  if (s.i === 0) yield* sys.nanosleep(1e6);
  for (; s.i < 15; s.i++) {
    yield* sys.restPoint(s);
    const c = yield* sys.socket(AF_UNIX, SOCK_STREAM);
    yield* sys.connect(c, un("\0srv"));
    yield* sys.sendto(c, `${s.out}${s.i}`, 0);
    const r = yield* sys.recv(c, 100);
    yield* sys.writeFile(`/tmp/${s.out}${s.i}`, r);
    yield* sys.close(c);
  }
});

describe("checkpoints", () => {
  it("keep sockets, what is under way, and who waits: a restored run is the same run", () => {
    const build = () => createKernel({ seed: 3, machine: { memory: "128M" } });
    const kernel = build().boot();
    kernel.spawn(server, { i: 0, fd: -1 });
    kernel.spawn(client, { i: 0, out: "a" });
    kernel.spawn(client, { i: 0, out: "b" });
    kernel.run("1200us");
    const saved = JSON.stringify(kernel.checkpoint());
    kernel.run("50ms");
    const again = build().restore(JSON.parse(saved), [server, client]);
    again.run("50ms");
    expect(again.digest()).toBe(kernel.digest());
    expect(kernel.sys(kernel.init).readText("/tmp/b14")).toBe("b14!");
  });
});
