/**
 * System calls about extended attributes. xattr(7), setxattr(2), getxattr(2), listxattr(2), removexattr(2).
 *
 * Order of checks: ERANGE name empty or above 255 bytes (EFAULT null); E2BIG value above 65536 bytes; EINVAL flags; the path;
 * EROFS; EPERM immutable; the rules of the name's space; EOPNOTSUPP; hooks; EINVAL `user.` with nothing behind it; EEXIST
 * (XATTR_CREATE), ENODATA (XATTR_REPLACE, get, remove).
 */
import type { PathArg } from "./fileSys.js";
import type { Ret, SysBase } from "./types.js";

/** Bytes; a string is UTF-8; null is a bad address (EFAULT). */
export type XattrValue = Uint8Array | string | null;

export interface XattrSys extends SysBase {
  /** setxattr(2); flags 0, XATTR_CREATE, XATTR_REPLACE. */
  setxattr(path: PathArg, name: PathArg, value: XattrValue, flags?: number): Ret<this["mode"], number>;
  lsetxattr(path: PathArg, name: PathArg, value: XattrValue, flags?: number): Ret<this["mode"], number>;
  fsetxattr(fd: number, name: PathArg, value: XattrValue, flags?: number): Ret<this["mode"], number>;
  /** getxattr(2): the value. `size` > 0: ERANGE if it is longer (0 only asks: see `length` of the result). */
  getxattr(path: PathArg, name: PathArg, size?: number): Ret<this["mode"], Uint8Array>;
  lgetxattr(path: PathArg, name: PathArg, size?: number): Ret<this["mode"], Uint8Array>;
  fgetxattr(fd: number, name: PathArg, size?: number): Ret<this["mode"], Uint8Array>;
  /** listxattr(2): the names. `size` > 0: ERANGE if they need more bytes (each has a NUL behind it). */
  listxattr(path: PathArg, size?: number): Ret<this["mode"], string[]>;
  llistxattr(path: PathArg, size?: number): Ret<this["mode"], string[]>;
  flistxattr(fd: number, size?: number): Ret<this["mode"], string[]>;
  removexattr(path: PathArg, name: PathArg): Ret<this["mode"], number>;
  lremovexattr(path: PathArg, name: PathArg): Ret<this["mode"], number>;
  fremovexattr(fd: number, name: PathArg): Ret<this["mode"], number>;
}
