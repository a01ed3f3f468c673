/** Where two states differ: the path of the first difference between two saved graphs. */
import type { StateGraph } from "./state.js";

/** "sched.rqs[0].nrRunning: 1 / 2", or null if the graphs describe equal states. `ignore(path)`: that place may differ. */
export function pathOfDifference(
  a: StateGraph,
  b: StateGraph,
  ignore: (path: string) => boolean = () => false,
): string | null {
  const pairs = new Map<number, number>();
  type Node = Record<string, unknown>;
  const walk = (x: unknown, y: unknown, path: string, todo: [number, number, string][]): string | null => {
    if (ignore(path)) return null;
    if (typeof x !== "object" || x === null || typeof y !== "object" || y === null)
      return Object.is(x, y) ? null : `${path}: ${JSON.stringify(x)} / ${JSON.stringify(y)}`;
    const ox = (x as { o?: number }).o;
    const oy = (y as { o?: number }).o;
    if (ox !== undefined && oy !== undefined) {
      const seen = pairs.get(ox);
      if (seen === undefined) {
        pairs.set(ox, oy);
        todo.push([ox, oy, path]);
        return null;
      }
      return seen === oy ? null : `${path}: refers to another object`;
    }
    const kx = Object.keys(x);
    const ky = Object.keys(y);
    if (kx.join() !== ky.join()) return `${path}: fields ${kx.join()} / ${ky.join()}`;
    for (const k of kx) {
      const d = walk((x as Node)[k], (y as Node)[k], k.length === 1 ? path : `${path}.${k}`, todo);
      if (d !== null) return d;
    }
    return null;
  };
  for (const name of Object.keys(a.roots)) {
    if (!(name in b.roots)) return `${name}: only in the first`;
    const todo: [number, number, string][] = [[a.roots[name], b.roots[name], name]];
    for (let t = todo.pop(); t !== undefined; t = todo.pop()) {
      const nx = a.nodes[t[0]];
      const ny = b.nodes[t[1]];
      const path = t[2];
      const isArray = typeof nx === "object" && nx !== null && "a" in nx;
      if (isArray) {
        const xs = (nx as { a: unknown[] }).a;
        const ys = (ny as { a?: unknown[] }).a;
        if (ys === undefined || xs.length !== ys.length) return `${path}: length ${xs.length} / ${ys?.length}`;
        for (let i = 0; i < xs.length; i++) {
          const d = walk(xs[i], ys[i], `${path}[${i}]`, todo);
          if (d !== null) return d;
        }
        continue;
      }
      const d = walk(nx, ny, path, todo);
      if (d !== null) return d;
    }
  }
  return null;
}
