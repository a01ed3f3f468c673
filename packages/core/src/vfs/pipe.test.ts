import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  F_GETPIPE_SZ,
  F_SETFL,
  F_SETPIPE_SZ,
  FIONREAD,
  O_CREAT,
  O_DIRECT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFIFO,
  SIGUSR1,
} from "../abi/constants.js";
import type { KernelError } from "../abi/errors.js";
import { program } from "../kernel/program.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import { childTask, errnoOf, userTask, vfsKernel } from "./testKernel.js";

const PAGE = 4096;

/** What a pipe is by pipe(7) and what was seen of it: slots of one page, merging into the last. */
class Model {
  slots: { bytes: number[]; used: number; packet: boolean }[] = [];
  max = 16;
  write(data: number[], packet: boolean): number | "EAGAIN" {
    let done = 0;
    const rest = data.length % PAGE;
    const last = this.slots[this.slots.length - 1];
    if (!packet && rest > 0 && last !== undefined && !last.packet && last.used + rest <= PAGE) {
      last.bytes.push(...data.slice(0, rest));
      last.used += rest;
      done = rest;
    }
    while (done < data.length && this.slots.length < this.max) {
      const part = data.slice(done, done + PAGE);
      this.slots.push({ bytes: part, used: part.length, packet });
      done += part.length;
    }
    return done === 0 && data.length > 0 ? "EAGAIN" : done;
  }
  read(count: number): number[] | "EAGAIN" {
    if (count === 0) return [];
    if (this.slots.length === 0) return "EAGAIN";
    const out: number[] = [];
    while (this.slots.length > 0 && out.length < count) {
      const s = this.slots[0];
      out.push(...s.bytes.splice(0, count - out.length));
      if (s.packet) {
        this.slots.shift();
        break;
      }
      if (s.bytes.length === 0) this.slots.shift();
    }
    return out;
  }
}

