/**
 * A network namespace, as far as core has sockets: abstract names and settings. What has devices puts its fields into `slots`
 * (`k.net.slots.add(...)`). Sockets keep the namespace they were made in alive. network_namespaces(7).
 */
import type { Namespace, NsType } from "../task/namespace.js";
import type { UserNamespace } from "../task/userNamespace.js";
import type { UnixSock } from "./unix/unixSock.js";

export class NetNamespace implements Namespace {
  refs = 1;
  /** Package fields, by slot of `k.net.slots`. */
  readonly slots: unknown[] = [];
  /** Abstract names: type and name -> the socket. unix(7). */
  readonly unixNames: Map<string, UnixSock> = new Map();
  readonly unixSocks: Set<UnixSock> = new Set();
  /** /proc/sys/net/unix/max_dgram_qlen, net/core/somaxconn. */
  maxDgramQlen = 10;
  somaxconn = 4096;

  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
    /** SO_NETNS_COOKIE. Never given again. */
    readonly cookie: number,
  ) {}
}
