/**
 * A socket of AF_UNIX: its name, its peer, and the messages that wait for it. unix(7).
 */
import { SO_PASSCRED, SOCK_DGRAM } from "../../abi/socket.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { WaitQueue } from "../../sched/waitQueue.js";
import type { Dentry } from "../../vfs/dentry.js";
import type { OpenFile } from "../../vfs/file.js";
import type { Mount } from "../../vfs/mount.js";
import type { NetNamespace } from "../netNamespace.js";
import { credOf, dropFiles, type ScmCred, uncountInflight } from "../scm.js";
import { type ProtoOps, Sock } from "../sock.js";

/** A name: a path, or an abstract one ("\0..."). Shared by a listener and the sockets it accepts. */
export class UnixAddr {
  constructor(
    readonly name: string,
    /** Where the file is; null: abstract. */
    readonly mnt: Mount | null,
    readonly dentry: Dentry | null,
  ) {}
}

/** A message (or what is left of one) that nobody has read. */
export class UnixMsg {
  /** Bytes of `data` that were read. */
  offset = 0;
  cred: ScmCred | null = null;
  /** Kernel uid that descriptors under way count for. */
  uid = 0;

  constructor(
    readonly data: Uint8Array,
    /** Whose buffer it takes `cost` bytes of. */
    readonly owner: UnixSock,
    readonly cost: number,
    readonly from: UnixAddr | null,
    public fds: OpenFile[] | null,
  ) {
    owner.wmem += cost;
  }

  get left(): number {
    return this.data.length - this.offset;
  }
}

export class UnixSock extends Sock {
  addr: UnixAddr | null = null;
  peer: UnixSock | null = null;
  /** What can be received. */
  readonly queue: UnixMsg[] = [];
  /** A listener's connections that nobody has accepted. */
  readonly pending: UnixSock[] = [];
  /** How many messages or connections may wait beyond one. */
  backlog: number;
  /** SO_PEERCRED. */
  peerCred: ScmCred | null = null;
  dead = false;
  /** Who waits for room in `queue` or `pending`. */
  readonly peerWait: WaitQueue = new WaitQueue("unix_peer");

  constructor(c: Ctx, net: NetNamespace, family: number, type: number, ops: ProtoOps) {
    super(c.k, c.task.cred.fsuid, net, family, type, 0, ops);
    this.backlog = net.maxDgramQlen;
    net.unixSocks.add(this);
  }

  /** A quarter of the buffer is free of messages: worth waking a writer for. */
  get writable(): boolean {
    return this.wmem * 4 <= this.sndbuf;
  }
  /** No more fits until something is received or accepted. */
  get full(): boolean {
    return this.queue.length + this.pending.length > this.backlog;
  }
  get connected(): boolean {
    return this.type !== SOCK_DGRAM;
  }
}

/** What has descriptors of its own in the queue refers to; for finding circles. */
export function unixOf(f: OpenFile): UnixSock | null {
  return f.data instanceof UnixSock ? f.data : null;
}

/** Descriptors of a message are under way from now on, or no more (`by` -1). */
export function inflight(k: Core, fds: readonly OpenFile[], by: 1 | -1): void {
  for (const f of fds) {
    const s = unixOf(f);
    if (s === null) continue;
    const n = (k.net.inflight.get(s) ?? 0) + by;
    if (n > 0) k.net.inflight.set(s, n);
    else k.net.inflight.delete(s);
  }
}

/** The descriptors of a message leave it: to be received, or dropped. */
export function takeFds(k: Core, m: UnixMsg): OpenFile[] | null {
  const { fds } = m;
  if (fds === null) return null;
  m.fds = null;
  inflight(k, fds, -1);
  uncountInflight(k, m.uid, fds.length);
  return fds;
}

/** A message has been read whole: its room is free, who waits for it learns of it. */
export function consumed(k: Core, m: UnixMsg): void {
  const { owner } = m;
  owner.wmem -= m.cost;
  if (owner.writable && owner.wait.active) k.sched.wakeUp(owner.wait, 0x7fffffff);
}

/** Messages are thrown away. */
export function purge(k: Core, msgs: UnixMsg[]): void {
  for (const m of msgs.splice(0)) {
    consumed(k, m);
    const fds = takeFds(k, m);
    if (fds !== null) dropFiles(k, fds);
  }
}

/** Credentials go along if either side wants to see them, or the sender has named some. */
export function attachCred(c: Ctx, m: UnixMsg, from: UnixSock, to: UnixSock, named: ScmCred | null): void {
  if (named !== null) m.cred = named;
  else if (from.option(SO_PASSCRED) !== 0 || to.option(SO_PASSCRED) !== 0) m.cred = credOf(c.task);
}
