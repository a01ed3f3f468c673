/**
 * `k.net`: families of sockets, the network namespaces they live in, and what all sockets share.
 *
 *     k.net.register({ family: AF_INET, create(c, net, type, protocol) { return new InetSock(...) } });     // in install
 *     k.net.of(task)                                        // its network namespace
 *     const slot = k.net.slots.add("devices", () => ...);   // a field on every namespace
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { Slots } from "../kernel/slots.js";
import type { Rng } from "../lib/rng.js";
import type { NsType } from "../task/namespace.js";
import type { Task } from "../task/task.js";
import type { UserNamespace } from "../task/userNamespace.js";
import type { Inode } from "../vfs/inode.js";
import { NetNamespace } from "./netNamespace.js";
import type { Sock } from "./sock.js";
import type { UnixSock } from "./unix/unixSock.js";

/** A family of addresses: a static. */
export interface SocketFamily {
  readonly family: number;
  /** A new socket. ESOCKTNOSUPPORT; EPROTONOSUPPORT; EPERM. */
  create(c: Ctx, net: NetNamespace, type: number, protocol: number): Sock;
}

const PROC_NET_INIT_INO = 0xf0000000 - 7;

export class Net {
  static readonly transient: readonly string[] = ["families", "slots", "ifindexOf", "deviceIoctl"];
  readonly families: Map<number, SocketFamily> = new Map();
  readonly slots: Slots<NetNamespace> = new Slots();
  /** ifindex of a name in a namespace, 0: none; set by whoever has devices (SO_BINDTODEVICE). */
  ifindexOf: ((net: NetNamespace, name: string) => number) | null = null;
  /** ioctl(2) about devices, on any socket; undefined: it is none. */
  deviceIoctl: ((c: Ctx, sk: Sock, request: number, arg: unknown) => unknown) | null = null;
  readonly type: NsType;
  readonly init: NetNamespace;
  readonly rng: Rng;
  lastCookie = 0;
  lastNetCookie = 0;
  /** Sockets bound to files. */
  readonly unixInodes: Map<Inode, UnixSock> = new Map();
  /** Sockets whose descriptors are under way in messages: how often. */
  readonly inflight: Map<UnixSock, number> = new Map();
  /** Descriptors under way, by kernel uid of the sender. */
  readonly inflightOf: Map<number, number> = new Map();
  /** Bytes: /proc/sys/net/core/{w,r}mem_{default,max}. */
  wmemDefault = 212992;
  rmemDefault = 212992;
  wmemMax = 4194304;
  rmemMax = 4194304;

  constructor(readonly k: Core) {
    this.rng = k.rng.fork("net");
    this.type = { name: "net", flag: 0x40000000, procNames: ["net"], index: -1, order: 5 };
    this.init = this.makeNs(PROC_NET_INIT_INO, k.tasks.initUserNs);
  }

  /** A namespace with one reference. */
  makeNs(ino: number, userNs: UserNamespace): NetNamespace {
    const net = new NetNamespace(this.type, ino, userNs, ++this.lastNetCookie);
    this.slots.fill(net, net.slots);
    return net;
  }

  /** The network namespace of a task. */
  of(t: Task): NetNamespace {
    return t.nsproxy.ns[this.type.index] as NetNamespace;
  }

  /** In install. TypeError if the family is taken. */
  register(f: SocketFamily): void {
    if (this.families.has(f.family)) throw new TypeError(`socket family ${f.family} is registered twice`);
    this.families.set(f.family, f);
  }
}
