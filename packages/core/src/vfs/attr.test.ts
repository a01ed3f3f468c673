import { describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  CAP_FSETID,
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  MS_NOATIME,
  MS_STRICTATIME,
  O_APPEND,
  O_CREAT,
  O_NOATIME,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RLIMIT_FSIZE,
  SIGXFSZ,
  STATX_BTIME,
  UTIME_NOW,
  UTIME_OMIT,
} from "../abi/constants.js";
import { queryIversion } from "./iversion.js";
import { childTask, errnoOf, userTask, vfsKernel } from "./testKernel.js";

function machine() {
  const k = vfsKernel();
  return { k, sys: k.sys(k.init) };
}

describe("attributes", () => {
  test("only the owner or CAP_FOWNER changes the mode; set-group-ID needs the group or CAP_FSETID", () => {
    const { k, sys } = machine();
    const u = k.sys(userTask(k, 1000, 1000, [50]));
    sys.writeFile("/mnt/f", "");
    sys.chown("/mnt/f", 1000, 77);
    expect(u.chmod("/mnt/f", 0o6755)).toBe(0);
    expect(sys.stat("/mnt/f").mode).toBe(0o104755);
    sys.chown("/mnt/f", 1000, 50);
    u.chmod("/mnt/f", 0o6755);
    expect(sys.stat("/mnt/f").mode).toBe(0o106755);
    expect(errnoOf(() => k.sys(userTask(k, 1001)).chmod("/mnt/f", 0o777))).toBe("EPERM");
    sys.symlink("f", "/mnt/l");
    expect(errnoOf(() => sys.fchmodat2(AT_FDCWD, "/mnt/l", 0o777, AT_SYMLINK_NOFOLLOW))).toBe("EOPNOTSUPP");
  });

  test("writing takes set-id bits from an ordinary user's file, and CAP_FSETID keeps them", () => {
    const { k, sys } = machine();
    const t = userTask(k, 1000);
    const u = k.sys(t);
    sys.chmod("/mnt", 0o777);
    const fd = u.open("/mnt/f", O_WRONLY | O_CREAT, 0o777);
    const mode = (): number => sys.stat("/mnt/f").mode & 0o7777;
    u.fchmod(fd, 0o6777);
    u.write(fd, "");
    expect(mode()).toBe(0o6777);
    u.write(fd, "x");
    expect(mode()).toBe(0o777);
    u.fchmod(fd, 0o6777);
    u.ftruncate(fd, 5);
    expect(mode()).toBe(0o777);
    u.fchmod(fd, 0o6777);
    u.fallocate(fd, 0, 0, 10);
    expect(mode()).toBe(0o777);
    u.fchmod(fd, 0o6777);
    const cred = t.cred.clone();
    cred.effective = cred.effective.with(CAP_FSETID);
    t.cred = cred;
    u.write(fd, "x");
    expect(mode()).toBe(0o6777);
  });

  test("a file beyond RLIMIT_FSIZE cannot be made by writing, truncating or allocating", () => {
    const { k } = machine();
    const sys = k.sys(childTask(k));
    sys.rt_sigaction(SIGXFSZ, { handler: 1, flags: 0, mask: [] } as never);
    sys.setrlimit(RLIMIT_FSIZE, { cur: 10, max: 10 });
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
    expect(sys.write(fd, "0123456789abc")).toBe(10);
    expect(errnoOf(() => sys.write(fd, "x"))).toBe("EFBIG");
    expect(errnoOf(() => sys.truncate("/mnt/f", 11))).toBe("EFBIG");
    expect(errnoOf(() => sys.fallocate(fd, 0, 0, 11))).toBe("EFBIG");
    expect(sys.pwrite64(fd, "abc", 8)).toBe(2);
  });

  test("immutable and append-only files refuse what chattr(1) says", () => {
    const { k, sys } = machine();
    sys.writeFile("/mnt/f", "abc", 0o666);
    const fd = sys.open("/mnt/f", O_RDWR);
    expect(sys.ioctl(fd, FS_IOC_GETFLAGS)).toBe(0);
    sys.ioctl(fd, FS_IOC_SETFLAGS, FS_IMMUTABLE_FL);
    for (const f of [
      () => sys.open("/mnt/f", O_WRONLY),
      () => sys.unlink("/mnt/f"),
      () => sys.rename("/mnt/f", "/mnt/g"),
      () => sys.link("/mnt/f", "/mnt/g"),
      () => sys.chmod("/mnt/f", 0o600),
      () => sys.truncate("/mnt/f", 0),
      () => sys.setxattr("/mnt/f", "user.a", "x"),
      () => sys.utimensat(AT_FDCWD, "/mnt/f", null),
    ])
      expect(errnoOf(f), String(f)).toBe("EPERM");
    sys.ioctl(fd, FS_IOC_SETFLAGS, FS_APPEND_FL);
    expect(errnoOf(() => sys.open("/mnt/f", O_WRONLY))).toBe("EPERM");
    const a = sys.open("/mnt/f", O_WRONLY | O_APPEND);
    expect(sys.write(a, "d")).toBe(1);
    expect(errnoOf(() => sys.ftruncate(a, 0))).toBe("EPERM");
    expect(errnoOf(() => sys.fcntl(a, 4, 0))).toBe("EPERM");
    const u = userTask(k, 0);
    u.cred = Object.assign(u.cred.clone(), { effective: u.cred.effective.without(9) });
    expect(errnoOf(() => k.sys(u).ioctl(k.sys(u).open("/mnt/f", O_RDONLY), FS_IOC_SETFLAGS, 0))).toBe("EPERM");
  });
});

