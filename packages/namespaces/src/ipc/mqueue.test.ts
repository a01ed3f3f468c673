import {
  CLONE_NEWIPC,
  CLONE_NEWUSER,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  POLLIN,
  POLLOUT,
  SIGEV_SIGNAL,
  SIGUSR1,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { code, rig } from "../testing/rig.js";

const text = (r: { data: Uint8Array }): string => new TextDecoder().decode(r.data);

describe("a POSIX message queue", () => {
  it("gives the highest priority first, and the oldest of it", () => {
    const { kernel, sys } = rig();
    const s = sys(kernel.init);
    const q = s.mq_open("q", O_CREAT | O_RDWR, 0o600);
    expect(s.mq_getsetattr(q)).toEqual({ flags: 0, maxmsg: 10, msgsize: 8192, curmsgs: 0 });
    for (const [m, p] of [
      ["a", 1],
      ["b", 5],
      ["c", 5],
      ["d", 0],
    ] as const)
      s.mq_timedsend(q, m, p);
    expect([1, 2, 3, 4].map(() => text(s.mq_timedreceive(q, 8192))).join("")).toBe("bcad");
  });

  it("has a name that is one word, and an owner's rights", () => {
    const { kernel, sys, child } = rig();
    const s = sys(kernel.init);
    expect(code(() => s.mq_open("q", O_RDWR))).toBe("ENOENT");
    for (const [name, errno] of [
      ["a/b", "EACCES"],
      ["..", "EACCES"],
      ["", "ENOENT"],
      ["x".repeat(256), "ENAMETOOLONG"],
    ])
      expect([name, code(() => s.mq_open(name, O_CREAT | O_RDWR, 0o600))]).toEqual([name, errno]);
    s.mq_open("q", O_CREAT | O_RDWR, 0o644);
    expect(code(() => s.mq_open("q", O_CREAT | O_EXCL | O_RDWR, 0o600))).toBe("EEXIST");
    const u = child();
    sys(u).setresuid(1000, 1000, 1000);
    expect(sys(u).mq_open("q", O_RDONLY)).toBeGreaterThanOrEqual(0);
    expect(code(() => sys(u).mq_open("q", O_WRONLY))).toBe("EACCES");
    expect(code(() => sys(u).mq_unlink("q"))).toBe("EPERM");
    expect(s.mq_unlink("q")).toBe(0);
    expect(code(() => s.mq_unlink("q"))).toBe("ENOENT");
  });

  it("checks what is sent and received against the descriptor and the queue", () => {
    const { kernel, sys } = rig();
    const s = sys(kernel.init);
    const q = s.mq_open("q", O_CREAT | O_WRONLY, 0o600, { maxmsg: 1, msgsize: 4 });
    const r = s.mq_open("q", O_RDONLY | O_NONBLOCK);
    expect(code(() => s.mq_timedsend(q, "x", 32768))).toBe("EINVAL");
    expect(code(() => s.mq_timedsend(q, "12345"))).toBe("EMSGSIZE");
    expect(code(() => s.mq_timedsend(r, "x"))).toBe("EBADF");
    expect(code(() => s.mq_timedsend(99, "x"))).toBe("EBADF");
    expect(code(() => s.mq_timedreceive(q, 4))).toBe("EBADF");
    expect(code(() => s.mq_timedreceive(r, 3))).toBe("EMSGSIZE");
    expect(code(() => s.mq_timedreceive(r, 4))).toBe("EAGAIN");
    s.mq_timedsend(q, "full");
    s.mq_getsetattr(q, { flags: O_NONBLOCK });
    expect(code(() => s.mq_timedsend(q, "x"))).toBe("EAGAIN");
    expect(code(() => s.mq_getsetattr(q, { flags: 1 }))).toBe("EINVAL");
    expect(
      s.poll(
        [
          { fd: q, events: POLLIN | POLLOUT },
          { fd: r, events: POLLIN | POLLOUT },
        ],
        0,
      ),
    ).toBeTruthy();
    for (const attr of [
      { maxmsg: 0, msgsize: 1 },
      { maxmsg: 1, msgsize: -1 },
      { maxmsg: 70000, msgsize: 1 },
    ])
      expect(code(() => s.mq_open("r", O_CREAT | O_RDWR, 0o600, attr))).toBe("EINVAL");
  });

  it("lets senders wait for room and receivers for messages, until a time", () => {
    const { kernel, sys, call, child } = rig();
    const s = sys(kernel.init);
    const q = s.mq_open("q", O_CREAT | O_RDWR, 0o600, { maxmsg: 1, msgsize: 8 });
    const [a, b, c] = [child(), child(), child()];
    const first = call(a).mq_timedreceive(q, 8);
    const second = call(b).mq_timedreceive(q, 8);
    kernel.run("1ms");
    s.mq_timedsend(q, "one");
    kernel.run("1ms");
    expect([text(first.value), second.done]).toEqual(["one", false]);
    s.mq_timedsend(q, "two");
    kernel.run("1ms");
    s.mq_timedsend(q, "three");
    const now = s.clock_gettime(0);
    const late = call(c).mq_timedsend(q, "four", 0, { sec: now.sec + 1, nsec: now.nsec });
    const waits = call(a).mq_timedsend(q, "five", 9);
    kernel.run("2s");
    expect((late.error as { code?: string } | null)?.code).toBe("ETIMEDOUT");
    expect(text(s.mq_timedreceive(q, 8))).toBe("three");
    kernel.run("1ms");
    expect(waits.value).toBe(0);
    expect(s.mq_timedreceive(q, 8)).toMatchObject({ prio: 9 });
  });

  it("tells one process of a message in an empty queue, once", () => {
    const { kernel, sys, child } = rig();
    const t = child();
    const s = sys(t);
    const q = s.mq_open("q", O_CREAT | O_RDWR, 0o600);
    s.rt_sigprocmask(0, [SIGUSR1]);
    expect(code(() => s.mq_notify(q, { notify: 7 }))).toBe("EINVAL");
    expect(code(() => s.mq_notify(q, { notify: SIGEV_SIGNAL, signo: 65 }))).toBe("EINVAL");
    s.mq_notify(q, { notify: SIGEV_SIGNAL, signo: SIGUSR1, value: 42 });
    const other = sys(child(t));
    expect(code(() => other.mq_notify(q, { notify: SIGEV_SIGNAL, signo: SIGUSR1 }))).toBe("EBUSY");
    s.mkdir("/mnt/mq", 0o755);
    s.mount("none", "/mnt/mq", "mqueue", 0);
    expect(s.readText("/mnt/mq/q")).toBe(
      `QSIZE:0          NOTIFY:0     SIGNO:${SIGUSR1}    NOTIFY_PID:${String(t.nr).padEnd(6)}\n`,
    );
    other.mq_timedsend(q, "x");
    const info = s.rt_sigtimedwait([SIGUSR1], { sec: 0, nsec: 0 });
    expect(info).toMatchObject({ signo: SIGUSR1, code: -3, value: 42 });
    other.mq_timedreceive(q, 8192);
    other.mq_timedsend(q, "y");
    expect(code(() => s.rt_sigtimedwait([SIGUSR1], { sec: 0, nsec: 0 }))).toBe("EAGAIN");
    kernel.run("1ms");
  });

  it("is a file of its namespace's file system, and charged to its maker", () => {
    const { kernel, sys, child } = rig();
    const s = sys(kernel.init);
    s.mq_open("q", O_CREAT | O_RDWR, 0o600);
    s.mkdir("/mnt/mq", 0o755);
    s.mount("none", "/mnt/mq", "mqueue", 0);
    expect(s.readdir("/mnt/mq")).toEqual(["q"]);
    expect(s.stat("/mnt/mq/q")).toMatchObject({ size: 80, nlink: 1 });
    s.close(s.open("/mnt/mq/r", O_CREAT | O_RDWR, 0o600));
    expect(s.mq_open("r", O_RDWR)).toBeGreaterThan(0);
    s.unlink("/mnt/mq/q");
    expect(code(() => s.mq_open("q", O_RDWR))).toBe("ENOENT");
    s.writeFile("/proc/sys/fs/mqueue/queues_max", "1");
    const u = child();
    const us = sys(u);
    us.setresuid(1000, 1000, 1000);
    expect(code(() => us.mq_open("s", O_CREAT | O_RDWR, 0o600))).toBe("ENOSPC");
    us.unshare(CLONE_NEWUSER | CLONE_NEWIPC);
    // nobody has a number in it yet
    expect(code(() => us.mq_open("s", O_CREAT | O_RDWR, 0o600))).toBe("EOVERFLOW");
    s.writeFile(`/proc/${u.nr}/uid_map`, "0 1000 1");
    s.writeFile(`/proc/${u.nr}/gid_map`, "0 0 1");
    expect(us.mq_open("s", O_CREAT | O_RDWR, 0o600)).toBeGreaterThan(0);
    us.prlimit64(0, 12, { cur: 100000, max: 100000 });
    expect(code(() => us.mq_open("t", O_CREAT | O_RDWR, 0o600))).toBe("EMFILE");
    us.mq_unlink("s");
    us.exit(0);
    kernel.run("1ms");
    s.wait4(-1, 0);
    expect(kernel.namespaces.live("ipc").length).toBe(1);
  });
});
