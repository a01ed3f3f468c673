/**
 * Routes: the tables local and main of a namespace, and which route a packet takes: the longest prefix of the first table that
 * has one, of equal ones that with the lowest metric. ip-route(8), Documentation/networking/fib_trie.
 */
import { type Ip, inNetwork, isV4 } from "./ip.js";
import type { NetDevice } from "./netDevice.js";

export const RT_TABLE_LOCAL = 255;
export const RT_TABLE_MAIN = 254;

export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;

export type RouteType = "unicast" | "local" | "broadcast" | "unreachable" | "blackhole" | "prohibit";

export class Route {
  constructor(
    readonly table: number,
    readonly type: RouteType,
    readonly dst: Ip,
    readonly len: number,
    /** Null: routes that lead nowhere. */
    readonly dev: NetDevice | null,
    readonly gw: Ip | null,
    /** Source address of packets that have none. */
    readonly src: Ip | null,
    readonly metric: number,
    readonly proto: number,
  ) {}
}

const sameNet = (a: Route, b: Route): boolean =>
  a.table === b.table && a.len === b.len && a.dst === b.dst && a.metric === b.metric;

export class Fib {
  /** Null: no route has ever been there, so there are no tables. */
  v4: Route[] | null = null;
  /** The table of the machine's own addresses of IPv4 is there. */
  local4 = false;
  readonly v6: Route[] = [];

  private list(like: Ip): Route[] {
    if (!isV4(like)) return this.v6;
    this.v4 ??= [];
    return this.v4;
  }

  routes(): Route[] {
    return [...(this.v4 ?? []), ...this.v6];
  }

  /** False: there is one for the network with that metric. `append`: only one by the same device counts. */
  insert(r: Route, append = false): boolean {
    const list = this.list(r.dst);
    if (list.some((o) => sameNet(o, r) && (!append || (o.dev === r.dev && o.type === r.type)))) return false;
    list.push(r);
    if (isV4(r.dst) && r.table === RT_TABLE_LOCAL) this.local4 = true;
    return true;
  }

  /** Take away what `which` says; how many. */
  remove(which: (r: Route) => boolean): number {
    let n = 0;
    for (const list of [this.v4 ?? [], this.v6])
      for (let i = list.length - 1; i >= 0; i--)
        if (which(list[i])) {
          list.splice(i, 1);
          n++;
        }
    return n;
  }

  /** The first of what matches, removed. */
  removeOne(like: Ip, which: (r: Route) => boolean): boolean {
    const list = isV4(like) ? (this.v4 ?? []) : this.v6;
    const i = list.findIndex(which);
    if (i >= 0) list.splice(i, 1);
    return i >= 0;
  }

  /** `oif`: the device it must leave by, 0: any. `onlink`: only routes without a gateway. */
  lookup(dst: Ip, oif = 0, onlink = false): Route | null {
    const list = isV4(dst) ? this.v4 : this.v6;
    if (list === null) return null;
    for (const table of [RT_TABLE_LOCAL, RT_TABLE_MAIN]) {
      let best: Route | null = null;
      for (const r of list) {
        if (r.table !== table || !inNetwork(dst, r.dst, r.len)) continue;
        if (oif !== 0 && r.dev?.ifindex !== oif && r.type === "unicast") continue;
        if (onlink && r.gw !== null) continue;
        if (best === null || r.len > best.len || (r.len === best.len && r.metric < best.metric)) best = r;
      }
      if (best !== null) return best;
    }
    return null;
  }

  /** Is it the machine's own? Any is while there is no table of them. */
  isLocal(ip: Ip): boolean {
    if (isV4(ip) && !this.local4) return true;
    const r = this.lookup(ip);
    return r !== null && r.type === "local";
  }
}
