/** What a write to a cpuset file says: lists of CPUs and of nodes, as `cpuset_write_resmask()` reads them. */
import { bitmapParselist, EINVAL, fail } from "@kernelkit/core";
import { MAX_NUMNODES } from "../policy/nodes.js";

/** CPUs: EINVAL malformed, ERANGE beyond the possible ones, EOVERFLOW beyond 32 bits. */
export function parseCpus(text: string, nr: number): Uint32Array {
  const m = bitmapParselist(text.trim(), nr);
  return m instanceof Uint32Array ? m : fail(m.nr);
}

/** Nodes: as CPUs, but ERANGE beyond 1024, and EINVAL for one this machine does not allow. */
export function parseMems(text: string, allowed: Uint32Array): Uint32Array {
  const m = bitmapParselist(text.trim(), MAX_NUMNODES);
  if (!(m instanceof Uint32Array)) return fail(m.nr);
  if (m.some((w, i) => (w & ~(allowed[i] ?? 0)) !== 0)) return fail(EINVAL);
  return m.slice(0, allowed.length);
}
