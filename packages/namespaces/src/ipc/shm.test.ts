import {
  CLONE_NEWIPC,
  IPC_CREAT,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_STAT,
  PROT_READ,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { code, rig } from "../testing/rig.js";
import type { ShmidDs } from "./ipcSys.js";

/** A kernel and two processes with address spaces. */
function two() {
  const r = rig();
  const ta = r.child();
  const [a, b] = [ta, r.child()];
  return { ...r, a: r.sys(a), b: r.sys(b), root: r.sys(r.kernel.init), ta };
}

describe("shared memory", () => {
  it("is the same bytes for all who attach it", () => {
    const { a, b } = two();
    const id = a.shmget(IPC_PRIVATE, 10000, 0o666);
    const at = a.shmat(id);
    const there = b.shmat(id);
    a.store(at + 5000, Uint8Array.of(1, 2, 3));
    expect([...b.load(there + 5000, 3)]).toEqual([1, 2, 3]);
    const d = a.shmctl(id, IPC_STAT) as ShmidDs;
    expect([d.nattch, d.segsz]).toEqual([2, 10000]);
    expect(a.readText("/proc/self/maps")).toMatch(/rw-s 00000000 \S+ 0 +\/SYSV00000000 \(deleted\)/);
    expect(a.readText("/proc/sysvipc/shm").split("\n")[1]).toMatch(
      /^ {9}0 {10}0 {3}666 +10000 +\d+ +\d+ {6}2 .* 4096 +0$/,
    );
  });

  it("says where and how it may be attached", () => {
    const { a } = two();
    const id = a.shmget(IPC_PRIVATE, 4096, 0o600);
    expect(code(() => a.shmat(-1))).toBe("EINVAL");
    expect(code(() => a.shmat(id, null, SHM_REMAP))).toBe("EINVAL");
    expect(code(() => a.shmat(id, 0x20000001))).toBe("EINVAL");
    expect(a.shmat(id, 0x20000001, SHM_RND)).toBe(0x20000000);
    expect(code(() => a.shmat(id, 0x20000000))).toBe("EINVAL");
    expect(a.shmat(id, 0x20000000, SHM_REMAP)).toBe(0x20000000);
    const ro = a.shmat(id, null, SHM_RDONLY);
    expect(a.readText("/proc/self/maps")).toMatch(/ r--s .*SYSV/);
    expect(code(() => a.mprotect(ro, 4096, PROT_READ | 2))).toBe("EACCES");
    expect(code(() => a.shmdt(0x20000001))).toBe("EINVAL");
    expect(code(() => a.shmdt(0x30000000))).toBe("EINVAL");
    expect(a.shmdt(ro)).toBe(0);
    expect((a.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(1);
  });

  it("lives after IPC_RMID until nobody has it, without its key, and dies with the last process", () => {
    const { a, b, ta, kernel, child } = two();
    const id = a.shmget(99, 8192, IPC_CREAT | 0o666);
    const at = a.shmat(id);
    const c = child(ta);
    expect((b.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(2);
    a.shmctl(id, IPC_RMID);
    expect(code(() => b.shmget(99, 8192, 0))).toBe("ENOENT");
    const d = b.shmctl(id, IPC_STAT) as ShmidDs;
    expect([d.mode, d.key]).toEqual([0o1666, 0]);
    expect(a.shmdt(at)).toBe(0);
    expect((b.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(1);
    kernel.sys(c).exit(0);
    kernel.run("1ms");
    expect(code(() => b.shmctl(id, IPC_STAT))).toBe("EINVAL");
    expect(kernel.mm.read(kernel.mm.stat("nr_shmem"))).toBe(0);
  });

  it("counts each part of a segment that has been cut in pieces", () => {
    const { a } = two();
    const id = a.shmget(IPC_PRIVATE, 3 * 4096, 0o600);
    const at = a.shmat(id);
    a.mprotect(at + 4096, 4096, PROT_READ);
    expect((a.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(3);
    a.munmap(at, 4096);
    expect((a.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(2);
    expect(a.shmdt(at)).toBe(0);
    expect((a.shmctl(id, IPC_STAT) as ShmidDs).nattch).toBe(0);
  });

  it("has limits per namespace", () => {
    const { a, root } = two();
    expect(code(() => a.shmget(IPC_PRIVATE, 0, 0o600))).toBe("EINVAL");
    root.writeFile("/proc/sys/kernel/shmmax", "8192");
    root.writeFile("/proc/sys/kernel/shmall", "3");
    expect(code(() => a.shmget(IPC_PRIVATE, 8193, 0o600))).toBe("EINVAL");
    a.shmget(IPC_PRIVATE, 8192, 0o600);
    expect(code(() => a.shmget(IPC_PRIVATE, 8192, 0o600))).toBe("ENOSPC");
    a.unshare(CLONE_NEWIPC);
    expect(a.shmget(IPC_PRIVATE, 2 ** 20, 0o600)).toBe(0);
    expect(a.readText("/proc/sys/kernel/shmmax")).toBe("18446744073692774399\n");
  });

  it("goes with its namespace, and with its creator where kernel.shm_rmid_forced says so", () => {
    const { a, b, kernel } = two();
    const committed = kernel.mm.committed;
    const id = a.shmget(1, 4096, IPC_CREAT | 0o666);
    a.unshare(CLONE_NEWIPC);
    const own = a.shmget(1, 40960, IPC_CREAT | 0o666);
    expect([id, own]).toEqual([0, 0]);
    const kept = b.shmget(2, 4096, IPC_CREAT | 0o666);
    expect((b.shmctl(id, IPC_STAT) as ShmidDs).segsz).toBe(4096);
    // its creator has left the namespace
    kernel.sys(kernel.init).writeFile("/proc/sys/kernel/shm_rmid_forced", "1");
    expect(code(() => b.shmctl(id, IPC_STAT))).toBe("EINVAL");
    expect((b.shmctl(kept, IPC_STAT) as ShmidDs).segsz).toBe(4096);
    a.exit(0);
    b.exit(0);
    kernel.run("1ms");
    expect(code(() => kernel.sys(kernel.init).shmctl(kept, IPC_STAT))).toBe("EINVAL");
    kernel.sys(kernel.init).wait4(-1, 0);
    kernel.sys(kernel.init).wait4(-1, 0);
    expect(kernel.mm.committed).toBeLessThanOrEqual(committed);
  });
});
