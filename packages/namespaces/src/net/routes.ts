/** Routes that are asked for: checks and errors. ip-route(8), rtnetlink(7). */
import { EEXIST, EINVAL, ENETDOWN, ENETUNREACH, ENODEV, ESRCH, fail } from "@kernelkit/core";
import { Route, type RouteType, RT_TABLE_MAIN, RTPROT_BOOT } from "./fib.js";
import { type Ip, isV4, network } from "./ip.js";
import type { NetDevice } from "./netDevice.js";
import type { NetState } from "./netState.js";

export interface RouteRequest {
  dst: Ip;
  len: number;
  via: Ip | null;
  dev: NetDevice | null;
  type: RouteType;
  table: number;
  metric: number;
  src: Ip | null;
}

/**
 * EINVAL bits behind the prefix, a gateway that is none; ENETUNREACH a gateway that is in no network of a device that is up; ENODEV,
 * ENETDOWN the device; EEXIST.
 */
export function addRoute(st: NetState, q: RouteRequest): void {
  if (network(q.dst, q.len) !== q.dst) fail(EINVAL);
  const metric = isV4(q.dst) || q.metric !== 0 ? q.metric : 1024;
  let { dev } = q;
  if (q.type !== "unicast") dev = null;
  else if (q.via !== null) {
    const near = st.fib.lookup(q.via, q.dev?.ifindex ?? 0, true) ?? fail(ENETUNREACH);
    if (near.type !== "unicast" && near.type !== "local") fail(EINVAL);
    if (near.dev === null || (q.dev !== null && near.dev !== q.dev)) return fail(ENETUNREACH);
    if (!near.dev.up) return fail(ENETDOWN);
    dev = near.dev;
  } else if (dev === null) return fail(ENODEV);
  else if (!dev.up) return fail(ENETDOWN);
  if (q.src !== null && !st.fib.isLocal(q.src)) fail(EINVAL);
  if (!st.fib.insert(new Route(q.table || RT_TABLE_MAIN, q.type, q.dst, q.len, dev, q.via, q.src, metric, RTPROT_BOOT)))
    fail(EEXIST);
}

/** The first route that is as asked for. EINVAL bits behind the prefix; ESRCH. */
export function delRoute(st: NetState, q: RouteRequest): void {
  if (network(q.dst, q.len) !== q.dst) fail(EINVAL);
  const found = st.fib.removeOne(
    q.dst,
    (r) =>
      r.table === (q.table || RT_TABLE_MAIN) &&
      r.dst === q.dst &&
      r.len === q.len &&
      (q.via === null || r.gw === q.via) &&
      (q.dev === null || r.dev === q.dev) &&
      (q.metric === 0 || r.metric === q.metric) &&
      (q.type === "unicast" || r.type === q.type),
  );
  if (!found) fail(ESRCH);
}
