import { describe, expect, it } from "vitest";
import {
  CAP_CHOWN,
  CAP_KILL,
  CAP_LAST_CAP,
  CAP_NET_BIND_SERVICE,
  CAP_SETFCAP,
  CAP_SETPCAP,
  CAP_SYS_ADMIN,
} from "../abi/capability.js";
import {
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_IS_SET,
  PR_CAP_AMBIENT_LOWER,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_GET_DUMPABLE,
  PR_GET_KEEPCAPS,
  PR_GET_PDEATHSIG,
  PR_GET_SECUREBITS,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_PDEATHSIG,
  PR_SET_SECUREBITS,
  SECBIT_NO_SETUID_FIXUP,
  SECBIT_NOROOT,
  SECBIT_NOROOT_LOCKED,
} from "../abi/prctl.js";
import { createMachine } from "../kernel/createKernel.js";
import { capable, capableWrtInodeUidgid } from "./capable.js";
import { PTRACE_MODE_READ_FSCREDS, PTRACE_MODE_READ_REALCREDS, ptraceMayAccess } from "./ptraceAccess.js";
import type { Task } from "./task.js";

function machine() {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const fork = (t: Task = a): Task => kernel.tasks.find(kernel.sys(t).fork()) as Task;
  const task = () => {
    const t = fork();
    return { t, s: kernel.sys(t) };
  };
  const user = (uid: number, caps: number[] = []) => {
    const { t, s } = task();
    if (caps.length > 0) s.prctl(PR_SET_KEEPCAPS, 1);
    s.setresgid(uid, uid, uid);
    s.setresuid(uid, uid, uid);
    if (caps.length > 0) s.capset({ effective: caps, permitted: caps });
    s.prctl(PR_SET_DUMPABLE, 1);
    return { t, s };
  };
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), task, user };
}
const all = Array.from({ length: CAP_LAST_CAP + 1 }, (_, i) => i);

describe("user ids", () => {
  it("take all capabilities along when no id stays 0, and give effective ones back with euid 0", () => {
    const { task } = machine();
    const { t, s } = task();
    s.setresuid(-1, 1000, -1);
    expect(t.cred.effective.empty).toBe(true);
    expect(s.capget().permitted).toEqual(all);
    s.setresuid(-1, 0, -1);
    expect(s.capget().effective).toEqual(all);
    s.setresuid(1000, 1000, 1000);
    expect(s.capget()).toEqual({ effective: [], permitted: [], inheritable: [] });
    expect(() => s.setresuid(0, 0, 0)).toThrow("EPERM");
    expect(s.setresuid(-1, -1, -1)).toBe(0);
  });

  it("keep permitted capabilities with PR_SET_KEEPCAPS, and everything with SECBIT_NO_SETUID_FIXUP", () => {
    const { task } = machine();
    const keep = task().s;
    keep.prctl(PR_SET_KEEPCAPS, 1);
    keep.setresuid(1000, 1000, 1000);
    expect(keep.capget()).toEqual({ effective: [], permitted: all, inheritable: [] });
    const none = task().s;
    none.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
    none.setresuid(1000, 1000, 1000);
    expect(none.capget().effective).toEqual(all);
  });

  it("may be swapped among real, effective and saved by anybody", () => {
    const { task } = machine();
    const { s } = task();
    s.setresuid(10, 20, 30);
    expect(s.setuid(30)).toBe(0);
    expect(s.getresuid()).toEqual({ ruid: 10, euid: 30, suid: 30 });
    expect(() => s.setreuid(20, 10)).toThrow("EPERM");
    s.setreuid(30, 10);
    expect(s.getresuid()).toEqual({ ruid: 30, euid: 10, suid: 10 });
    expect(() => s.setuid(20)).toThrow("EPERM");
    expect(() => s.setuid(-1)).toThrow("EINVAL");
  });

  it("of root's setuid are all three", () => {
    const { task } = machine();
    const { s } = task();
    s.setuid(77);
    expect(s.getresuid()).toEqual({ ruid: 77, euid: 77, suid: 77 });
    const g = task().s;
    g.setgid(78);
    expect(g.getresgid()).toEqual({ rgid: 78, egid: 78, sgid: 78 });
  });

  it("setfsuid answers the old one and moves the file capabilities", () => {
    const { task, user } = machine();
    const { t, s } = task();
    expect(s.setfsuid(1000)).toBe(0);
    expect(s.setfsuid(-1)).toBe(1000);
    expect(t.cred.effective.has(CAP_CHOWN)).toBe(false);
    expect(t.cred.effective.has(CAP_KILL)).toBe(true);
    s.setfsuid(0);
    expect(t.cred.effective.has(CAP_CHOWN)).toBe(true);
    const u = user(5).s;
    expect(u.setfsuid(0)).toBe(5);
    expect(u.setfsuid(5)).toBe(5);
    expect(u.setfsgid(9)).toBe(5);
  });

  it("that change make the process not dumpable and forget its parent-death signal", () => {
    const { task } = machine();
    const { s } = task();
    s.prctl(PR_SET_PDEATHSIG, 10);
    s.setresuid(-1, -1, 5);
    expect([s.prctl(PR_GET_DUMPABLE), s.prctl(PR_GET_PDEATHSIG)]).toEqual([1, 10]);
    s.setresuid(-1, 5, -1);
    expect([s.prctl(PR_GET_DUMPABLE), s.prctl(PR_GET_PDEATHSIG)]).toEqual([0, 0]);
    expect(() => s.prctl(PR_SET_DUMPABLE, 2)).toThrow("EINVAL");
  });
});

