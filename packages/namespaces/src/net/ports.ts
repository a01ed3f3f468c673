/** Ports of a protocol in a namespace: who has which, and whether another may have it too. ip(7), socket(7) SO_REUSEADDR. */
import { type Rng, SO_REUSEADDR, SO_REUSEPORT, ST_LISTEN } from "@kernelkit/core";
import type { InetSock } from "./inetSock.js";
import { isAny, isV4 } from "./ip.js";

/** Would packets for one be packets for the other? */
function overlap(a: InetSock, b: InetSock): boolean {
  if (a.boundDev !== 0 && b.boundDev !== 0 && a.boundDev !== b.boundDev) return false;
  const both4 = a.takes4 && b.takes4;
  const both6 = a.takes6 && b.takes6;
  if (!both4 && !both6) return false;
  return isAny(a.saddr) || isAny(b.saddr) || (a.saddr === b.saddr && isV4(a.saddr) === isV4(b.saddr));
}

export class PortTable {
  readonly byPort: Map<number, InetSock[]> = new Map();

  at(port: number): readonly InetSock[] {
    return this.byPort.get(port) ?? [];
  }

  add(s: InetSock): void {
    const list = this.byPort.get(s.num);
    if (list === undefined) this.byPort.set(s.num, [s]);
    else list.push(s);
  }

  remove(s: InetSock): void {
    const list = this.byPort.get(s.num);
    const i = list?.indexOf(s) ?? -1;
    if (list === undefined || i < 0) return;
    list.splice(i, 1);
    if (list.length === 0) this.byPort.delete(s.num);
  }

  /** Does another socket keep `s` from having `port`? */
  conflict(s: InetSock, port: number, stream: boolean): boolean {
    return this.at(port).some((o) => {
      if (o === s || !overlap(s, o)) return false;
      if (s.option(SO_REUSEPORT) !== 0 && o.option(SO_REUSEPORT) !== 0 && s.uid === o.uid) return false;
      const reuse = s.option(SO_REUSEADDR) !== 0 && o.option(SO_REUSEADDR) !== 0;
      return !reuse || (stream && o.state === ST_LISTEN);
    });
  }

  /** A free port of the range, 0: none. `parity`: streams that connect take even ones first, those that bind odd ones. */
  free(s: InetSock, range: readonly number[], rng: Rng, stream: boolean, parity: number): number {
    const [low, high] = range;
    const n = high - low + 1;
    const start = rng.below(n);
    for (const step of stream ? [parity, 1 - parity] : [-1])
      for (let i = 0; i < n; i++) {
        const port = low + ((start + i) % n);
        if (step >= 0 && (port & 1) !== step) continue;
        if (!this.byPort.has(port) || !this.conflict(s, port, stream)) return port;
      }
    return 0;
  }
}
