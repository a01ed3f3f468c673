import { describe, expect, it } from "vitest";
import { ENOSPC } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  CLONE_FS,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
} from "../abi/sched.js";
import { createMachine } from "../kernel/createKernel.js";
import type { Feature } from "../kernel/feature.js";
import { makeIdMap } from "../testing/idMap.js";
import type { Namespace } from "./namespace.js";
import { PidNamespace } from "./pid.js";
import type { Task } from "./task.js";
import { UserNamespace } from "./userNamespace.js";
import { UtsNamespace } from "./utsNamespace.js";

/** The least that makes uts, pid, user and a toy "net" namespaces: a stand-in for the package that brings them. */
function toyNamespaces(refuseNet = false): Feature<"toyNs", { live: Set<Namespace> }> {
  return {
    name: "toyNs",
    install(k) {
      const live = new Set<Namespace>();
      let ino = 1000;
      const { tasks } = k;
      const made = <T extends Namespace>(n: T): T => {
        live.add(n);
        return n;
      };
      const put = (n: Namespace): void => void live.delete(n);
      tasks.utsType.copy = (old, of) => {
        const n = new UtsNamespace(tasks.utsType, ino++, of.userNs, old as UtsNamespace);
        return made(n);
      };
      tasks.utsType.put = put;
      tasks.utsType.install = (set, ns) => {
        set.ns[tasks.utsType.index] = ns;
      };
      tasks.pidType.copy = (old, of) =>
        made(
          new PidNamespace(
            tasks.pidType,
            ino++,
            (old as PidNamespace).level + 1,
            old as PidNamespace,
            of.userNs,
            4194304,
          ),
        );
      tasks.pidType.put = put;
      tasks.userType.copy = (old, of) => {
        const parent = old as UserNamespace;
        const n = new UserNamespace(
          tasks.userType,
          ino++,
          parent.level + 1,
          parent,
          of.task.cred.euid,
          of.task.cred.egid,
        );
        n.uidMap = makeIdMap([]);
        n.gidMap = makeIdMap([]);
        return made(n);
      };
      tasks.userType.put = put;
      const net = { name: "net", flag: CLONE_NEWNET, procNames: ["net"], index: -1, order: 5 };
      tasks.registerNsType(
        {
          ...net,
          copy: (old, of) => {
            if (refuseNet) fail(ENOSPC);
            return made({ type: old.type, ino: ino++, userNs: of.userNs, refs: 1 });
          },
          put,
        },
        { type: net, ino: 1, userNs: tasks.initUserNs, refs: 1 },
      );
      return { api: { live } };
    },
  };
}

function machine(refuseNet = false) {
  const kernel = createMachine().use(toyNamespaces(refuseNet)).boot();
  const a = kernel.tasks.forkDriven();
  const fork = (t: Task = a): Task => {
    kernel.sys(t).fork();
    return kernel.tasks.all().at(-1) as Task;
  };
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), fork };
}