describe("groups", () => {
  it("are sorted, and set only with CAP_SETGID", () => {
    const { task, user } = machine();
    const { t, s } = task();
    s.setgroups([9, 3, 9]);
    expect(s.getgroups()).toEqual([3, 9, 9]);
    expect(t.cred.inGroup(9)).toBe(true);
    expect(t.cred.inGroup(4)).toBe(false);
    expect(() => user(1).s.setgroups([1])).toThrow("EPERM");
    expect(() => s.setgroups(new Array(65537).fill(1))).toThrow("EINVAL");
    s.setregid(5, 6);
    expect(s.getresgid()).toEqual({ rgid: 5, egid: 6, sgid: 6 });
  });
});

describe("capset", () => {
  it("lowers permitted, keeps effective within it, raises inheritable within permitted", () => {
    const { user } = machine();
    const { s } = user(1000, [CAP_KILL]);
    expect(() => s.capset({ effective: [CAP_KILL], permitted: [] })).toThrow("EPERM");
    expect(() => s.capset({ permitted: [CAP_KILL, CAP_CHOWN] })).toThrow("EPERM");
    expect(() => s.capset({ permitted: [CAP_KILL], inheritable: [CAP_CHOWN] })).toThrow("EPERM");
    s.capset({ permitted: [CAP_KILL, 99], inheritable: [CAP_KILL] });
    expect(s.capget()).toEqual({ effective: [], permitted: [CAP_KILL], inheritable: [CAP_KILL] });
    s.capset({});
    expect(() => s.capset({ permitted: [CAP_KILL] })).toThrow("EPERM");
    expect(() => s.capset({}, 1)).toThrow("EPERM");
    expect(() => s.capget(-1)).toThrow("EINVAL");
    expect(() => s.capget(9999)).toThrow("ESRCH");
    expect(s.capget(1).effective).toEqual(all);
  });

  it("raises inheritable up to the bounding set with CAP_SETPCAP", () => {
    const { user } = machine();
    const { s } = user(1000, [CAP_SETPCAP]);
    s.capset({ effective: [CAP_SETPCAP], permitted: [CAP_SETPCAP], inheritable: [CAP_CHOWN] });
    s.prctl(PR_CAPBSET_DROP, CAP_KILL);
    expect(() => s.capset({ effective: [CAP_SETPCAP], permitted: [CAP_SETPCAP], inheritable: [CAP_KILL] })).toThrow(
      "EPERM",
    );
  });
});

