import { describe, expect, it } from "vitest";
import { SEEK_END } from "../../abi/fcntl.js";
import {
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLLET,
  EPOLLIN,
  EPOLLONESHOT,
  POLLIN,
  POLLNVAL,
  POLLOUT,
} from "../../abi/poll.js";
import { createKernel } from "../../kernel/full.js";

function boot() {
  const kernel = createKernel().boot();
  return { kernel, sys: kernel.sys(kernel.init) };
}
const eight = (n: number): Uint8Array => new Uint8Array([n, 0, 0, 0, 0, 0, 0, 0]);

describe("poll", () => {
  it("says what is ready, skips negative numbers, and NVAL for what is closed", () => {
    const { sys } = boot();
    const [r, w] = sys.pipe2(0);
    const ask = () =>
      sys.poll(
        [
          { fd: r, events: POLLIN },
          { fd: w, events: POLLOUT },
          { fd: -1, events: POLLIN },
          { fd: 99, events: POLLIN },
        ],
        0,
      );
    expect(ask().map((p) => p.revents)).toEqual([0, POLLOUT, 0, POLLNVAL]);
    sys.write(w, "x");
    expect(ask().map((p) => p.revents)).toEqual([POLLIN, POLLOUT, 0, POLLNVAL]);
  });

  it("sleeps until a queue is woken or the timeout is over", () => {
    const { kernel, sys } = boot();
    const [r, w] = sys.pipe2(0);
    const child = kernel.tasks.find(sys.fork());
    if (child === null) throw new Error("no child");
    const waiting = kernel.call(child).poll([{ fd: r, events: POLLIN }], -1);
    kernel.run("10s");
    expect(waiting.done).toBe(false);
    sys.write(w, "x");
    kernel.run("1ms");
    expect(waiting.value.map((p) => p.revents)).toEqual([POLLIN]);
    const before = kernel.now;
    expect(sys.poll([], 250)).toEqual([]);
    expect(kernel.now - before).toBe(250e6);
  });
});

describe("epoll", () => {
  it("looks at the descriptor before maxevents, accepts lseek, refuses fchmod", () => {
    const { sys } = boot();
    const e = sys.epoll_create1(0);
    expect(() => sys.epoll_wait(99, 0, 0)).toThrow("EBADF");
    expect(() => sys.epoll_wait(e, 0, 0)).toThrow("EINVAL");
    expect(sys.lseek(e, 5, SEEK_END)).toBe(0);
    expect(() => sys.fchmod(e, 0o600)).toThrow("EOPNOTSUPP");
  });

  it("reports an edge once per arrival, a one-shot once at all, a level as long as it lasts", () => {
    const { sys } = boot();
    const e = sys.epoll_create1(0);
    const make = (flags: number, data: string): number => {
      const fd = sys.eventfd2(0, EFD_NONBLOCK);
      sys.epoll_ctl(e, EPOLL_CTL_ADD, fd, { events: (EPOLLIN | flags) >>> 0, data });
      return fd;
    };
    const fds = [make(0, "level"), make(EPOLLET, "edge"), make(EPOLLONESHOT, "once")];
    const seen = (): unknown[] => sys.epoll_wait(e, 10, 0).map((x) => x.data);
    expect(seen()).toEqual([]);
    for (const fd of fds) sys.write(fd, eight(1));
    expect(seen()).toEqual(["level", "edge", "once"]);
    expect(seen()).toEqual(["level"]);
    for (const fd of fds) sys.write(fd, eight(1));
    expect(seen()).toEqual(["level", "edge"]);
    sys.read(fds[0], 8);
    expect(seen()).toEqual([]);
  });

  it("forgets a file when its last descriptor is closed", () => {
    const { sys } = boot();
    const e = sys.epoll_create1(0);
    const fd = sys.eventfd2(1, 0);
    sys.epoll_ctl(e, EPOLL_CTL_ADD, fd, { events: EPOLLIN, data: 1 });
    const copy = sys.dup(fd);
    sys.close(fd);
    expect(sys.epoll_wait(e, 5, 0).length).toBe(1);
    sys.close(copy);
    expect(sys.epoll_wait(e, 5, 0)).toEqual([]);
  });

  it("pread and pwrite of an eventfd or an epoll are ESPIPE, of a pidfd EINVAL; the first two can be sought", () => {
    const { sys } = boot();
    const [event, epoll, pid] = [sys.eventfd2(0, EFD_NONBLOCK), sys.epoll_create1(0), sys.pidfd_open(1, 0)];
    for (const fd of [event, epoll]) {
      expect(() => sys.pread64(fd, 8, 0)).toThrow("ESPIPE");
      expect(() => sys.pwrite64(fd, eight(1), 0)).toThrow("ESPIPE");
      expect(sys.lseek(fd, 0, 1)).toBe(0);
    }
    expect(() => sys.pread64(pid, 8, 0)).toThrow("EINVAL");
    expect(() => sys.pwrite64(pid, eight(1), 0)).toThrow("EINVAL");
    expect(() => sys.lseek(pid, 0, 1)).toThrow("ESPIPE");
  });
});
