/** The calls of sys/socketSys.ts. */
import { EAFNOSUPPORT, EFAULT, EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_EOR,
  MSG_TRUNC,
  SHUT_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "../abi/socket.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, struct, uint } from "../sys/args.js";
import type { Cmsg, ReceivedMsg, Sockaddr, SocketSys } from "../sys/socketSys.js";
import { type Impl, WAIT, type Wait } from "../sys/types.js";
import type { OpenFile } from "../vfs/file.js";
import type { FilesStruct } from "../vfs/filesStruct.js";
import { fget, unusedFd } from "../vfs/fileTable.js";
import { onFile } from "../vfs/heldFile.js";
import { countArg, dataArg } from "../vfs/readWrite.js";
import { dropFiles, scmRecv, scmSend } from "./scm.js";
import type { InMsg, OutMsg, Sock } from "./sock.js";
import { sockFile, sockOf, withNonblock } from "./sockFs.js";
import { getSocketOption, setSocketOption } from "./sockopt.js";

const SOCK_TYPE_MASK = 0xf;
const SOCK_MAX = 11;
/** Families Linux has numbers for. */
const AF_MAX = 46;

const checkFlags = (flags: number): void => {
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) fail(EINVAL);
};

function create(c: Ctx, domain: number, type: number, protocol: number): Sock {
  if (domain < 0 || domain >= AF_MAX) return fail(EAFNOSUPPORT);
  if (type < 0 || type >= SOCK_MAX) return fail(EINVAL);
  const { net } = c.k;
  const family = net.families.get(domain) ?? fail(EAFNOSUPPORT);
  return family.create(c, net.of(c.task), type, protocol);
}

/** The socket's file gets a number, or both go. EMFILE, ENFILE. */
function install(c: Ctx, sk: Sock, flags: number): number {
  let file: OpenFile;
  try {
    file = sockFile(c, sk, (flags & SOCK_NONBLOCK) !== 0);
  } catch (e) {
    sk.ops.release(c.k, sk);
    throw e;
  }
  return c.k.vfs.installOrPut(c.task, file, (flags & SOCK_CLOEXEC) !== 0);
}

function addrArg(a: Sockaddr | null): Sockaddr {
  if (a === null) return fail(EFAULT);
  struct(a, "addr");
  int(a.family, "addr.family");
  return a;
}

/** Carry out `step` on a socket that may sleep. EBADF, ENOTSOCK. */
function onSock<R>(c: Ctx, fd: number, step: (sk: Sock, file: OpenFile) => R | Wait): R | Wait {
  return onFile(c, int(fd, "fd"), (file) => step(sockOf(file), file));
}

const sockFd = (c: Ctx, fd: number): Sock => sockOf(fget(c.task, int(fd, "fd")));

function accept(c: Ctx, fd: number, flags: number): number | Wait {
  return onSock(c, fd, (sk, file) => {
    checkFlags(flags);
    unusedFd(c.task);
    const r = sk.ops.accept(c, sk, (withNonblock(file, 0) & MSG_DONTWAIT) !== 0);
    return r === WAIT ? WAIT : install(c, r as Sock, flags);
  });
}

/** A message that is being sent, kept while the call sleeps. */
interface Sending {
  out?: OutMsg;
}

function send(c: Ctx, fd: number, flags: number, make: () => OutMsg): number | Wait {
  return onSock(c, fd, (sk, file) => {
    const was = (c.task.frame as Sending | null)?.out;
    const out = was ?? make();
    let r: number | Wait;
    try {
      r = sk.ops.sendmsg(c, sk, out, withNonblock(file, flags));
    } catch (e) {
      dropFiles(c.k, out.fds);
      throw e;
    }
    if (r === WAIT) {
      // the bytes are the caller's: a copy for the time of the sleep
      if (was === undefined) {
        out.data = out.data.slice();
        c.frame<Sending>(() => ({})).out = out;
      }
      return WAIT;
    }
    dropFiles(c.k, out.fds);
    return r;
  });
}

const outMsg = (c: Ctx, data: Uint8Array, name: Sockaddr | null | undefined, control?: readonly Cmsg[]): OutMsg => ({
  data,
  name: name === null || name === undefined ? null : addrArg(name),
  ...(control === undefined ? { fds: [], cred: null } : scmSend(c, control)),
});

function recv(c: Ctx, fd: number, lenArg: number, flagsArg: number, room: number): ReceivedMsg | Wait {
  const len = countArg(lenArg);
  const flags = int(flagsArg, "flags");
  const r = onSock<InMsg>(c, fd, (sk, file) => {
    const m = sk.ops.recvmsg(c, sk, len, withNonblock(file, flags));
    if (m !== WAIT) scmRecv(c, sk, m as InMsg, flags, room);
    return m;
  });
  if (r === WAIT) return WAIT;
  const m = r as InMsg;
  return {
    data: m.data,
    addr: m.addr,
    len: (flags & MSG_TRUNC) !== 0 ? m.len : m.data.length,
    control: m.control,
    flags: m.flags & (MSG_TRUNC | MSG_CTRUNC | MSG_EOR),
  };
}

