/** /proc/PID/status: a process for people to read. proc_pid_status(5). */
import { RLIMIT_SIGPENDING } from "../abi/resource.js";
import type { Ctx } from "../kernel/ctx.js";
import { formatList, formatMask } from "../lib/bitmapText.js";
import { statusVmText } from "../mm/mapsText.js";
import type { Pid, PidNamespace } from "../task/pid.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { fromKgidMunged, fromKuidMunged } from "../task/userNamespace.js";
import type { OpenFile } from "../vfs/file.js";
import { nsOfFile, ppidOf, stateText } from "./pidStat.js";

/** Nodes that a Linux kernel is built for. */
const MAX_NUMNODES = 1024;

/** Masks and sets have few values: their texts are kept. Not state. */
export class StatusTexts {
  /** Hex and list of masks, which are never changed in place. */
  readonly masks: WeakMap<Uint32Array, [string, string]> = new WeakMap();
  readonly hex: Map<number, string> = new Map();
}

function maskTexts({ masks }: StatusTexts, map: Uint32Array, nbits: number): [string, string] {
  let t = masks.get(map);
  if (t === undefined) {
    let wide = map;
    if (map.length * 32 < nbits) {
      wide = new Uint32Array((nbits + 31) >> 5);
      wide.set(map);
    }
    t = [formatMask(wide, nbits), formatList(map)];
    masks.set(map, t);
  }
  return t;
}

const ZEROS: readonly string[] = ["00000000", "0000000", "000000", "00000", "0000", "000", "00", "0", ""];

function hex8(texts: Map<number, string>, v: number): string {
  if (v === 0) return "00000000";
  let s = texts.get(v);
  if (s === undefined) {
    s = v.toString(16);
    s = ZEROS[s.length] + s;
    if (texts.size >= 256) texts.clear();
    texts.set(v, s);
  }
  return s;
}

/** Numbers from the reader's level to the innermost, tabs between. */
function levels(pid: Pid, ns: PidNamespace): string {
  if (pid.level === ns.level) return `\t${pid.nr[ns.level]}`;
  let s = "";
  for (let i = ns.level; i <= pid.level; i++) s += `\t${pid.nr[i]}`;
  return s;
}

/** The name in status: newline and backslash escaped. */
function escapeComm(comm: string): string {
  return comm.includes("\\") || comm.includes("\n") ? comm.replaceAll("\\", "\\\\").replaceAll("\n", "\\n") : comm;
}

export function statusText(c: Ctx, t: Task, file: OpenFile): string {
  const { k } = c;
  const ns = nsOfFile(file);
  // ids as the opener of the file sees them
  const user = file.cred.userNs;
  const { cred, mm, signal } = t;
  const uid = (id: number): number => (user.uidMap === null ? id : fromKuidMunged(user, id));
  const gid = (id: number): number => (user.gidMap === null ? id : fromKgidMunged(user, id));
  let groups = "";
  for (const g of cred.groups) groups += `${gid(g)} `;
  let ignLo = 0;
  let ignHi = 0;
  let cgtLo = 0;
  let cgtHi = 0;
  const { actions } = t.sighand;
  for (let i = 1; i <= 64; i++) {
    const a = actions[i];
    if (a === null || a.handler === 0) continue;
    const lo = i <= 32 ? (1 << (i - 1)) >>> 0 : 0;
    const hi = i > 32 ? (1 << (i - 33)) >>> 0 : 0;
    if (a.handler === 1) {
      ignLo = (ignLo | lo) >>> 0;
      ignHi = (ignHi | hi) >>> 0;
    } else {
      cgtLo = (cgtLo | lo) >>> 0;
      cgtHi = (cgtHi | hi) >>> 0;
    }
  }
  const { texts } = k.proc;
  const h = (v: number): string => hex8(texts.hex, v);
  const hex16 = (x: { lo: number; hi: number }): string => h(x.hi) + h(x.lo);
  const cpus = maskTexts(texts, t.cpusMask, k.cpus.nr);
  const mems = maskTexts(texts, t.memsAllowed, MAX_NUMNODES);
  const nnp = t.noNewPrivs ? 1 : 0;
  return (
    `Name:\t${escapeComm(t.comm)}\n${t.fs === null ? "" : `Umask:\t${t.fs.umask.toString(8).padStart(4, "0")}\n`}State:\t${stateText(c, t)}\n` +
    `Tgid:\t${t.tgid.nrNs(ns)}\nNgid:\t${k.proc.ngid(t)}\nPid:\t${t.pid.nrNs(ns)}\nPPid:\t${ppidOf(t, ns)}\nTracerPid:\t0\n` +
    `Uid:\t${uid(cred.uid)}\t${uid(cred.euid)}\t${uid(cred.suid)}\t${uid(cred.fsuid)}\nGid:\t${gid(cred.gid)}\t${gid(cred.egid)}\t${gid(cred.sgid)}\t${gid(cred.fsgid)}\n` +
    `FDSize:\t${t.files === null ? 0 : t.files.size}\nGroups:\t${groups === "" ? " " : groups}\n` +
    `NStgid:${levels(t.tgid, ns)}\nNSpid:${levels(t.pid, ns)}\nNSpgid:${levels(signal.pgrp, ns)}\nNSsid:${levels(signal.session, ns)}\nKthread:\t${t.isKthread ? 1 : 0}\n` +
    (mm === null ? "" : `${statusVmText(mm)}CoreDumping:\t0\nTHP_enabled:\t${mm.thpDisabled ? 0 : 1}\nuntag_mask:\t0xffffffffffffffff\n`) +
    `Threads:\t${Math.max(signal.live, 1)}\nSigQ:\t${t.user.sigpending}/${rlimit(t, RLIMIT_SIGPENDING)}\n` +
    `SigPnd:\t${hex16(t.pending.set)}\nShdPnd:\t${hex16(signal.pending.set)}\nSigBlk:\t${hex16(t.blocked)}\n` +
    `SigIgn:\t${h(ignHi)}${h(ignLo)}\nSigCgt:\t${h(cgtHi)}${h(cgtLo)}\n` +
    `CapInh:\t${hex16(cred.inheritable)}\nCapPrm:\t${hex16(cred.permitted)}\nCapEff:\t${hex16(cred.effective)}\nCapBnd:\t${hex16(cred.bounding)}\nCapAmb:\t${hex16(cred.ambient)}\n` +
    `NoNewPrivs:\t${nnp}\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n` +
    `Cpus_allowed:\t${cpus[0]}\nCpus_allowed_list:\t${cpus[1]}\nMems_allowed:\t${mems[0]}\nMems_allowed_list:\t${mems[1]}\n` +
    `voluntary_ctxt_switches:\t${t.nvcsw}\nnonvoluntary_ctxt_switches:\t${t.nivcsw}\n`
  );
}