describe("unshare", () => {
  it("without a package that brings namespaces is EINVAL, after the permission", () => {
    const kernel = createMachine().boot();
    const s = kernel.sys(kernel.tasks.forkDriven());
    for (const flags of [CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWIPC, CLONE_NEWPID])
      expect(() => s.unshare(flags)).toThrow("EINVAL");
    expect(() => s.unshare(1)).toThrow("EINVAL");
    expect(s.unshare(CLONE_FS)).toBe(0);
    s.setresuid(1, 1, 1);
    expect(() => s.unshare(CLONE_NEWUTS)).toThrow("EPERM");
  });

  it("of a uts namespace gives names of one's own", () => {
    const { kernel, a, sys, fork } = machine();
    const b = fork();
    sys.unshare(CLONE_NEWUTS);
    sys.sethostname("mine");
    expect(kernel.sys(b).uname().nodename).toBe("kernelkit");
    expect(kernel.sys(fork()).uname().nodename).toBe("mine");
    expect(kernel.toyNs.live.size).toBe(1);
    sys.unshare(CLONE_NEWUTS);
    expect(kernel.toyNs.live.size).toBe(2); // a child still has the first
    expect(a.nsproxy.refs).toBe(1);
  });

  it("is all or nothing: what was made before a refusal is gone again", () => {
    const { kernel, a, sys } = machine(true);
    const before = a.nsproxy;
    expect(() => sys.unshare(CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWNET)).toThrow("ENOSPC");
    expect(kernel.toyNs.live.size).toBe(0);
    expect(a.nsproxy).toBe(before);
    expect(a.cred.userNs.level).toBe(0);
    expect(() => sys.clone(CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 17)).toThrow("ENOSPC");
    expect(kernel.toyNs.live.size).toBe(0);
  });

  it("of a user namespace gives all capabilities in it and none over what was there before", () => {
    const { kernel, fork } = machine();
    const u = fork();
    const s = kernel.sys(u);
    s.setresuid(1000, 1000, 1000);
    expect(() => s.unshare(CLONE_NEWUTS)).toThrow("EPERM");
    s.unshare(CLONE_NEWUSER | CLONE_NEWUTS);
    expect(u.cred.effective.list().length).toBe(41);
    expect([s.getuid(), u.cred.uid]).toEqual([65534, 1000]);
    s.sethostname("inner");
    expect(() => s.setresuid(0, 0, 0)).toThrow("EINVAL"); // nothing is mapped yet
    expect(() => s.setgroups([])).toThrow("EPERM");
    u.cred.userNs.uidMap = makeIdMap([[0, 1000, 1]]);
    expect(s.getuid()).toBe(0);
    s.unshare(CLONE_NEWUSER);
    expect(() => s.sethostname("no more")).toThrow("EPERM");
    s.exit(0);
    expect([...kernel.toyNs.live]).toEqual([u.cred.userNs]); // a zombie keeps its user namespace alone
  });

  it("with threads is refused for user namespaces and shared signal handlers", () => {
    const { sys } = machine();
    sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD);
    expect(() => sys.unshare(CLONE_NEWUSER)).toThrow("EINVAL");
    expect(() => sys.unshare(CLONE_VM)).toThrow("EINVAL");
    expect(() => sys.unshare(CLONE_THREAD)).toThrow("EINVAL");
    expect(sys.unshare(CLONE_NEWUTS)).toBe(0);
  });
});

describe("setns", () => {
  it("joins the namespace of a file, EINVAL if the type does not fit, EBADF if it is no descriptor", () => {
    const { kernel, k, a, sys, fork } = machine();
    const b = fork();
    kernel.sys(b).unshare(CLONE_NEWUTS);
    kernel.sys(b).sethostname("theirs");
    expect(() => sys.setns(3, 0)).toThrow("EBADF");
    k.tasks.nsOfFd = (_t, fd) =>
      fd === 3 ? k.tasks.nsOf(b, k.tasks.utsType) : fd === 4 ? k.tasks.nsOf(a, k.tasks.nsType("net")) : null;
    expect(() => sys.setns(3, CLONE_NEWNET)).toThrow("EINVAL");
    expect(() => sys.setns(4, 0)).toThrow("EINVAL"); // a type that cannot be joined
    sys.setns(3, CLONE_NEWUTS);
    expect(sys.uname().nodename).toBe("theirs");
    kernel.sys(b).exit(0);
    sys.wait4(b.nr);
    expect(kernel.toyNs.live.size).toBe(1);
  });
});

