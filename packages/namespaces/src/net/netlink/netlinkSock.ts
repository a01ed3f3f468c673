/** Sockets of AF_NETLINK for NETLINK_ROUTE: requests in, answers and acknowledgements out. netlink(7), rtnetlink(7). */
import {
  AF_NETLINK,
  type Ctx,
  datagramCost,
  EADDRINUSE,
  EINVAL,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  Errno,
  ESOCKTNOSUPPORT,
  FIONREAD,
  fail,
  type InMsg,
  int,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  NETLINK_ROUTE,
  type OutMsg,
  type PidNamespace,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  ProtoOps,
  putNs,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_SETLINK,
  SOCK_DGRAM,
  SOCK_RAW,
  Sock,
  type Sockaddr,
  type SocketFamily,
  sockSleep,
  struct,
  type Task,
  type Wait,
} from "@kernelkit/core";
import type { Inet } from "../inet.js";
import { isV4 } from "../ip.js";
import type { NetState } from "../netState.js";
import { rtnetlink } from "../rtnetlink.js";
import {
  align4,
  concat,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  type NlMessage,
  parseMessages,
  u32,
} from "./nlmsg.js";
import {
  addrMessage,
  addrRequest,
  linkMessage,
  linkRequest,
  routeMessage,
  routeRequest,
  type Told,
} from "./rtnlMessages.js";

const MAX_LINKS = 32;
/** Bytes that one answer of a dump holds. */
const DUMP_ROOM = 16384;

export class NetlinkSock extends Sock {
  /** Its port: usually the pid of the first that asks. 0: none yet. */
  portid = 0;
  groups = 0;
  readonly queue: Uint8Array[] = [];

  constructor(
    readonly st: NetState,
    uid: number,
    type: number,
    protocol: number,
  ) {
    super(st.inet.k, uid, st.net, AF_NETLINK, type, protocol, netlinkOps);
    st.netlink.push(this);
  }
}

/** A port: the caller's pid, or any below zero if that is taken. */
function autobind(c: Ctx, sk: NetlinkSock): void {
  if (sk.portid !== 0) return;
  const { tasks, net } = c.k;
  const taken = (p: number): boolean => p === 0 || sk.st.netlink.some((o) => o.portid === p);
  let port = c.task.tgid.nrNs(tasks.pidNsOf(c.task) as PidNamespace);
  while (taken(port)) port = 0x80000000 + net.rng.below(0x7ffff000);
  sk.portid = port;
}

function bind(c: Ctx, s: Sock, a: Sockaddr): void {
  const sk = s as NetlinkSock;
  if (a.family !== AF_NETLINK) fail(EINVAL);
  const pid = int(a.pid ?? 0, "addr.pid") >>> 0;
  if (sk.portid !== 0 && pid !== sk.portid) fail(EINVAL);
  if (pid === 0) autobind(c, sk);
  else if (sk.portid === 0) {
    if (sk.st.netlink.some((o) => o.portid === pid)) fail(EADDRINUSE);
    sk.portid = pid;
  }
  sk.groups = int(a.groups ?? 0, "addr.groups") >>> 0;
}