describe("times", () => {
  const at = (st: { mtime: number; mtime_nsec: number }): number => st.mtime * 1e9 + st.mtime_nsec;

  test("they are those of the last tick, and finer for a change after somebody has looked", () => {
    const { k, sys } = machine();
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
    k.run(4_000_000 + 1234);
    sys.write(fd, "a");
    expect(sys.fstat(fd).mtime_nsec).toBe(4_000_000);
    // seen: the next change must show, though no tick has passed
    sys.write(fd, "b");
    expect(sys.fstat(fd).mtime_nsec).toBe(4_001_234);
    k.run(10);
    sys.write(fd, "c");
    expect(sys.fstat(fd).mtime_nsec).toBe(4_001_244);
    // another file does not get an earlier time than was given out
    sys.writeFile("/mnt/g", "");
    expect(sys.stat("/mnt/g").mtime_nsec).toBe(4_001_244);
  });

  test("relatime moves the access time only if it is not newer than a change, or a day old", () => {
    const { k, sys } = machine();
    sys.writeFile("/mnt/f", "x");
    const atime = (): number => sys.stat("/mnt/f").atime;
    const t0 = atime();
    k.run("1s");
    sys.readFile("/mnt/f");
    expect(atime()).toBe(t0 + 1);
    k.run("1s");
    sys.readFile("/mnt/f");
    expect(atime()).toBe(t0 + 1);
    k.run("90000s");
    sys.readFile("/mnt/f");
    expect(atime()).toBe(t0 + 90_002);
    sys.mkdir("/mnt/d", 0o755);
    for (const [flags, moves] of [
      [MS_NOATIME, 0],
      [MS_STRICTATIME, 1],
    ]) {
      sys.mount("t", "/mnt/d", "tmpfs", flags);
      sys.writeFile("/mnt/d/f", "x");
      sys.readFile("/mnt/d/f");
      const t = sys.stat("/mnt/d/f").atime;
      k.run("1s");
      sys.readFile("/mnt/d/f");
      expect(sys.stat("/mnt/d/f").atime).toBe(t + moves);
      sys.umount2("/mnt/d", 0);
    }
    const fd = sys.open("/mnt/f", O_RDONLY | O_NOATIME);
    sys.chmod("/mnt/f", 0o600);
    sys.read(fd, 1);
    expect(atime()).toBe(t0 + 90_002);
    expect(errnoOf(() => k.sys(userTask(k, 1000)).open("/mnt/f", O_RDONLY | O_NOATIME))).toBe("EACCES");
  });

  test("utimensat sets, omits and takes now; statx shows when the file was made", () => {
    const { k, sys } = machine();
    sys.writeFile("/mnt/f", "x");
    const made = sys.statx(AT_FDCWD, "/mnt/f", 0, STATX_BTIME);
    k.run("5s");
    sys.utimensat(AT_FDCWD, "/mnt/f", [
      { sec: -5, nsec: 7 },
      { sec: 0, nsec: UTIME_OMIT },
    ]);
    let st = sys.stat("/mnt/f");
    expect([st.atime, st.atime_nsec, at(st)]).toEqual([-5, 7, at(made)]);
    sys.utimensat(AT_FDCWD, "/mnt/f", [
      { sec: 0, nsec: UTIME_OMIT },
      { sec: 9, nsec: UTIME_NOW },
    ]);
    st = sys.stat("/mnt/f");
    expect(st.mtime).toBe(made.mtime + 5);
    expect(sys.statx(AT_FDCWD, "/mnt/f", 0, STATX_BTIME).btime).toBe(made.btime);
    expect(
      errnoOf(() =>
        sys.utimensat(AT_FDCWD, "/mnt/f", [
          { sec: 0, nsec: 1e9 },
          { sec: 0, nsec: 0 },
        ]),
      ),
    ).toBe("EINVAL");
  });

  test("i_version moves with a change after somebody asked for it, and with every change of attributes", () => {
    const { k, sys } = machine();
    const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
    const inode = k.vfs.fget(k.init, fd).inode;
    const v = queryIversion(inode);
    sys.write(fd, "a");
    expect(inode.version).toBe(v + 1);
    sys.write(fd, "b");
    expect(inode.version).toBe(v + 1);
    queryIversion(inode);
    sys.write(fd, "c");
    expect(inode.version).toBe(v + 2);
    sys.fchmod(fd, 0o644);
    sys.fchmod(fd, 0o600);
    expect(inode.version).toBe(v + 4);
  });

  test("option iversion: without the mount option, or never, the counter stands still", () => {
    for (const iversion of ["mount-option", "none"] as const) {
      const k = vfsKernel({ vfs: { iversion } });
      const sys = k.sys(k.init);
      const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o600);
      const inode = k.vfs.fget(k.init, fd).inode;
      const v = queryIversion(inode);
      sys.write(fd, "a");
      sys.fchmod(fd, 0o644);
      expect(inode.version).toBe(v);
    }
    expect(() => vfsKernel({ vfs: { iversion: "x" as never } })).toThrow(
      "vfs.iversion: must be one of always, mount-option, none, not x",
    );
  });
});