describe("a pid namespace", () => {
  function inside() {
    const m = machine();
    const { kernel, sys } = m;
    const init = kernel.tasks.find(sys.clone(CLONE_NEWPID | 17)) as Task;
    return { ...m, init, is: kernel.sys(init) };
  }

  it("numbers its tasks from 1; who is outside is 0", () => {
    const { kernel, a, is, init, fork } = inside();
    expect([is.getpid(), is.getppid(), is.getsid(0)]).toEqual([1, 0, 0]);
    expect(is.fork()).toBe(2);
    const c = kernel.tasks.all().at(-1) as Task;
    expect(kernel.sys(c).getppid()).toBe(1);
    expect(c.pid.nr).toEqual([c.nr, 2]);
    expect(() => is.kill(a.nr, 0)).toThrow("ESRCH");
    expect(init.pid.nrNs(kernel.core.tasks.initPidNs)).toBe(init.nr);
    expect(fork(c).pid.nr[1]).toBe(3);
  });

  it("unshare makes it for children only; a second one before the first fork is EINVAL, and so are threads", () => {
    const { kernel, sys, a } = machine();
    sys.unshare(CLONE_NEWPID);
    expect(sys.getpid()).toBe(a.nr);
    expect(() => sys.unshare(CLONE_NEWPID)).toThrow("EINVAL");
    expect(() => sys.clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)).toThrow("EINVAL");
    const init = kernel.tasks.find(sys.fork()) as Task;
    expect(kernel.sys(init).getpid()).toBe(1);
    kernel.sys(init).exit(0);
    sys.wait4(-1);
    expect(() => sys.fork()).toThrow("ENOMEM");
  });

  it("its init is not touched by signals from inside, and only by KILL and STOP from outside", () => {
    const { kernel, sys, is, init, fork } = inside();
    const child = fork(init);
    const cs = kernel.sys(child);
    for (const sig of [9, 19, 15]) cs.kill(1, sig);
    sys.kill(init.nr, 15);
    kernel.run("1ms");
    expect(is.getpid()).toBe(1);
    is.rt_sigaction(10, { handler: 4096 });
    cs.kill(1, 10);
    kernel.run("1ms");
    expect(init.caught[10]).toBe(1);
    sys.kill(init.nr, 9);
    expect(sys.wait4(init.nr).status).toBe(9);
    expect(kernel.tasks.find(child.nr)).toBeNull();
  });

  it("dies with its init: everybody in it is killed, and the init can be waited for when all are gone", () => {
    const { kernel, k, sys, is, init, fork } = inside();
    is.fork();
    const child = kernel.tasks.all().at(-1) as Task;
    const grandchild = fork(child);
    is.exit(3);
    expect(sys.wait4(-1)).toMatchObject({ pid: init.nr, status: 3 << 8 });
    expect([child.nr, grandchild.nr].map((nr) => kernel.tasks.find(nr))).toEqual([null, null]);
    expect(kernel.toyNs.live.size).toBe(0);
    expect(k.tasks.initPidNs.pids.size).toBe(3);
  });

  it("orphans inside go to its init, who must wait for them", () => {
    const { kernel, is, fork } = inside();
    is.fork();
    const child = kernel.tasks.all().at(-1) as Task;
    const grandchild = fork(child);
    kernel.sys(child).exit(0);
    expect(kernel.sys(grandchild).getppid()).toBe(1);
    kernel.sys(grandchild).exit(7);
    expect(is.wait4(3).status).toBe(7 << 8);
  });

  it("reboot inside ends its init with the signal that says what was asked", () => {
    const { sys, is, init } = inside();
    expect(() => is.reboot(0xfee1dead, 0x28121969, 0)).toThrow("EINVAL");
    is.reboot(0xfee1dead, 0x28121969, 0x4321fedc);
    expect(sys.wait4(init.nr).status).toBe(2);
  });

  it("clone3 asks for pids at each level", () => {
    const { kernel, is, init } = inside();
    const { pid } = is.clone3({ exit_signal: 17, set_tid: [55, 700] });
    expect(pid).toBe(55);
    expect(kernel.tasks.find(700)?.pid.nr).toEqual([700, 55]);
    expect(() => is.clone3({ exit_signal: 17, set_tid: [1, 2, 3] })).toThrow("EINVAL");
    expect(() => is.clone3({ exit_signal: 17, set_tid: [56, init.nr] })).toThrow("EEXIST");
    expect(is.fork()).toBe(2);
  });
});

describe("a symbolic flag", () => {
  it("is given only if no other type has the bit", () => {
    const boot = (withCgroup: boolean) => {
      const kernel = createMachine()
        .use({
          name: "nine",
          install(k) {
            const base = { procNames: [], index: -1, order: 9 };
            const cg = { ...base, name: "cg", flag: 0x02000000 };
            const log = { ...base, name: "log", flag: 0, symbolicFlag: 0x02000000 };
            const ns = (type: typeof cg): Namespace => ({ type, ino: 1, userNs: k.tasks.initUserNs, refs: 1 });
            if (withCgroup) k.tasks.registerNsType(cg, ns(cg));
            k.tasks.registerNsType(log, ns(log));
            return { api: { log } };
          },
        })
        .boot();
      return kernel.nine.log.flag;
    };
    expect([boot(false), boot(true)]).toEqual([0x02000000, 0]);
  });
});