export const socketCalls: Impl<SocketSys> = {
  socket(c, domain, typeArg, protocol = 0) {
    const type = int(typeArg, "type");
    checkFlags(type & ~SOCK_TYPE_MASK);
    return install(c, create(c, int(domain, "domain"), type & SOCK_TYPE_MASK, int(protocol, "protocol")), type);
  },
  socketpair(c, domainArg, typeArg, protocolArg = 0) {
    const domain = int(domainArg, "domain");
    const type = int(typeArg, "type");
    const protocol = int(protocolArg, "protocol");
    checkFlags(type & ~SOCK_TYPE_MASK);
    const first = unusedFd(c.task);
    const second = unusedFd(c.task, first + 1);
    const a = create(c, domain, type & SOCK_TYPE_MASK, protocol);
    const socks = [a];
    try {
      socks.push(create(c, domain, type & SOCK_TYPE_MASK, protocol));
      a.ops.socketpair(c, a, socks[1]);
    } catch (e) {
      for (const s of socks) s.ops.release(c.k, s);
      throw e;
    }
    const files = socks.map((s) => sockFile(c, s, (type & SOCK_NONBLOCK) !== 0));
    const table = c.task.files as FilesStruct;
    [first, second].forEach((fd, i) => {
      table.install(fd, files[i], (type & SOCK_CLOEXEC) !== 0);
    });
    return [first, second];
  },
  bind(c, fd, addr) {
    const sk = sockFd(c, fd);
    sk.ops.bind(c, sk, addrArg(addr));
    return 0;
  },
  connect: (c, fd, addr) =>
    onSock(c, fd, (sk, file) => {
      const r = sk.ops.connect(c, sk, addrArg(addr), (withNonblock(file, 0) & MSG_DONTWAIT) !== 0);
      return r === WAIT ? WAIT : 0;
    }),
  listen(c, fd, backlog) {
    const sk = sockFd(c, fd);
    // a negative number is a large one
    sk.ops.listen(c, sk, Math.min(uint(backlog, "backlog"), sk.net.somaxconn));
    return 0;
  },
  accept: (c, fd) => accept(c, fd, 0),
  accept4: (c, fd, flags) => accept(c, fd, int(flags, "flags")),
  send: (c, fd, data, flags = 0) => send(c, fd, int(flags, "flags"), () => outMsg(c, dataArg(data), null)),
  sendto: (c, fd, data, flags, addr) => send(c, fd, int(flags, "flags"), () => outMsg(c, dataArg(data), addr)),
  sendmsg: (c, fd, msg, flags = 0) =>
    send(c, fd, int(flags, "flags"), () => {
      const m = struct(msg, "msg");
      return outMsg(c, dataArg(m.data), m.name, m.control);
    }),
  recv(c, fd, len, flags = 0) {
    const r = recv(c, fd, len, flags, 0);
    return r === WAIT ? WAIT : (r as ReceivedMsg).data;
  },
  recvfrom(c, fd, len, flags = 0) {
    const r = recv(c, fd, len, flags, 0);
    if (r === WAIT) return WAIT;
    const m = r as ReceivedMsg;
    return { data: m.data, addr: m.addr, len: m.len };
  },
  recvmsg: (c, fd, len, flags = 0, controllen = 1 << 20) => recv(c, fd, len, flags, uint(controllen, "controllen")),
  shutdown(c, fd, how) {
    const sk = sockFd(c, fd);
    const h = int(how, "how");
    if (h < 0 || h > SHUT_RDWR) return fail(EINVAL);
    sk.ops.shutdown(c, sk, h + 1);
    return 0;
  },
  getsockname(c, fd) {
    const sk = sockFd(c, fd);
    return sk.ops.getname(c, sk, false);
  },
  getpeername(c, fd) {
    const sk = sockFd(c, fd);
    return sk.ops.getname(c, sk, true);
  },
  setsockopt(c, fd, levelArg, nameArg, value) {
    const sk = sockFd(c, fd);
    const level = int(levelArg, "level");
    const name = int(nameArg, "name");
    if (level === SOL_SOCKET) setSocketOption(c, sk, name, value);
    else sk.ops.setsockopt(c, sk, level, name, value);
    return 0;
  },
  getsockopt(c, fd, levelArg, nameArg) {
    const sk = sockFd(c, fd);
    const level = int(levelArg, "level");
    const name = int(nameArg, "name");
    return level === SOL_SOCKET ? getSocketOption(c, sk, name) : sk.ops.getsockopt(c, sk, level, name);
  },
};
