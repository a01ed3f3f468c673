import {
  CLONE_NEWIPC,
  CLONE_SYSVSEM,
  createKernel,
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  IPC_CREAT,
  IPC_EXCL,
  IPC_NOWAIT,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_STAT,
  SEM_STAT,
  SEM_UNDO,
  SETALL,
  SETVAL,
  SIGUSR1,
  type Task,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namespaces } from "../index.js";
import { code, rig } from "../testing/rig.js";
import type { Sembuf } from "./semArray.js";

const op = (sem_num: number, sem_op: number, sem_flg = 0): Sembuf => ({ sem_num, sem_op, sem_flg });

describe("an array of semaphores", () => {
  it("is found by its key, has the size it was made with, and its limits are checked in Linux's order", () => {
    const { kernel, sys } = rig();
    const s = sys(kernel.init);
    expect(code(() => s.semget(7, -1, IPC_CREAT))).toBe("EINVAL");
    expect(code(() => s.semget(7, 32001, IPC_CREAT))).toBe("EINVAL");
    expect(code(() => s.semget(7, 1, 0))).toBe("ENOENT");
    expect(code(() => s.semget(7, 0, IPC_CREAT | 0o600))).toBe("EINVAL");
    const id = s.semget(7, 3, IPC_CREAT | 0o600);
    expect(s.semget(7, 0, 0)).toBe(id);
    expect(code(() => s.semget(7, 4, 0))).toBe("EINVAL");
    expect(code(() => s.semget(7, 3, IPC_CREAT | IPC_EXCL))).toBe("EEXIST");
    s.writeFile("/proc/sys/kernel/sem", "32000 5 500 32000");
    expect(code(() => s.semget(IPC_PRIVATE, 3, 0o600))).toBe("ENOSPC");
    expect(s.semctl(id, 0, IPC_STAT)).toMatchObject({ nsems: 3, mode: 0o600, key: 7, otime: 0 });
    expect(s.semctl(0, 0, SEM_STAT)).toMatchObject({ id });
    expect(s.readText("/proc/sysvipc/sem").split("\n")[1]).toMatch(
      /^ {9}7 {10}0 {3}600 {10}3 {5}0 {5}0 {5}0 {5}0 {10}0 \d+$/,
    );
  });

  it("refuses what cannot be: too many operations, a semaphore that is not there, a value above 32767", () => {
    const { kernel, sys } = rig();
    const s = sys(kernel.init);
    const id = s.semget(IPC_PRIVATE, 2, 0o600);
    expect(code(() => s.semop(id, []))).toBe("EINVAL");
    expect(code(() => s.semop(id, new Array(501).fill(op(0, 1))))).toBe("E2BIG");
    expect(code(() => s.semop(id, null))).toBe("EFAULT");
    expect(code(() => s.semop(id + 1, [op(0, 1)]))).toBe("EINVAL");
    expect(code(() => s.semop(id, [op(2, 1)]))).toBe("EFBIG");
    expect(code(() => s.semctl(id, 0, SETVAL, 32768))).toBe("ERANGE");
    expect(code(() => s.semctl(id, 9, SETVAL, 1))).toBe("EINVAL");
    s.semctl(id, 0, SETVAL, 32767);
    expect(code(() => s.semop(id, [op(1, 1), op(0, 1)]))).toBe("ERANGE");
    expect(s.semctl(id, 0, GETALL)).toEqual([32767, 0]);
    expect(code(() => s.semop(id, [op(1, -1, IPC_NOWAIT)]))).toBe("EAGAIN");
    expect(code(() => s.semtimedop(id, [op(1, -1)], { sec: 0, nsec: 1e9 }))).toBe("EINVAL");
    expect(code(() => s.semctl(id, 0, SETALL, [1, 40000]))).toBe("ERANGE");
  });

  it("is permission by class, and control by owner", () => {
    const { kernel, sys, child } = rig();
    const id = sys(kernel.init).semget(5, 1, IPC_CREAT | 0o604);
    const u = child();
    sys(u).setresgid(1000, 1000, 1000);
    sys(u).setresuid(1000, 1000, 1000);
    expect(sys(u).semctl(id, 0, GETVAL)).toBe(0);
    expect(sys(u).semop(id, [op(0, 0)])).toBe(0);
    expect(code(() => sys(u).semop(id, [op(0, 1)]))).toBe("EACCES");
    expect(code(() => sys(u).semctl(id, 0, IPC_RMID))).toBe("EPERM");
    expect(sys(kernel.init).semctl(id, 0, GETPID)).toBe(u.nr);
  });
});