describe("ambient capabilities", () => {
  it("need permitted and inheritable, and go with either", () => {
    const { user } = machine();
    const { s } = user(1000, [CAP_NET_BIND_SERVICE]);
    const ambient = (op: number, cap = CAP_NET_BIND_SERVICE) => s.prctl(PR_CAP_AMBIENT, op, cap, 0, 0);
    expect(() => ambient(PR_CAP_AMBIENT_RAISE)).toThrow("EPERM");
    const caps = [CAP_NET_BIND_SERVICE];
    s.capset({ effective: caps, permitted: caps, inheritable: caps });
    ambient(PR_CAP_AMBIENT_RAISE);
    expect(ambient(PR_CAP_AMBIENT_IS_SET)).toBe(1);
    s.capset({ permitted: caps });
    expect(ambient(PR_CAP_AMBIENT_IS_SET)).toBe(0);
    s.capset({ permitted: caps, inheritable: caps });
    ambient(PR_CAP_AMBIENT_RAISE);
    ambient(PR_CAP_AMBIENT_LOWER);
    expect(ambient(PR_CAP_AMBIENT_IS_SET)).toBe(0);
    expect(ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0)).toBe(0);
    expect(() => ambient(PR_CAP_AMBIENT_IS_SET, 41)).toThrow("EINVAL");
    expect(() => ambient(9)).toThrow("EINVAL");
    expect(() => s.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 1, 0)).toThrow("EINVAL");
  });
});

describe("the bounding set and securebits", () => {
  it("may only be made smaller, with CAP_SETPCAP", () => {
    const { task, user } = machine();
    const { s } = task();
    expect(s.prctl(PR_CAPBSET_READ, CAP_LAST_CAP)).toBe(1);
    expect(() => s.prctl(PR_CAPBSET_READ, 41)).toThrow("EINVAL");
    expect(() => s.prctl(PR_CAPBSET_READ, -1)).toThrow("EINVAL");
    s.prctl(PR_CAPBSET_DROP, CAP_SETFCAP);
    expect(s.prctl(PR_CAPBSET_READ, CAP_SETFCAP)).toBe(0);
    expect(() => user(1).s.prctl(PR_CAPBSET_DROP, 5)).toThrow("EPERM");
  });

  it("securebits need CAP_SETPCAP, locks stay and hold", () => {
    const { task, user } = machine();
    const { s } = task();
    s.prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
    expect(s.prctl(PR_GET_SECUREBITS)).toBe(3);
    for (const bits of [0, SECBIT_NOROOT, SECBIT_NOROOT_LOCKED, 0x1003])
      expect(() => s.prctl(PR_SET_SECUREBITS, bits)).toThrow("EPERM");
    expect(() => user(1).s.prctl(PR_SET_SECUREBITS, 0)).toThrow("EPERM");
    expect(() => s.prctl(PR_SET_KEEPCAPS, 2)).toThrow("EINVAL");
    expect(s.prctl(PR_GET_KEEPCAPS)).toBe(0);
  });
});

describe("checks", () => {
  it("capable looks at the effective set; a package may refuse more", () => {
    const { k, a, user } = machine();
    expect(capable(k, a, CAP_SYS_ADMIN)).toBe(true);
    const { t } = user(1000, [CAP_KILL]);
    expect([capable(k, t, CAP_KILL), capable(k, t, CAP_CHOWN)]).toEqual([true, false]);
    expect(capableWrtInodeUidgid(k, a, 5, 5, CAP_CHOWN)).toBe(true);
    k.hooks.capable.tap(800, "test", (_t, { cap }) => (cap === CAP_KILL ? 1 : 0));
    expect(capable(k, t, CAP_KILL)).toBe(false);
  });

  it("ptrace access wants the same ids, a dumpable target, and no capabilities that the caller lacks", () => {
    const { k, a, user } = machine();
    const u = user(1000);
    const same = user(1000);
    const other = user(1001);
    const strong = user(1000, [CAP_KILL]);
    const may = (t: Task, target: Task, mode = PTRACE_MODE_READ_FSCREDS) => ptraceMayAccess(k, t, target, mode);
    expect([may(u.t, u.t), may(u.t, same.t), may(u.t, other.t), may(u.t, strong.t), may(strong.t, u.t)]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(may(a, other.t)).toBe(true);
    same.s.prctl(PR_SET_DUMPABLE, 0);
    expect(may(u.t, same.t)).toBe(false);
    expect(may(a, same.t)).toBe(true);
    strong.s.capset({ permitted: [CAP_KILL] });
    const peer = user(1000, [CAP_KILL]);
    expect([may(strong.t, peer.t), may(strong.t, peer.t, PTRACE_MODE_READ_REALCREDS)]).toEqual([false, true]);
  });
});
