/** Sockets as files: `socket:[INO]`. socket(2), proc_pid_fd(5). */

import { CAP_NET_ADMIN } from "../abi/capability.js";
import { EINVAL, ENOTSOCK, ENOTTY, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.js";
import { SOCKFS_MAGIC } from "../abi/magic.js";
import { MSG_DONTWAIT, SIOCGSKNS } from "../abi/socket.js";
import { S_IFSOCK } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { openNsFile } from "../proc/nsfs.js";
import { WAIT, type Wait } from "../sys/types.js";
import { nsCapable } from "../task/capable.js";
import { internalMount } from "../vfs/anonInode.js";
import { FileOps, FMODE_OPENED, FMODE_STREAM, type OpenFile } from "../vfs/file.js";
import { Inode, InodeOps } from "../vfs/inode.js";
import { allocFile } from "../vfs/open.js";
import { noOps } from "../vfs/specialFile.js";
import { type FileSystemType, FS_INTERNAL, SuperBlock, type SuperOps } from "../vfs/superBlock.js";
import { dropFiles } from "./scm.js";
import type { InMsg, OutMsg, Sock } from "./sock.js";

export const sockInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({});
export const sockSuperOps: SuperOps = { dname: (d) => `socket:[${(d.inode as Inode).ino}]` };

export const sockfs: FileSystemType = {
  name: "sockfs",
  flags: FS_INTERNAL,
  mount: (c) => new SuperBlock(c.k, sockfs, SOCKFS_MAGIC, sockSuperOps),
};

/** The socket behind a description. ENOTSOCK. */
export function sockOf(file: OpenFile): Sock {
  return file.ops === sockFileOps ? (file.data as Sock) : fail(ENOTSOCK);
}

/** Flags of a call, with those of the description. */
export function withNonblock(file: OpenFile, flags: number): number {
  return (file.flags & O_NONBLOCK) !== 0 ? flags | MSG_DONTWAIT : flags;
}

export const sockFileOps: FileOps = /* @__PURE__ */ new FileOps({
  release(k, file) {
    const sk = file.data as Sock;
    sk.ops.release(k, sk);
  },
  read(c, file, count, _pos, buf) {
    if (count === 0) return buf === null ? new Uint8Array(0) : buf.subarray(0, 0);
    const sk = file.data as Sock;
    const r = sk.ops.recvmsg(c, sk, count, withNonblock(file, 0));
    if (r === WAIT) return WAIT;
    const { data, fds } = r as InMsg;
    // there is nowhere to put them
    if (fds !== null) dropFiles(c.k, fds);
    if (buf === null) return data;
    buf.set(data);
    return data.length === buf.length ? buf : buf.subarray(0, data.length);
  },
  write(c, file, data) {
    const sk = file.data as Sock;
    const msg: OutMsg = { data, name: null, fds: [], cred: null };
    return sk.ops.sendmsg(c, sk, msg, withNonblock(file, 0)) as number | Wait;
  },
  poll(c, file, pt) {
    const sk = file.data as Sock;
    return sk.ops.poll(c, sk, pt);
  },
  ioctl(c, file, request, arg) {
    const sk = file.data as Sock;
    if (request === SIOCGSKNS) {
      if (!nsCapable(c.k, c.task, sk.net.userNs, CAP_NET_ADMIN)) return fail(EPERM);
      return c.k.proc === undefined ? fail(EINVAL) : openNsFile(c, sk.net);
    }
    const own = sk.ops.ioctl === null ? undefined : sk.ops.ioctl(c, sk, request, arg);
    return own ?? c.k.net.deviceIoctl?.(c, sk, request, arg) ?? fail(ENOTTY);
  },
  showFdinfo(_k, file) {
    const sk = file.data as Sock;
    return sk.ops.showFdinfo === null ? "" : sk.ops.showFdinfo(sk);
  },
});

/** A description for a socket, without a number yet. ENFILE. */
export function sockFile(c: Ctx, sk: Sock, nonblock: boolean): OpenFile {
  const { vfs } = c.k;
  const mnt = internalMount(c.k, sockfs);
  const inode = new Inode(mnt.sb, vfs.nextAnonIno(), S_IFSOCK | 0o777, sockInodeOps, noOps);
  inode.uid = c.task.cred.fsuid;
  inode.gid = c.task.cred.fsgid;
  const d = vfs.dcache.makeUnhashed("", null, inode);
  const f = allocFile(c, mnt, d, sockFileOps, O_RDWR | (nonblock ? O_NONBLOCK : 0));
  f.mode |= FMODE_STREAM | FMODE_OPENED;
  f.data = sk;
  sk.file = f;
  return f;
}