describe("waiting for semaphores", () => {
  /** A kernel, an array of `n`, and what a task's call has come to. */
  function waiting(n: number) {
    const r = rig();
    const id = r.sys(r.kernel.init).semget(IPC_PRIVATE, n, 0o666);
    const start = (sops: Sembuf[], t: Task = r.child()) => {
      const p = r.call(t).semop(id, sops);
      r.kernel.run("1ms");
      return { t, p };
    };
    return { ...r, id, start };
  }

  it("takes all operations at once or none of them", () => {
    const { kernel, sys, id, start } = waiting(2);
    const a = start([op(0, -1), op(1, -1)]);
    sys(kernel.init).semop(id, [op(0, 1)]);
    kernel.run("1ms");
    expect([a.p.done, sys(kernel.init).semctl(id, 0, GETALL)]).toEqual([false, [1, 0]]);
    expect([sys(kernel.init).semctl(id, 1, GETNCNT), sys(kernel.init).semctl(id, 0, GETNCNT)]).toEqual([1, 0]);
    sys(kernel.init).semop(id, [op(1, 1)]);
    kernel.run("1ms");
    expect([a.p.value, sys(kernel.init).semctl(id, 0, GETALL)]).toEqual([0, [0, 0]]);
  });

  it("serves those who wait in order of arrival, before anybody who comes later", () => {
    const { kernel, sys, id, start } = waiting(1);
    const waiters = [start([op(0, -2)]), start([op(0, -1)]), start([op(0, -1)])];
    sys(kernel.init).semop(id, [op(0, 1)]);
    // it went to the second at once: nobody else can have it
    expect(code(() => sys(kernel.init).semop(id, [op(0, -1, IPC_NOWAIT)]))).toBe("EAGAIN");
    kernel.run("1ms");
    expect(waiters.map((w) => w.p.done)).toEqual([false, true, false]);
    sys(kernel.init).semop(id, [op(0, 2)]);
    kernel.run("1ms");
    expect(waiters.map((w) => w.p.done)).toEqual([true, true, false]);
  });

  it("lets those who wait for zero go before those who change it", () => {
    const { kernel, sys, id, start } = waiting(1);
    sys(kernel.init).semop(id, [op(0, 1)]);
    const zero = start([op(0, 0)]);
    expect(sys(kernel.init).semctl(id, 0, GETZCNT)).toBe(1);
    sys(kernel.init).semop(id, [op(0, -1)]);
    kernel.run("1ms");
    expect(zero.p.value).toBe(0);
  });

  it("ends by EAGAIN after its time, by EINTR at a signal, by EIDRM when the array goes", () => {
    const { kernel, sys, call, child, id, start } = waiting(1);
    const timed = call(child()).semtimedop(id, [op(0, -1)], { sec: 2, nsec: 0 });
    kernel.run("1999ms");
    expect(timed.done).toBe(false);
    kernel.run("2ms");
    expect((timed.error as { code?: string } | null)?.code).toBe("EAGAIN");
    const interrupted = start([op(0, -1)]);
    sys(kernel.init).kill(interrupted.t.nr, SIGUSR1);
    kernel.run("1ms");
    expect(sys(kernel.init).semctl(id, 0, GETNCNT)).toBe(0);
    const last = start([op(0, -1)]);
    sys(kernel.init).semctl(id, 0, IPC_RMID);
    kernel.run("1ms");
    expect((last.p.error as { code?: string } | null)?.code).toBe("EIDRM");
  });

  it("goes on in a kernel restored from a checkpoint", () => {
    const { kernel, id, start } = waiting(1);
    const { t } = start([op(0, -1, SEM_UNDO)]);
    const saved = JSON.parse(JSON.stringify(kernel.checkpoint()));
    const other = createKernel({ machine: { memory: "128M", cpus: 2 } })
      .use(namespaces())
      .restore(saved);
    other.sys(other.init).semop(id, [op(0, 1)]);
    other.run("1ms");
    expect(other.sys(other.init).semctl(id, 0, GETVAL)).toBe(0);
    other.sys(other.tasks.find(t.nr) as Task).exit(0);
    other.run("1ms");
    expect(other.sys(other.init).semctl(id, 0, GETVAL)).toBe(1);
  });
});

