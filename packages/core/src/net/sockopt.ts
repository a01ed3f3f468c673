/** Options at level SOL_SOCKET. socket(7) "Socket options". */
import { CAP_NET_ADMIN, CAP_NET_RAW } from "../abi/capability.js";
import { EDOM, ENODATA, ENODEV, ENOPROTOOPT, EOPNOTSUPP, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_COOKIE,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MARK,
  SO_NETNS_COOKIE,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_PEERPIDFD,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_TIMESTAMP,
  SO_TYPE,
} from "../abi/socket.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, misuse, struct } from "../sys/args.js";
import type { SockoptValue } from "../sys/socketSys.js";
import { nsCapable } from "../task/capable.js";
import { type ScmCred, ucredFor } from "./scm.js";
import { type Sock, ST_LISTEN } from "./sock.js";

const MIN_SNDBUF = 4608;
const MIN_RCVBUF = 2304;
/** Priorities above need a capability. */
const MAX_FREE_PRIORITY = 6;

/** Switches: any number but 0 is 1. */
const SWITCHES: readonly number[] = [
  SO_DEBUG,
  SO_REUSEADDR,
  SO_DONTROUTE,
  SO_BROADCAST,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SO_REUSEPORT,
  SO_PASSCRED,
  SO_TIMESTAMP,
  SO_RXQ_OVFL,
];

const isInet = (sk: Sock): boolean => sk.family === AF_INET || sk.family === AF_INET6;

function mayNet(c: Ctx, sk: Sock, ...caps: number[]): void {
  if (!caps.some((cap) => nsCapable(c.k, c.task, sk.net.userNs, cap))) fail(EPERM);
}

/** struct timeval -> ns; both 0: no limit. EDOM. */
function timeo(value: SockoptValue): number {
  const t = struct(value as { sec: number; usec: number }, "value");
  const sec = int(t.sec, "value.sec");
  const usec = int(t.usec, "value.usec");
  if (usec < 0 || usec >= 1e6) return fail(EDOM);
  if (sec < 0) return 0;
  return sec === 0 && usec === 0 ? Number.POSITIVE_INFINITY : sec * 1e9 + usec * 1e3;
}

const timeval = (ns: number): { sec: number; usec: number } =>
  ns === Number.POSITIVE_INFINITY
    ? { sec: 0, usec: 0 }
    : { sec: Math.floor(ns / 1e9), usec: Math.floor((ns % 1e9) / 1e3) };

export function setSocketOption(c: Ctx, sk: Sock, name: number, value: SockoptValue): void {
  switch (name) {
    case SO_SNDTIMEO:
      sk.sndTimeo = timeo(value);
      return;
    case SO_RCVTIMEO:
      sk.rcvTimeo = timeo(value);
      return;
    case SO_LINGER: {
      const l = struct(value as { onoff: number; linger: number }, "value");
      sk.linger = { onoff: int(l.onoff, "value.onoff") !== 0 ? 1 : 0, linger: int(l.linger, "value.linger") };
      return;
    }
    case SO_BINDTODEVICE:
      return bindToDevice(c, sk, value);
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
    case SO_PEERCRED:
    case SO_COOKIE:
      return fail(ENOPROTOOPT);
  }
  const v = int(value, "value");
  const { net } = c.k;
  switch (name) {
    case SO_SNDBUFFORCE:
      mayNet(c, sk, CAP_NET_ADMIN);
      sk.sndbuf = Math.max(Math.max(v, 0) * 2, MIN_SNDBUF);
      return;
    case SO_RCVBUFFORCE:
      mayNet(c, sk, CAP_NET_ADMIN);
      sk.rcvbuf = Math.max(Math.max(v, 0) * 2, MIN_RCVBUF);
      return;
    case SO_SNDBUF:
      // negative numbers are large ones
      sk.sndbuf = Math.max(Math.min(v >>> 0, net.wmemMax) * 2, MIN_SNDBUF);
      c.wake(sk.wait, 1);
      return;
    case SO_RCVBUF:
      sk.rcvbuf = Math.max(Math.min(v >>> 0, net.rmemMax) * 2, MIN_RCVBUF);
      return;
    case SO_RCVLOWAT:
      sk.options.set(name, v < 0 ? 0x7fffffff : v || 1);
      return;
    case SO_PRIORITY:
      if (v < 0 || v > MAX_FREE_PRIORITY) mayNet(c, sk, CAP_NET_RAW, CAP_NET_ADMIN);
      sk.options.set(name, v);
      return;
    case SO_MARK:
      mayNet(c, sk, CAP_NET_RAW, CAP_NET_ADMIN);
      sk.options.set(name, v);
      return;
  }
  if (!SWITCHES.includes(name)) return fail(ENOPROTOOPT);
  if (name === SO_PASSCRED && isInet(sk)) return fail(EOPNOTSUPP);
  if (name === SO_REUSEPORT && v !== 0 && !isInet(sk)) return fail(EOPNOTSUPP);
  if (name === SO_DEBUG && v !== 0) mayNet(c, sk, CAP_NET_ADMIN);
  sk.options.set(name, v === 0 ? 0 : 1);
}

function bindToDevice(c: Ctx, sk: Sock, value: SockoptValue): void {
  if (typeof value !== "string") return misuse("value", value, "the name of a device");
  if (sk.boundDev !== 0) mayNet(c, sk, CAP_NET_RAW);
  if (value === "") {
    sk.boundDev = 0;
    return;
  }
  sk.boundDev = c.k.net.ifindexOf?.(sk.net, value) || fail(ENODEV);
}

export function getSocketOption(c: Ctx, sk: Sock, name: number): SockoptValue {
  switch (name) {
    case SO_TYPE:
      return sk.type;
    case SO_PROTOCOL:
      return sk.protocol;
    case SO_DOMAIN:
      return sk.family;
    case SO_ERROR:
      return sk.takeError();
    case SO_ACCEPTCONN:
      return sk.state === ST_LISTEN ? 1 : 0;
    case SO_SNDBUF:
      return sk.sndbuf;
    case SO_RCVBUF:
      return sk.rcvbuf;
    case SO_SNDLOWAT:
      return 1;
    case SO_RCVLOWAT:
      return sk.option(name) || 1;
    case SO_SNDTIMEO:
      return timeval(sk.sndTimeo);
    case SO_RCVTIMEO:
      return timeval(sk.rcvTimeo);
    case SO_LINGER:
      return sk.linger;
    case SO_PEERCRED:
      return ucredFor(c.k, c.task, peerCred(sk));
    case SO_PEERPIDFD:
      return peerPidfd(c, sk);
    case SO_COOKIE:
      if (sk.cookie === 0) sk.cookie = ++c.k.net.lastCookie;
      return sk.cookie;
    case SO_NETNS_COOKIE:
      return sk.net.cookie;
    case SO_PRIORITY:
    case SO_MARK:
      return sk.option(name);
  }
  if (!SWITCHES.includes(name)) return fail(ENOPROTOOPT);
  if (name === SO_PASSCRED && isInet(sk)) return fail(EOPNOTSUPP);
  return sk.option(name);
}

/** Only sockets of AF_UNIX know who their peer is. */
function peerCred(sk: Sock): ScmCred | null {
  return sk.family === AF_UNIX ? (sk as Sock & { peerCred: ScmCred | null }).peerCred : null;
}

function peerPidfd(c: Ctx, sk: Sock): number {
  const { pidfd } = c.k.tasks;
  const pid = peerCred(sk)?.pid ?? null;
  return pid === null || pidfd === null ? fail(ENODATA) : pidfd.create(c, pid, 0);
}
