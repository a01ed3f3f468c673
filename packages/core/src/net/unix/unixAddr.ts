/**
 * Names of AF_UNIX sockets: binding to a path (a file of type socket) or an abstract name of the network namespace, finding who
 * has one. unix(7) "Address format", "Pathname sockets", "Abstract sockets", "Autobind feature".
 */
import { EADDRINUSE, ECONNREFUSED, EEXIST, EINVAL, ENOSPC, EPROTOTYPE } from "../../abi/errno.js";
import { Errno, fail } from "../../abi/errors.js";
import { AT_FDCWD } from "../../abi/fcntl.js";
import { AF_UNIX } from "../../abi/socket.js";
import { S_IFMT, S_IFSOCK } from "../../abi/stat.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { int } from "../../sys/args.js";
import type { Sockaddr } from "../../sys/socketSys.js";
import { doMknod, doUnlink } from "../../vfs/dir.js";
import type { Inode } from "../../vfs/inode.js";
import { touchAtime } from "../../vfs/inodeTime.js";
import { LOOKUP_FOLLOW, userPath } from "../../vfs/namei.js";
import { utf8Length } from "../../vfs/pathArg.js";
import { inodePermission, MAY_WRITE } from "../../vfs/perm.js";
import type { NetNamespace } from "../netNamespace.js";
import { UnixAddr, type UnixSock } from "./unixSock.js";

/** sizeof(sun_path) */
const SUN_PATH = 108;
/** Abstract names that autobind gives: five hexadecimal digits. */
const AUTOBIND = 0x100000;

const key = (type: number, name: string): string => `${type}:${name}`;

/** The name in an address: "" none. EINVAL another family, too long. */
export function unixName(a: Sockaddr): string {
  if (int(a.family, "addr.family") !== AF_UNIX) return fail(EINVAL);
  const path = a.path ?? "";
  if (typeof path !== "string") throw new TypeError(`addr.path: must be a string, not ${String(path)}`);
  if (utf8Length(path) > SUN_PATH) return fail(EINVAL);
  // a path ends at its NUL, an abstract name may have some
  const end = path.startsWith("\0") ? -1 : path.indexOf("\0");
  return end < 0 ? path : path.slice(0, end);
}

/** As a name of a socket to connect or send to. EINVAL: none. */
function targetName(a: Sockaddr): string {
  return unixName(a) || fail(EINVAL);
}

export const addrOf = (a: UnixAddr | null): Sockaddr => ({ family: AF_UNIX, path: a === null ? "" : a.name });

/** Give an unnamed socket any free abstract name. ENOSPC. */
export function autobind(c: Ctx, sk: UnixSock): void {
  if (sk.addr !== null) return;
  const { net } = sk;
  let nr = c.k.net.rng.below(AUTOBIND);
  for (let tries = 0; tries < AUTOBIND; tries++, nr = (nr + 1) % AUTOBIND) {
    const name = `\0${nr.toString(16).padStart(5, "0")}`;
    if (net.unixNames.has(key(sk.type, name))) continue;
    setAbstract(net, sk, name);
    return;
  }
  fail(ENOSPC);
}

function setAbstract(net: NetNamespace, sk: UnixSock, name: string): void {
  sk.addr = new UnixAddr(name, null, null);
  net.unixNames.set(key(sk.type, name), sk);
}

export function unixBind(c: Ctx, sk: UnixSock, a: Sockaddr): void {
  const name = unixName(a);
  if (name === "") {
    if (sk.addr !== null) fail(EINVAL);
    return autobind(c, sk);
  }
  if (name.startsWith("\0")) {
    if (sk.addr !== null) fail(EINVAL);
    if (sk.net.unixNames.has(key(sk.type, name))) fail(EADDRINUSE);
    return setAbstract(sk.net, sk, name);
  }
  bindPath(c, sk, name);
}

function bindPath(c: Ctx, sk: UnixSock, name: string): void {
  const { vfs, net } = c.k;
  const mode = sk.file === null ? 0o777 : sk.file.inode.mode & 0o7777;
  try {
    doMknod(c, AT_FDCWD, name, S_IFSOCK | mode, 0);
  } catch (e) {
    throw e instanceof Errno && e.nr === EEXIST ? fail(EADDRINUSE) : e;
  }
  // the file is made first, and goes again if the socket has a name already
  if (sk.addr !== null) {
    doUnlink(c, AT_FDCWD, name);
    fail(EINVAL);
  }
  const { mnt, dentry } = userPath(c, AT_FDCWD, name, 0);
  vfs.pathGet(mnt, dentry);
  sk.addr = new UnixAddr(name, mnt, dentry);
  net.unixInodes.set(dentry.inode as Inode, sk);
}

/** The socket with that name. ENOENT and others of the walk, EACCES; ECONNREFUSED nobody has it; EPROTOTYPE another type. */
export function findUnix(c: Ctx, sk: UnixSock, a: Sockaddr): UnixSock {
  const name = targetName(a);
  if (name.startsWith("\0")) return sk.net.unixNames.get(key(sk.type, name)) ?? fail(ECONNREFUSED);
  const { mnt, dentry } = userPath(c, AT_FDCWD, name, LOOKUP_FOLLOW);
  const inode = dentry.inode as Inode;
  inodePermission(c, inode, MAY_WRITE);
  if ((inode.mode & S_IFMT) !== S_IFSOCK) return fail(ECONNREFUSED);
  const there = c.k.net.unixInodes.get(inode) ?? fail(ECONNREFUSED);
  if (there.type !== sk.type) return fail(EPROTOTYPE);
  touchAtime(mnt, inode);
  return there;
}

/** The socket is going: nobody finds it by its name any more; the file stays. */
export function unixUnbind(k: Core, sk: UnixSock): void {
  const { addr } = sk;
  if (addr === null) return;
  const names = sk.net.unixNames;
  if (addr.mnt === null || addr.dentry === null) {
    if (names.get(key(sk.type, addr.name)) === sk) names.delete(key(sk.type, addr.name));
    return;
  }
  const inode = addr.dentry.inode as Inode;
  if (k.net.unixInodes.get(inode) !== sk) return;
  k.net.unixInodes.delete(inode);
  k.vfs.pathPut(addr.mnt, addr.dentry);
}
