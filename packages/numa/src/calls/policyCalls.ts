/** set_mempolicy(2), get_mempolicy(2), mbind(2), set_mempolicy_home_node(2). */
import {
  CAP_SYS_NICE,
  type Ctx,
  capable,
  EFAULT,
  EINVAL,
  EIO,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  fail,
  findVma,
  followPage,
  type Impl,
  int,
  type Mm,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_ADDR,
  MPOL_F_MEMS_ALLOWED,
  MPOL_F_NODE,
  MPOL_INTERLEAVE,
  MPOL_MF_LAZY,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  MPOL_MF_STRICT,
  MPOL_MF_VALID,
  MPOL_PREFERRED_MANY,
  MPOL_WEIGHTED_INTERLEAVE,
  ulong,
  userFault,
  vmaPosition,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import { Schednuma } from "../balance/schednuma/schednuma.js";
import { collectPages, movable } from "../migrate.js";
import { Mempolicy, mpolNew, sanitizeMode } from "../policy/mempolicy.js";
import { nextNodeIn, policyNode } from "../policy/placement.js";
import type { NumaSystem } from "../state.js";
import { eachVma } from "./eachVma.js";
import type { NumaSys } from "./numaSys.js";
import { getNodes } from "./userNodes.js";

const ULONG = 2 ** 64;
const align = (n: number): number => Math.ceil(n / 4096) * 4096;
const mmOf = (c: Ctx): Mm => c.task.mm ?? fail(EINVAL);

/** End of a range as the calls compute it: EINVAL when it wraps. */
function rangeEnd(start: number, len: number): number {
  const size = align(len);
  // a length just below 2^64 rounds to 0 or makes the sum wrap
  if (size >= ULONG) return start;
  return start + size >= ULONG ? fail(EINVAL) : start + size;
}

type Calls = Pick<Impl<NumaSys>, "set_mempolicy" | "get_mempolicy" | "mbind" | "set_mempolicy_home_node">;

export function policyCalls(sys: NumaSystem): Calls {
  return {
    set_mempolicy(c, mode, nodemask, maxnode) {
      const m = sanitizeMode(int(mode, "mode"));
      const policy = mpolNew(m.mode, m.flags, getNodes(nodemask, maxnode), sys.allowed(c.task));
      const t = sys.task(c.task);
      t.policy = policy;
      // as recorded: MPOL_F_NODE then tells the first member above node 0
      t.ilPrev = 0;
      t.ilWeight = 0;
      return 0;
    },
    get_mempolicy(c, mode, nodemask, maxnode, addr, flags) {
      if (nodemask !== null && ulong(maxnode, "maxnode") < sys.nodes) return fail(EINVAL);
      const r = doGet(sys, c, ulong(addr, "addr"), int(flags, "flags"));
      if (r === WAIT) return WAIT;
      if (mode === "EFAULT" || nodemask === "EFAULT") return fail(EFAULT);
      const words = (n: number): number => Math.ceil(n / 64) * 64;
      const limit = Math.min(words(maxnode - 1), words(sys.nodes));
      return {
        ...(mode !== null && { mode: r.mode }),
        ...(nodemask !== null && { nodes: r.nodes.filter((n) => n < limit) }),
      };
    },
    mbind(c, addr, len, mode, nodemask, maxnode, flags) {
      const m = sanitizeMode(int(mode, "mode"));
      const user = getNodes(nodemask, maxnode);
      let f = int(flags, "flags");
      const lazy = sys.strategy instanceof Schednuma && (f & MPOL_MF_LAZY) !== 0 ? sys.strategy : null;
      if (lazy !== null) f &= ~(MPOL_MF_LAZY | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL);
      if ((f & ~MPOL_MF_VALID) !== 0) return fail(EINVAL);
      if ((f & MPOL_MF_MOVE_ALL) !== 0 && !capable(sys.k, c.task, CAP_SYS_NICE)) return fail(EPERM);
      const start = ulong(addr, "addr");
      if (start % 4096 !== 0) return fail(EINVAL);
      if (m.mode === MPOL_DEFAULT) f &= ~MPOL_MF_STRICT;
      const end = rangeEnd(start, ulong(len, "len"));
      if (end === start) return 0;
      const policy = mpolNew(m.mode, m.flags, user, sys.allowed(c.task));
      const mm = mmOf(c);
      checkRange(mm, start, end, policy === null);
      const move = (f & (MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0;
      const wrong = f === 0 ? [] : collectPages(sys, mm, start, end, (nid) => !user.includes(nid));
      if ((f & MPOL_MF_STRICT) !== 0 && !move && wrong.length > 0) return fail(EIO);
      eachVma(sys, mm, start, end, (v) => sys.setVmaPolicy(v, policy));
      lazy?.armRange(mm, start, end);
      if (!move) return 0;
      let failed = 0;
      let moved = 0;
      const local = sys.k.mm.numaNodeId();
      for (const w of wrong) {
        if ((f & MPOL_MF_MOVE_ALL) === 0 && sys.k.mm.frames.mapcount[sys.k.mm.frames.head(w.pfn)] > 1) continue;
        const nid = policyNode(sys, policy, w.index, local);
        if (nid < 0) continue;
        if (movable(sys, c, w.pfn, nid, policy) < 0) failed++;
        else moved++;
      }
      sys.migrated(moved, failed, false, "mempolicy_mbind");
      return failed > 0 && (f & MPOL_MF_STRICT) !== 0 ? fail(EIO) : 0;
    },
    set_mempolicy_home_node(c, addr, len, node, flags) {
      const start = ulong(addr, "addr");
      if (start % 4096 !== 0 || int(flags, "flags") !== 0) return fail(EINVAL);
      const nid = ulong(node, "node");
      if (nid >= sys.nodes) return fail(EINVAL);
      const end = rangeEnd(start, ulong(len, "len"));
      if (end === start) return 0;
      let error = ENOENT;
      let stop = false;
      eachVma(sys, mmOf(c), start, end, (v) => {
        const old = v.slots[sys.vmaSlot] as Mempolicy | null;
        if (old === null || stop) return;
        if (old.mode !== MPOL_BIND && old.mode !== MPOL_PREFERRED_MANY) {
          error = EOPNOTSUPP;
          stop = true;
          return;
        }
        sys.setVmaPolicy(v, new Mempolicy(old.mode, old.flags, old.nodes, old.context, nid));
        error = 0;
      });
      return error === 0 ? 0 : fail(error === ENOENT ? ENOENT : EOPNOTSUPP);
    },
  };
}

/** EFAULT: nothing is mapped, or (unless `holes`) not everything. */
function checkRange(mm: Mm, start: number, end: number, holes: boolean): void {
  let i = vmaPosition(mm.vmas, start);
  if (i === mm.vmas.length || mm.vmas[i].start >= end) fail(EFAULT);
  if (holes) return;
  let at = start;
  for (; at < end; i++) {
    if (i === mm.vmas.length || mm.vmas[i].start > at) fail(EFAULT);
    at = mm.vmas[i].end;
  }
}

function doGet(
  sys: NumaSystem,
  c: Ctx,
  addr: number,
  flags: number,
): { mode: number; nodes: readonly number[] } | Wait {
  if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) !== 0) return fail(EINVAL);
  if ((flags & MPOL_F_MEMS_ALLOWED) !== 0) {
    if ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) !== 0) return fail(EINVAL);
    return { mode: MPOL_DEFAULT, nodes: sys.allowed(c.task) };
  }
  const own = sys.task(c.task);
  let p = own.policy;
  let mode: number;
  if ((flags & MPOL_F_ADDR) !== 0) {
    const mm = mmOf(c);
    const v = findVma(mm, addr) ?? fail(EFAULT);
    p = sys.vmaPolicy(v, addr);
    if ((flags & MPOL_F_NODE) !== 0) {
      const { mm: m } = sys.k;
      if (followPage(m, mm, addr) === 0 && userFault(m, c, null, mm, addr, false) === WAIT) return WAIT;
      mode = m.nodeOf(followPage(m, mm, addr));
      return { mode, nodes: shownNodes(p) };
    }
  } else if (addr !== 0) return fail(EINVAL);
  if ((flags & MPOL_F_NODE) === 0) mode = p === null ? MPOL_DEFAULT : p.mode | p.flags;
  else if (p?.mode === MPOL_INTERLEAVE) mode = nextNodeIn(own.ilPrev, p.nodes);
  else if (p?.mode === MPOL_WEIGHTED_INTERLEAVE) mode = own.ilWeight > 0 ? own.ilPrev : nextNodeIn(own.ilPrev, p.nodes);
  else return fail(EINVAL);
  return { mode, nodes: shownNodes(p) };
}

const shownNodes = (p: Mempolicy | null): readonly number[] => (p === null ? [] : p.keepsUser ? p.context : p.nodes);
