/** The calls of sys/xattrSys.ts. */
import { AT_FDCWD } from "../abi/fcntl.js";
import type { Ctx } from "../kernel/ctx.js";
import { int } from "../sys/args.js";
import type { PathArg } from "../sys/fileSys.js";
import type { Impl } from "../sys/types.js";
import type { XattrSys, XattrValue } from "../sys/xattrSys.js";
import { fget } from "./fileTable.js";
import { LOOKUP_FOLLOW, userPath } from "./namei.js";
import { setxattrArgs, vfsGetxattr, vfsListxattr, vfsRemovexattr, vfsSetxattr, xattrName } from "./xattr.js";

function set(c: Ctx, path: PathArg, follow: number, name: PathArg, value: XattrValue, flags: number): number {
  const x = setxattrArgs(name, value, int(flags, "flags"));
  const { mnt, dentry } = userPath(c, AT_FDCWD, path, follow);
  return vfsSetxattr(c, mnt, dentry, x);
}

function get(c: Ctx, path: PathArg, follow: number, nameArg: PathArg, size: number): Uint8Array {
  const name = xattrName(nameArg);
  return vfsGetxattr(c, userPath(c, AT_FDCWD, path, follow).dentry, name, int(size, "size"));
}

function list(c: Ctx, path: PathArg, follow: number, size: number): string[] {
  return vfsListxattr(c, userPath(c, AT_FDCWD, path, follow).dentry, int(size, "size"));
}

function remove(c: Ctx, path: PathArg, follow: number, nameArg: PathArg): number {
  const name = xattrName(nameArg);
  const { mnt, dentry } = userPath(c, AT_FDCWD, path, follow);
  return vfsRemovexattr(c, mnt, dentry, name);
}

export const xattrCalls: Impl<XattrSys> = {
  setxattr: (c, path, name, value, flags = 0) => set(c, path, LOOKUP_FOLLOW, name, value, flags),
  lsetxattr: (c, path, name, value, flags = 0) => set(c, path, 0, name, value, flags),
  fsetxattr(c, fd, name, value, flags = 0) {
    const x = setxattrArgs(name, value, int(flags, "flags"));
    const f = fget(c.task, int(fd, "fd"));
    return vfsSetxattr(c, f.mnt, f.dentry, x);
  },
  getxattr: (c, path, name, size = 0) => get(c, path, LOOKUP_FOLLOW, name, size),
  lgetxattr: (c, path, name, size = 0) => get(c, path, 0, name, size),
  fgetxattr(c, fd, nameArg, size = 0) {
    const name = xattrName(nameArg);
    return vfsGetxattr(c, fget(c.task, int(fd, "fd")).dentry, name, int(size, "size"));
  },
  listxattr: (c, path, size = 0) => list(c, path, LOOKUP_FOLLOW, size),
  llistxattr: (c, path, size = 0) => list(c, path, 0, size),
  flistxattr: (c, fd, size = 0) => vfsListxattr(c, fget(c.task, int(fd, "fd")).dentry, int(size, "size")),
  removexattr: (c, path, name) => remove(c, path, LOOKUP_FOLLOW, name),
  lremovexattr: (c, path, name) => remove(c, path, 0, name),
  fremovexattr(c, fd, nameArg) {
    const name = xattrName(nameArg);
    const f = fget(c.task, int(fd, "fd"));
    return vfsRemovexattr(c, f.mnt, f.dentry, name);
  },
};
