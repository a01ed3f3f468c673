import { describe, expect, it } from "vitest";
import {
  PR_GET_CHILD_SUBREAPER,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_TIMERSLACK,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_TIMERSLACK,
} from "../abi/prctl.js";
import { RLIM_INFINITY, RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NOFILE } from "../abi/resource.js";
import { createMachine } from "../kernel/createKernel.js";
import { rlimit } from "./rlimits.js";
import type { Task } from "./task.js";

function machine() {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const fork = (): Task => kernel.tasks.find(kernel.sys(a).fork()) as Task;
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), fork };
}

describe("prctl", () => {
  it("cuts the name at 15 bytes, whole characters, and at a NUL", () => {
    const { k, a, sys } = machine();
    const told: string[] = [];
    k.hooks.commChange.tap(900, "test", (_t, name) => void told.push(name));
    sys.prctl(PR_SET_NAME, "a) (b c\\d-longer-than");
    expect(sys.prctl(PR_GET_NAME)).toBe("a) (b c\\d-longe");
    sys.prctl(PR_SET_NAME, "ab\0cd");
    expect(a.comm).toBe("ab");
    sys.prctl(PR_SET_NAME, "ééééééééé");
    expect(a.comm).toBe("ééééééé");
    expect(told).toEqual(["a) (b c\\d-longe", "ab", "ééééééé"]);
  });

  it("is EINVAL for an unknown option; no_new_privs cannot be taken back and wants zeros behind it", () => {
    const { kernel, sys, fork } = machine();
    expect(() => sys.prctl(9999)).toThrow("EINVAL");
    expect(() => sys.prctl(PR_SET_NO_NEW_PRIVS, 0)).toThrow("EINVAL");
    expect(() => sys.prctl(PR_SET_NO_NEW_PRIVS, 1, 1)).toThrow("EINVAL");
    sys.prctl(PR_SET_NO_NEW_PRIVS, 1);
    expect(sys.prctl(PR_GET_NO_NEW_PRIVS)).toBe(1);
    expect(() => sys.prctl(PR_GET_NO_NEW_PRIVS, 1)).toThrow("EINVAL");
    expect(kernel.sys(fork()).prctl(PR_GET_NO_NEW_PRIVS)).toBe(1);
  });

  it("PDEATHSIG takes a signal or 0, SUBREAPER any number as 1", () => {
    const { sys } = machine();
    expect(() => sys.prctl(PR_SET_PDEATHSIG, 65)).toThrow("EINVAL");
    expect(() => sys.prctl(PR_SET_PDEATHSIG, -1)).toThrow("EINVAL");
    sys.prctl(PR_SET_PDEATHSIG, 64);
    expect(sys.prctl(PR_GET_PDEATHSIG)).toBe(64);
    sys.prctl(PR_SET_CHILD_SUBREAPER, 7);
    expect(sys.prctl(PR_GET_CHILD_SUBREAPER)).toBe(1);
  });

  it("TIMERSLACK 0 goes back to the value inherited at fork", () => {
    const { kernel, sys, fork } = machine();
    expect(sys.prctl(PR_GET_TIMERSLACK)).toBe(50_000);
    sys.prctl(PR_SET_TIMERSLACK, 7);
    const c = kernel.sys(fork());
    c.prctl(PR_SET_TIMERSLACK, 9);
    expect(c.prctl(PR_GET_TIMERSLACK)).toBe(9);
    c.prctl(PR_SET_TIMERSLACK, 0);
    expect(c.prctl(PR_GET_TIMERSLACK)).toBe(7);
  });
});

describe("resource limits", () => {
  it("start as Linux boots: 1024 files (4096 hard), 8 MiB of stack, no core", () => {
    const { a, sys } = machine();
    expect(sys.getrlimit(RLIMIT_NOFILE)).toEqual({ cur: 1024, max: 4096 });
    expect(sys.getrlimit(3)).toEqual({ cur: 8388608, max: RLIM_INFINITY });
    expect(rlimit(a, RLIMIT_CORE)).toBe(0);
    expect(rlimit(a, RLIMIT_FSIZE)).toBe(Number.POSITIVE_INFINITY);
  });

  it("soft is at most hard, hard rises only with CAP_SYS_RESOURCE, files stay below fs.nr_open", () => {
    const { kernel, sys, fork } = machine();
    expect(() => sys.prlimit64(0, 16)).toThrow("EINVAL");
    expect(() => sys.setrlimit(RLIMIT_CORE, { cur: 5, max: 4 })).toThrow("EINVAL");
    expect(() => sys.setrlimit(RLIMIT_NOFILE, { cur: 1, max: 1048577 })).toThrow("EPERM");
    const u = kernel.sys(fork());
    u.setresuid(5, 5, 5);
    expect(u.prlimit64(0, RLIMIT_FSIZE, { cur: 100, max: 1000 })).toEqual({ cur: RLIM_INFINITY, max: RLIM_INFINITY });
    expect(u.getrlimit(RLIMIT_FSIZE)).toEqual({ cur: 100, max: 1000 });
    expect(() => u.setrlimit(RLIMIT_FSIZE, { cur: 1000, max: 1001 })).toThrow("EPERM");
    u.setrlimit(RLIMIT_FSIZE, { cur: 1000, max: 1000 });
  });

  it("of another process want the same ids or CAP_SYS_RESOURCE", () => {
    const { kernel, sys, fork } = machine();
    const [u, v] = [fork(), fork()];
    kernel.sys(u).setresuid(5, 5, 5);
    kernel.sys(v).setresuid(6, 6, 6);
    expect(() => kernel.sys(u).prlimit64(v.nr, RLIMIT_CORE)).toThrow("EPERM");
    expect(() => kernel.sys(u).prlimit64(9999, RLIMIT_CORE)).toThrow("ESRCH");
    sys.prlimit64(v.nr, RLIMIT_CORE, { cur: 1, max: 2 });
    expect(rlimit(v, RLIMIT_CORE)).toBe(1);
    expect(rlimit(u, RLIMIT_CORE)).toBe(0);
  });

  it("are exact up to 2^64-1", () => {
    const { sys } = machine();
    expect(() => sys.setrlimit(RLIMIT_FSIZE, { cur: 2n ** 63n - 1n, max: 2 ** 62 })).toThrow("EINVAL");
    sys.setrlimit(RLIMIT_FSIZE, { cur: 2 ** 62, max: 2n ** 63n - 1n });
    expect(sys.getrlimit(RLIMIT_FSIZE)).toEqual({ cur: 2 ** 62, max: 2n ** 63n - 1n });
    sys.setrlimit(RLIMIT_FSIZE, { cur: -1, max: RLIM_INFINITY });
    expect(sys.getrlimit(RLIMIT_FSIZE)).toEqual({ cur: RLIM_INFINITY, max: RLIM_INFINITY });
  });
});