describe("SEM_UNDO", () => {
  it("is taken back at exit, clamped to what a semaphore can be, and wakes who waits", () => {
    const { kernel, sys, call, child } = rig();
    const id = sys(kernel.init).semget(IPC_PRIVATE, 2, 0o600);
    sys(kernel.init).semctl(id, 0, SETALL, [5, 0]);
    const t = child();
    sys(t).semop(id, [op(0, -5, SEM_UNDO), op(1, 7, SEM_UNDO)]);
    const waiter = child();
    const p = call(waiter).semop(id, [op(0, -5)]);
    sys(kernel.init).semctl(id, 1, SETVAL, 3);
    sys(t).exit(0);
    kernel.run("1ms");
    expect(p.value).toBe(0);
    // SETVAL has made the process forget its adjustment
    expect(sys(kernel.init).semctl(id, 0, GETALL)).toEqual([0, 3]);
  });

  it("is shared with CLONE_SYSVSEM and not by fork, and given up by leaving the namespace", () => {
    const { kernel, sys, child } = rig();
    const id = sys(kernel.init).semget(IPC_PRIVATE, 1, 0o600);
    const val = (): unknown => sys(kernel.init).semctl(id, 0, GETVAL);
    const a = child();
    sys(a).semop(id, [op(0, 1, SEM_UNDO)]);
    const b = kernel.tasks.find(sys(a).clone(CLONE_SYSVSEM)) as Task;
    const c = child(a);
    sys(c).exit(0);
    kernel.run("1ms");
    expect(val()).toBe(1);
    sys(a).exit(0);
    kernel.run("1ms");
    expect(val()).toBe(1);
    sys(b).exit(0);
    kernel.run("1ms");
    expect(val()).toBe(0);
    const d = child();
    sys(d).semop(id, [op(0, 4, SEM_UNDO)]);
    sys(d).unshare(CLONE_NEWIPC);
    expect(val()).toBe(0);
  });

  it("leaves every value as it was, whatever processes did with it", () => {
    const step = fc.record({ who: fc.nat(3), num: fc.nat(2), by: fc.integer({ min: -3, max: 3 }), exit: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { kernel, sys, child } = rig();
        const id = sys(kernel.init).semget(IPC_PRIVATE, 3, 0o600);
        sys(kernel.init).semctl(id, 0, SETALL, [100, 100, 100]);
        const tasks = [0, 1, 2, 3].map(() => child());
        for (const { who, num, by, exit } of steps) {
          code(() => sys(tasks[who]).semop(id, [op(num, by, SEM_UNDO | IPC_NOWAIT)]));
          if (exit === 0) {
            sys(tasks[who]).exit(0);
            kernel.run("1ms");
            tasks[who] = child();
          }
        }
        for (const t of tasks) sys(t).exit(0);
        kernel.run("1ms");
        expect(sys(kernel.init).semctl(id, 0, GETALL)).toEqual([100, 100, 100]);
      }),
      { numRuns: 30 },
    );
  });
});