/** What the kernel answers to a request; nothing: only whether it was done. */
function answer(st: NetState, t: Task, m: NlMessage): Told[] {
  const dump = (m.flags & NLM_F_DUMP) === NLM_F_DUMP;
  const exclusive = (m.flags & (NLM_F_CREATE | NLM_F_EXCL)) === (NLM_F_CREATE | NLM_F_EXCL);
  const family = m.payload[0] ?? 0;
  const wanted = (v4: boolean): boolean => family === 0 || (family === 2) === v4;
  switch (m.type) {
    case RTM_NEWLINK: {
      const a = linkRequest(m.payload);
      const there =
        a.ifindex !== undefined ? st.devs.has(a.ifindex) : a.ifname !== undefined && st.dev(a.ifname) !== null;
      // without NLM_F_EXCL a link that is there is changed
      if (there && !exclusive) rtnetlink(st, t, "RTM_SETLINK", named(a));
      else if (!there && (m.flags & NLM_F_CREATE) === 0) fail(ENODEV);
      else rtnetlink(st, t, "RTM_NEWLINK", a);
      return [];
    }
    case RTM_SETLINK:
      rtnetlink(st, t, "RTM_SETLINK", named(linkRequest(m.payload)));
      return [];
    case RTM_DELLINK:
      rtnetlink(st, t, "RTM_DELLINK", linkRequest(m.payload));
      return [];
    case RTM_GETLINK: {
      if (dump) return [...st.devs.values()].map((d) => linkMessage(d));
      const a = linkRequest(m.payload);
      const dev = a.ifindex !== undefined ? st.devs.get(a.ifindex) : st.dev(a.ifname ?? fail(EINVAL));
      return [linkMessage(dev ?? fail(ENODEV))];
    }
    case RTM_NEWADDR:
    case RTM_DELADDR:
      rtnetlink(st, t, m.type === RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR", addrRequest(m.payload));
      return [];
    case RTM_GETADDR:
      if (!dump) return fail(EOPNOTSUPP);
      return [...st.devs.values()].flatMap((d) =>
        d.addrs.filter((a) => wanted(isV4(a.ip))).map((a) => addrMessage(d, a)),
      );
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      rtnetlink(st, t, m.type === RTM_NEWROUTE ? "RTM_NEWROUTE" : "RTM_DELROUTE", routeRequest(m.payload));
      return [];
    case RTM_GETROUTE:
      if (!dump) return fail(EOPNOTSUPP);
      return st.fib
        .routes()
        .filter((r) => wanted(isV4(r.dst)))
        .map(routeMessage);
    default:
      return fail(EOPNOTSUPP);
  }
}

/** A link given by number may be given another name. */
function named(a: ReturnType<typeof linkRequest>): ReturnType<typeof linkRequest> {
  return a.ifindex !== undefined && a.ifname !== undefined ? { ...a, newname: a.ifname } : a;
}

/** The status of a request: 0 or an errno, and its header (for an error all of it). */
function status(sk: NetlinkSock, m: NlMessage, errno: number): NlMessage {
  const about = encodeMessage(m);
  const quoted = errno === 0 ? about.subarray(0, 16) : about;
  return { type: NLMSG_ERROR, flags: 0, seq: m.seq, pid: sk.portid, payload: concat([u32(-errno >>> 0), quoted]) };
}

function request(c: Ctx, sk: NetlinkSock, m: NlMessage): void {
  let errno = 0;
  let told: Told[] = [];
  const dump = (m.flags & NLM_F_DUMP) === NLM_F_DUMP && (m.type & 3) === 2;
  if ((m.flags & NLM_F_REQUEST) !== 0 && m.type >= NLMSG_MIN_TYPE) {
    try {
      told = answer(sk.st, c.task, m);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      errno = e.nr;
    }
  }
  const reply = (t: Told, flags: number): Uint8Array => {
    const b = encodeMessage({ ...t, flags, seq: m.seq, pid: sk.portid });
    return b.length === align4(b.length) ? b : concat([b, new Uint8Array(align4(b.length) - b.length)]);
  };
  if (errno === 0 && dump) {
    let piece: Uint8Array[] = [];
    let n = 0;
    for (const t of [...told, { type: NLMSG_DONE, payload: u32(0) }]) {
      const b = reply(t, NLM_F_MULTI);
      if (n + b.length > DUMP_ROOM || t.type === NLMSG_DONE) {
        if (n > 0) deliver(sk, concat(piece));
        piece = [];
        n = 0;
      }
      piece.push(b);
      n += b.length;
    }
    deliver(sk, concat(piece));
    return;
  }
  for (const t of told) deliver(sk, reply(t, 0));
  if (errno !== 0 || (m.flags & NLM_F_ACK) !== 0) deliver(sk, encodeMessage(status(sk, m, errno)));
}

function deliver(sk: NetlinkSock, data: Uint8Array): void {
  // full: the answer is lost
  if (sk.rmem > sk.rcvbuf) return;
  sk.rmem += datagramCost(data.length);
  sk.queue.push(data);
  sk.st.inet.k.sched.wakeUp(sk.wait);
}

function send(c: Ctx, s: Sock, msg: OutMsg, flags: number): number {
  const sk = s as NetlinkSock;
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  if (msg.name !== null) {
    if (msg.name.family !== AF_NETLINK) return fail(EINVAL);
    // only the kernel is spoken to
    if ((msg.name.pid ?? 0) !== 0 || (msg.name.groups ?? 0) !== 0) return fail(EPERM);
  }
  autobind(c, sk);
  for (const m of parseMessages(msg.data)) request(c, sk, m);
  return msg.data.length;
}

function recv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as NetlinkSock;
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  const data = sk.queue[0];
  if (data === undefined) return sockSleep(c, sk.wait, (flags & MSG_DONTWAIT) !== 0, sk.rcvTimeo);
  if ((flags & MSG_PEEK) === 0) {
    sk.queue.shift();
    sk.rmem -= datagramCost(data.length);
  }
  return {
    data: data.slice(0, len),
    addr: { family: AF_NETLINK, pid: 0, groups: 0 },
    len: data.length,
    flags: len < data.length ? MSG_TRUNC : 0,
    control: [],
    fds: null,
    cred: null,
  };
}

export const netlinkOps: ProtoOps = /* @__PURE__ */ new ProtoOps({
  release(_k, s) {
    const sk = s as NetlinkSock;
    const { netlink } = sk.st;
    netlink.splice(netlink.indexOf(sk), 1);
    putNs(sk.net);
  },
  bind,
  connect(c, s, a) {
    struct(a, "addr");
    if (a.family !== 0 && a.family !== AF_NETLINK) fail(EINVAL);
    if ((a.pid ?? 0) !== 0) fail(EPERM);
    autobind(c, s as NetlinkSock);
    return undefined;
  },
  getname(_c, s, peer) {
    const sk = s as NetlinkSock;
    return { family: AF_NETLINK, pid: peer ? 0 : sk.portid, groups: peer ? 0 : sk.groups };
  },
  sendmsg: send,
  recvmsg: recv,
  poll(_c, s, pt) {
    pt?.add(s.wait);
    const out = POLLOUT | POLLWRNORM | POLLWRBAND;
    return (s as NetlinkSock).queue.length > 0 ? out | POLLIN | POLLRDNORM : out;
  },
  ioctl: (_c, s, r) => (r === FIONREAD ? ((s as NetlinkSock).queue[0]?.length ?? 0) : undefined),
});

export function netlinkFamily(inet: Inet): SocketFamily {
  return {
    family: AF_NETLINK,
    create(c, net, type, protocol) {
      if (type !== SOCK_RAW && type !== SOCK_DGRAM) return fail(ESOCKTNOSUPPORT);
      if (protocol < 0 || protocol >= MAX_LINKS || protocol !== NETLINK_ROUTE) return fail(EPROTONOSUPPORT);
      return new NetlinkSock(inet.of(net), c.task.cred.fsuid, type, protocol);
    },
  };
}