describe("pipes", () => {
  test("what fits goes by slots of a page: any writes and reads agree with the model of pipe(7)", () => {
    const size = fc.constantFrom(0, 1, 2, 100, 2048, 4095, 4096, 4097, 5000, 8192, 20000, 70000);
    const step = fc.oneof(
      fc.record({ op: fc.constant("write" as const), n: size }),
      fc.record({ op: fc.constant("read" as const), n: size }),
      fc.record({ op: fc.constant("packets" as const), n: fc.integer({ min: 0, max: 1 }) }),
      fc.record({ op: fc.constant("resize" as const), n: fc.constantFrom(1, 4096, 5000, 16384, 65536) }),
    );
    const k = vfsKernel();
    const sys = k.sys(k.init);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const [r, w] = sys.pipe2(O_NONBLOCK);
        const m = new Model();
        let packet = false;
        let next = 0;
        for (const { op, n } of steps) {
          if (op === "packets") {
            packet = n === 1;
            sys.fcntl(w, F_SETFL, O_NONBLOCK | (packet ? O_DIRECT : 0));
          } else if (op === "resize") {
            const slots = 2 ** Math.ceil(Math.log2(Math.max(n, PAGE) / PAGE));
            const fits = m.slots.length <= slots;
            expect(errnoOf(() => sys.fcntl(w, F_SETPIPE_SZ, n))).toBe(fits ? "" : "EBUSY");
            if (fits) m.max = slots;
            expect(sys.fcntl(r, F_GETPIPE_SZ)).toBe(m.max * PAGE);
          } else if (op === "write") {
            const data = Array.from({ length: n }, (_, i) => (next + i) & 255);
            next += n;
            const want = m.write(data, packet);
            let got: number | string = "";
            const e = errnoOf(() => {
              got = sys.write(w, Uint8Array.from(data));
            });
            expect(e === "" ? got : e).toBe(want);
          } else {
            const want = m.read(n);
            let got: Uint8Array = new Uint8Array(0);
            const e = errnoOf(() => {
              got = sys.read(r, n);
            });
            if (want === "EAGAIN") expect(e).toBe("EAGAIN");
            else {
              expect(got.length).toBe(want.length);
              expect(got.every((b, i) => b === want[i])).toBe(true);
            }
          }
          expect(sys.ioctl(r, FIONREAD)).toBe(m.slots.reduce((a, x) => a + x.bytes.length, 0));
        }
        sys.close(r);
        sys.close(w);
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test("bytes arrive in order and complete whoever sleeps, also when sleepers are woken for nothing", () => {
    type S = { fd: number; other: number; n: number; size: number; at: number };
    const writer = program("writer", function* (sys: Program<CoreSys>, s: S) {
      yield* sys.close(s.other);
      for (; s.at < s.n; s.at += s.size) {
        const n = Math.min(s.size, s.n - s.at);
        const data = Uint8Array.from({ length: n }, (_, i) => (s.at + i) & 255);
        const done = yield* sys.write(s.fd, data);
        if (done !== n) return 1;
      }
      return 0;
    });
    const reader = program("reader", function* (sys: Program<CoreSys>, s: S) {
      yield* sys.close(s.other);
      for (;;) {
        const data = yield* sys.read(s.fd, s.size);
        if (data.length === 0) return s.at === s.n ? 0 : 2;
        for (const b of data) if (b !== (s.at++ & 255)) return 3;
      }
    });
    for (const spuriousWakeups of [false, true]) {
      for (const [ws, rs] of [
        [100_000, 777],
        [13, 5000],
        [4096, 1],
      ]) {
        const k = vfsKernel({ spuriousWakeups });
        const sys = k.sys(k.init);
        const [r, w] = sys.pipe();
        const n = ws === 4096 ? 9000 : 150_000;
        const a = k.spawn(writer, { fd: w, other: r, n, size: ws, at: 0 });
        const b = k.spawn(reader, { fd: r, other: w, n, size: rs, at: 0 });
        sys.close(r);
        sys.close(w);
        for (const t of [a, b]) expect(sys.wait4(t.nr).status).toBe(0);
      }
    }
  });

  test("a write of more than fits returns what it has done when a signal comes", () => {
    const k = vfsKernel();
    const a = childTask(k);
    const sys = k.sys(a);
    const [r, w] = sys.pipe();
    sys.rt_sigaction(SIGUSR1, { handler: 4096, flags: 0, mask: [] } as never);
    const p = k.call(a).write(w, new Uint8Array(100_000));
    k.run("1ms");
    expect(p.done).toBe(false);
    k.sys(k.init).kill(a.nr, SIGUSR1);
    k.run("1ms");
    expect(p.value).toBe(65536);
    // nothing done yet: interrupted
    const q = k.call(a).write(w, "x");
    k.run("1ms");
    k.sys(k.init).kill(a.nr, SIGUSR1);
    k.run("1ms");
    expect((q.error as KernelError).code).toBe("EINTR");
    expect(sys.read(r, 100_000).length).toBe(65536);
    expect(a.frame).toBe(null);
  });

  test("a sleeping reader keeps its description although another thread closes the number", () => {
    const k = vfsKernel();
    const a = childTask(k);
    const sys = k.sys(a);
    const [r, w] = sys.pipe();
    const pid = sys.clone(0x400 | 17); // CLONE_FILES
    const b = k.tasks.find(pid);
    if (b === null) throw new Error("no child");
    const p = k.call(a).read(r, 10);
    k.run("1ms");
    k.sys(b).close(r);
    k.sys(b).write(w, "still");
    k.run("1ms");
    expect(new TextDecoder().decode(p.value)).toBe("still");
    k.sys(b).rt_sigaction(13, { handler: 1, flags: 0, mask: [] } as never);
    k.sys(b).rt_sigaction(13, { handler: 1, flags: 0, mask: [] } as never);
    expect(errnoOf(() => k.sys(b).write(w, "x"))).toBe("EPIPE");
  });
});

describe("FIFOs", () => {
  test("opening one end sleeps until the other is opened; a signal gives everything back", () => {
    const k = vfsKernel();
    const a = childTask(k);
    const b = childTask(k);
    const sys = k.sys(a);
    sys.mknod("/mnt/p", S_IFIFO | 0o644);
    sys.rt_sigaction(SIGUSR1, { handler: 4096, flags: 0, mask: [] } as never);
    const before = k.vfs.nrFiles;
    const p = k.call(a).open("/mnt/p", O_WRONLY);
    k.run("1ms");
    expect(p.done).toBe(false);
    // the number is taken while the open sleeps
    expect(k.vfs.nrFiles).toBe(before + 1);
    k.sys(k.init).kill(a.nr, SIGUSR1);
    k.run("1ms");
    expect((p.error as KernelError).code).toBe("EINTR");
    expect(k.vfs.nrFiles).toBe(before);
    expect(errnoOf(() => k.sys(b).open("/mnt/p", O_WRONLY | O_NONBLOCK))).toBe("ENXIO");
    const q = k.call(a).open("/mnt/p", O_RDONLY);
    k.run("1ms");
    const w = k.sys(b).open("/mnt/p", O_WRONLY);
    k.run("1ms");
    expect(q.value).toBe(0);
    k.sys(b).write(w, "hi");
    expect(new TextDecoder().decode(sys.read(0, 10))).toBe("hi");
    sys.unlink("/mnt/p");
    k.sys(b).write(w, "yo");
    expect(sys.read(0, 10).length).toBe(2);
  });

  test("a file is opened with the mode it was made with once; a FIFO reports no hang-up before it had a writer", () => {
    const k = vfsKernel();
    const sys = k.sys(k.init);
    sys.mknod("/mnt/p", S_IFIFO | 0o644);
    const r = sys.open("/mnt/p", O_RDONLY | O_NONBLOCK);
    const file = k.vfs.fget(k.init, r);
    const poll = (): number => (file.ops.poll as NonNullable<typeof file.ops.poll>)(k.init.ctx, file, null);
    expect(poll()).toBe(0);
    const w = sys.open("/mnt/p", O_WRONLY);
    sys.close(w);
    expect(poll()).toBe(0x10); // POLLHUP
    expect(errnoOf(() => sys.open("/mnt/p", 3))).toBe("EINVAL");
    expect(errnoOf(() => sys.lseek(r, 0, 0))).toBe("ESPIPE");
    const rw = sys.open("/mnt/p", O_RDWR | O_CREAT, 0o600);
    expect(sys.write(rw, "self")).toBe(4);
    expect(sys.read(rw, 9).length).toBe(4);
  });

  test("an unprivileged user's pipe does not grow above fs.pipe-max-size", () => {
    const k = vfsKernel();
    const sys = k.sys(userTask(k, 1000));
    const [, w] = sys.pipe();
    expect(sys.fcntl(w, F_SETPIPE_SZ, 1048576)).toBe(1048576);
    expect(errnoOf(() => sys.fcntl(w, F_SETPIPE_SZ, 1048577))).toBe("EPERM");
    expect(sys.fcntl(w, F_SETPIPE_SZ, 4096)).toBe(4096);
  });

  test("a user above fs.pipe-user-pages-soft gets pipes of two pages, above -hard none", () => {
    const k = vfsKernel();
    const sys = k.sys(userTask(k, 1000));
    k.vfs.sysctl.pipeUserPagesSoft = 40;
    const pipes = [0, 1, 2, 3, 4].map(() => sys.pipe());
    expect(pipes.map(([r]) => sys.fcntl(r, F_GETPIPE_SZ) / PAGE)).toEqual([16, 16, 2, 2, 2]);
    expect(errnoOf(() => sys.fcntl(pipes[4][1], F_SETPIPE_SZ, 65536))).toBe("EPERM");
    sys.fcntl(pipes[0][1], F_SETPIPE_SZ, 4096);
    expect(sys.fcntl(pipes[4][1], F_SETPIPE_SZ, 16384)).toBe(16384);
    for (const p of pipes) for (const fd of p) sys.close(fd);
    expect(k.vfs.pipePages.size).toBe(0);
    k.vfs.sysctl.pipeUserPagesSoft = 0;
    k.vfs.sysctl.pipeUserPagesHard = 40;
    sys.pipe();
    sys.pipe();
    expect(errnoOf(() => sys.pipe())).toBe("ENFILE");
    k.sys(k.init).mknod("/mnt/p", S_IFIFO | 0o666);
    k.sys(k.init).chmod("/mnt/p", 0o666);
    expect(errnoOf(() => sys.open("/mnt/p", O_RDWR))).toBe("ENOMEM");
    expect(k.sys(k.init).pipe()).toEqual([0, 1]);
  });
});
