import {
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  createKernel,
  KernelError,
  type Task,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namespaces } from "./index.js";

function boot() {
  const kernel = createKernel({ machine: { memory: "128M" } })
    .use(namespaces())
    .boot();
  const child = (of: Task = kernel.init): Task => kernel.tasks.findVpid(of, kernel.sys(of).fork())?.task as Task;
  return { kernel, child };
}

function code(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

describe("user namespaces", () => {
  it("make an ordinary user root inside, who has nothing outside", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.setresuid(1000, 1000, 1000);
    sys.prctl(4, 1); // PR_SET_DUMPABLE
    expect(code(() => sys.unshare(CLONE_NEWUTS))).toBe("EPERM");
    sys.unshare(CLONE_NEWUSER);
    expect(sys.getuid()).toBe(65534);
    sys.writeFile("/proc/self/uid_map", "0 1000 1");
    expect([sys.getuid(), sys.geteuid()]).toEqual([0, 0]);
    expect(sys.readText("/proc/self/uid_map")).toBe("         0       1000          1\n");
    sys.unshare(CLONE_NEWUTS);
    sys.sethostname("box");
    expect(sys.uname().nodename).toBe("box");
    expect(kernel.sys(kernel.init).uname().nodename).not.toBe("box");
    expect(code(() => sys.mknod("/tmp/null", 0o20666, 0x103))).toBe("EPERM");
  });

  it("take a map once, whole or not at all", () => {
    const { kernel, child } = boot();
    const t = child();
    kernel.sys(t).unshare(CLONE_NEWUSER);
    const root = kernel.sys(kernel.init);
    const map = `/proc/${t.nr}/uid_map`;
    for (const bad of ["", "0 0", "0 0 0", "-1 0 1", "0 0 1\n\n", "0 0 10\n5 20 10", "x 0 1"])
      expect([bad, code(() => root.writeFile(map, bad))]).toEqual([bad, "EINVAL"]);
    expect(root.readText(map)).toBe("");
    root.writeFile(map, "0 0 10\n10 100 5\n");
    expect(code(() => root.writeFile(map, "0 0 1"))).toBe("EPERM");
  });

  it("show the kernel's ids back as they were mapped, for any extents", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300), { minLength: 1, maxLength: 40 }), (slots) => {
        const { kernel, child } = boot();
        const t = child();
        kernel.sys(t).unshare(CLONE_NEWUSER);
        const extents = slots.map((s, i) => ({ first: s * 100, lower: 1_000_000 + i * 100, count: 1 + (s % 90) }));
        kernel
          .sys(kernel.init)
          .writeFile(`/proc/${t.nr}/uid_map`, extents.map((e) => `${e.first} ${e.lower} ${e.count}\n`).join(""));
        const sys = kernel.sys(t);
        for (const e of extents.slice(0, 5)) {
          const uid = e.first + e.count - 1;
          sys.setresuid(uid, uid, -1);
          expect(t.cred.uid).toBe(e.lower + e.count - 1);
          expect(sys.getuid()).toBe(uid);
          break;
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are limited by the counts of every ancestor's creator", () => {
    const { kernel, child } = boot();
    const root = kernel.sys(kernel.init);
    root.writeFile("/proc/sys/user/max_uts_namespaces", "1");
    const t = child();
    kernel.sys(t).unshare(CLONE_NEWUTS);
    expect(code(() => kernel.sys(child()).unshare(CLONE_NEWUTS))).toBe("ENOSPC");
    kernel.sys(t).exit(0);
    root.wait4(-1, 0);
    expect(code(() => kernel.sys(child()).unshare(CLONE_NEWUTS))).toBe("");
  });
});

describe("pid and mount namespaces", () => {
  it("number tasks from 1, and die with their init", () => {
    const { kernel, child } = boot();
    const t = child();
    kernel.sys(t).unshare(CLONE_NEWPID);
    const init = child(t);
    const inner = child(init);
    expect(kernel.sys(init).getpid()).toBe(1);
    expect(kernel.sys(init).getppid()).toBe(0);
    expect(kernel.sys(inner).getpid()).toBe(2);
    kernel.sys(init).exit_group(0);
    kernel.run("10ms");
    expect(code(() => kernel.sys(t).fork())).toBe("ENOMEM");
  });

  it("keep what is mounted later to themselves", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNS);
    sys.mkdir("/mnt/x", 0o755);
    sys.mount("t", "/mnt/x", "tmpfs", 0);
    sys.writeFile("/mnt/x/f", "1");
    expect(code(() => kernel.sys(kernel.init).readText("/mnt/x/f"))).toBe("ENOENT");
  });
});

describe("an unshare(2) that fails after it has copied the mounts", () => {
  it("leaves root and working directory where they were", () => {
    const { kernel, child } = boot();
    const sys = kernel.sys(child());
    sys.mkdir("/tmp/d", 0o755);
    sys.chdir("/tmp/d");
    sys.unshare(CLONE_NEWPID);
    expect(code(() => sys.unshare(CLONE_NEWPID | CLONE_NEWNS))).toBe("EINVAL");
    expect(sys.getcwd()).toBe("/tmp/d");
    expect(sys.readText("/proc/self/mountinfo")).toContain(" /proc ");
    sys.mount("t", "/tmp/d", "tmpfs", 0);
    expect(kernel.sys(kernel.init).readText("/proc/self/mountinfo")).toContain(" /tmp/d ");
  });
});

describe("the state", () => {
  it("is untouched by calls that fail, and goes on after a checkpoint", () => {
    const { kernel, child } = boot();
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID);
    kernel.sys(kernel.init).writeFile(`/proc/${t.nr}/uid_map`, "0 0 1000");
    sys.sethostname("inside");
    const id = sys.msgget(0, 0o600);
    sys.msgsnd(id, 7, "hello");
    const links = (): string =>
      ["user", "uts", "ipc", "mnt", "net", "cgroup"].map((n) => sys.readlink(`/proc/self/ns/${n}`)).join();
    const before = links();
    for (const flags of [0x1, 0x80000000 | 0, CLONE_NEWPID, 0x7fffffff])
      expect(code(() => sys.unshare(flags))).not.toBe("");
    expect(links()).toBe(before);
    const saved = JSON.parse(JSON.stringify(kernel.checkpoint()));
    const other = createKernel({ machine: { memory: "128M" } })
      .use(namespaces())
      .restore(saved);
    const again = other.sys(other.tasks.find(t.nr) as Task);
    expect(again.uname().nodename).toBe("inside");
    expect(again.readText("/proc/self/uid_map")).toBe(sys.readText("/proc/self/uid_map"));
    expect(new TextDecoder().decode(again.msgrcv(id, 10, 0, 0).data)).toBe("hello");
  });
});
