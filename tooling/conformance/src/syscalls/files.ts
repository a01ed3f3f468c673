/** Calls about files: open(2) and on, descriptors, directories, stat(2), mounts, extended attributes. */
import type { Dirent, Stat, Statfs } from "@kernelkit/core";
import { fromHex, fromLatin1, latin1, type Result } from "../result.js";
import { bytes, call, filled, flags, type MarshalTable, octal, plain } from "./marshal.js";

const DEFAULT_FILE_MODE = 0o644;
const DEFAULT_DIR_MODE = 0o755;
const GETDENTS_SIZE = 32768;

const data = (v: unknown): Uint8Array | null => (v === "EFAULT" || v === null ? null : bytes(v, fromLatin1));

/** A bigint where seconds times 1e9 leave what a double holds. */
const ns = (sec: number, nsec: number): unknown => {
  const exact = BigInt(sec) * 1_000_000_000n + BigInt(nsec);
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
};

/** The fields of struct stat as the cases write them: `mode` in octal with the type, times also in ns (`ans mns cns`). */
export function statFields(st: Stat): Record<string, unknown> {
  return {
    ...st,
    mode: st.mode.toString(8),
    ans: ns(st.atime, st.atime_nsec),
    mns: ns(st.mtime, st.mtime_nsec),
    cns: ns(st.ctime, st.ctime_nsec),
  };
}

const stat = (name: string, method = name): ReturnType<typeof call> =>
  call(name, { method, result: filled<Stat>(statFields) });

const xattrSet = (name: string): ReturnType<typeof call> =>
  call(name, {
    args: ([target, attr, value, flag]) => [
      target,
      attr,
      // {count}: that many bytes.
      value !== null && typeof value === "object" ? bytes({ byte: "x", ...value }, fromLatin1) : fromHex(String(value)),
      flag ?? 0,
    ],
  });

const xattrGet = (name: string): ReturnType<typeof call> => ({
  ...call(name),
  plan: (args, s, step) => ({
    invoke: call(name).plan(args, s, step).invoke,
    // With size 0 the call only says how long the value is.
    convert: (value) => {
      const v = value as Uint8Array;
      return { ret: v.length, data: args[2] === 0 ? "" : latin1(v) };
    },
  }),
});

const xattrList = (name: string): ReturnType<typeof call> => ({
  ...call(name),
  plan: (args, s, step) => ({
    invoke: call(name).plan(args, s, step).invoke,
    convert: (value) => {
      const names = value as string[];
      const length = names.reduce((sum, n) => sum + new TextEncoder().encode(n).length + 1, 0);
      return { ret: length, fields: { names: args[1] === 0 ? [] : [...names].sort() } };
    },
  }),
});

/** A time of utimensat: seconds, or UTIME_NOW or UTIME_OMIT. */
const utime = (v: unknown): unknown =>
  typeof v === "string"
    ? { sec: 0, nsec: flags(v) }
    : Array.isArray(v)
      ? { sec: v[0], nsec: v[1] }
      : { sec: v, nsec: 0 };

const deviceMode = (mode: unknown): unknown =>
  Array.isArray(mode) ? Number(flags(mode[0])) + Number(octal(mode[1])) : octal(mode);

const pathModes = (name: string, fallback: number): ReturnType<typeof call> =>
  call(name, { args: ([path, mode]) => [path, octal(mode ?? fallback)] });

const text = (value: unknown): Result => ({ ret: (value as string).length, data: value as string });

export const FILE_CALLS: MarshalTable = {
  ...plain(
    "close",
    "dup",
    "dup2",
    "dup3",
    "close_range",
    "lseek",
    "fcntl",
    "ioctl",
    "fchdir",
    "ftruncate",
    "fallocate",
  ),
  ...plain("fsync", "fdatasync", "sync", "syncfs", "flock", "kcmp"),
  ...plain("symlink", "symlinkat", "link", "linkat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2"),
  ...plain("access", "faccessat", "faccessat2", "chown", "lchown", "fchown", "fchownat", "truncate"),
  ...plain("chdir", "chroot", "umount2", "pivot_root"),
  ...plain("removexattr", "lremovexattr", "fremovexattr"),
  open: call("open", { args: ([path, f, mode]) => [path, f ?? 0, octal(mode ?? DEFAULT_FILE_MODE)] }),
  openat: call("openat", { args: ([dir, path, f, mode]) => [dir, path, f ?? 0, octal(mode ?? DEFAULT_FILE_MODE)] }),
  creat: pathModes("creat", DEFAULT_FILE_MODE),
  mkdir: pathModes("mkdir", DEFAULT_DIR_MODE),
  mkdirat: call("mkdirat", { args: ([dir, path, mode]) => [dir, path, octal(mode ?? DEFAULT_DIR_MODE)] }),
  chmod: call("chmod", { args: ([path, mode]) => [path, octal(mode)] }),
  fchmod: call("fchmod", { args: ([fd, mode]) => [fd, octal(mode)] }),
  umask: call("umask", { args: ([mask]) => [octal(mask)] }),
  mknod: call("mknod", { args: ([path, mode, dev]) => [path, deviceMode(mode), dev ?? 0] }),
  pipe2: call("pipe2", {
    args: ([f]) => [f ?? 0],
    result: filled<[number, number]>((fds) => ({ fds: [...fds] })),
  }),
  // A third argument "EFAULT" is a buffer nobody can write to.
  read: call("read", { args: (a) => (a.length > 2 ? [a[0], a[1], null] : [a[0], a[1]]) }),
  write: call("write", { args: ([fd, d]) => [fd, data(d)] }),
  pread64: call("pread64"),
  pwrite64: call("pwrite64", { args: ([fd, d, offset]) => [fd, data(d), offset] }),
  copy_file_range: call("copy_file_range", { args: ([from, to, length]) => [from, null, to, null, length, 0] }),
  sendfile: call("sendfile", { args: ([out, from, count]) => [out, from, null, count] }),
  getdents64: call("getdents64", {
    args: ([fd, size]) => [fd, size ?? GETDENTS_SIZE],
    result: filled<Dirent[]>((entries) => ({ names: entries.map((e) => e.name).sort() })),
  }),
  readlink: call("readlink", { result: text }),
  // The kernel counts the NUL.
  getcwd: call("getcwd", { result: (value) => ({ ret: (value as string).length + 1, data: value as string }) }),
  stat: stat("stat"),
  lstat: stat("lstat"),
  fstat: stat("fstat"),
  statfs: call("statfs", {
    result: filled<Statfs>((st) => ({ ...st, type: st.type.toString(16) })),
  }),
  utimensat: call("utimensat", {
    args: ([dir, path, times, f]) => [
      dir,
      path,
      times === null || times === undefined ? null : (times as unknown[]).map(utime),
      f ?? 0,
    ],
  }),
  mount: call("mount", {
    args: ([source, target, type, f, options]) => [source ?? null, target, type ?? null, f ?? 0, options ?? null],
  }),
  setxattr: xattrSet("setxattr"),
  lsetxattr: xattrSet("lsetxattr"),
  fsetxattr: xattrSet("fsetxattr"),
  getxattr: xattrGet("getxattr"),
  lgetxattr: xattrGet("lgetxattr"),
  fgetxattr: xattrGet("fgetxattr"),
  listxattr: xattrList("listxattr"),
  llistxattr: xattrList("llistxattr"),
  flistxattr: xattrList("flistxattr"),
};
