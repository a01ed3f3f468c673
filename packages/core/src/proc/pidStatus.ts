/** /proc/PID/status: a process for people to read. proc_pid_status(5). */
import { RLIMIT_SIGPENDING } from "../abi/resource.js";
import type { Ctx } from "../kernel/ctx.js";
import { formatList, formatMask } from "../lib/bitmapText.js";
import { statusVmText } from "../mm/mapsText.js";
import type { Mm } from "../mm/mm.js";
import type { Cred } from "../task/cred.js";
import type { Pid, PidNamespace } from "../task/pid.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { fromKgidMunged, fromKuidMunged, type UserNamespace } from "../task/userNamespace.js";
import type { OpenFile } from "../vfs/file.js";
import { nsOfFile, ppidOf, stateText } from "./pidStat.js";

/** Nodes that a Linux kernel is built for. */
const MAX_NUMNODES = 1024;

/** Masks and sets have few values: their texts are kept. Not state. */
export class StatusTexts {
  /** Hex and list of masks, which are never changed in place. */
  readonly masks: WeakMap<Uint32Array, string> = new WeakMap();
  readonly hex: Map<number, string> = new Map();
  /** Lines of memory, and what they were made of. */
  readonly mms: WeakMap<Mm, { of: number[]; text: string }> = new WeakMap();
  /** Lines of credentials, as the initial user namespace shows them: ids, groups, capabilities. */
  readonly creds: WeakMap<Cred, [ids: string, groups: string, caps: string]> = new WeakMap();
}

function credTexts(cred: Cred, user: UserNamespace): [string, string, string] {
  const uid = (id: number): number => fromKuidMunged(user, id);
  const gid = (id: number): number => fromKgidMunged(user, id);
  let groups = "";
  for (const g of cred.groups) groups += `${gid(g)} `;
  const { inheritable, permitted, effective, bounding, ambient } = cred;
  const lines: [string, string, string] = [
    `Uid:\t${uid(cred.uid)}\t${uid(cred.euid)}\t${uid(cred.suid)}\t${uid(cred.fsuid)}\nGid:\t${gid(cred.gid)}\t${gid(cred.egid)}\t${gid(cred.sgid)}\t${gid(cred.fsgid)}\nFDSize:\t`,
    `\nGroups:\t${groups === "" ? " " : groups}\nNStgid:`,
    `CapInh:\t${inheritable.hex()}\nCapPrm:\t${permitted.hex()}\nCapEff:\t${effective.hex()}\nCapBnd:\t${bounding.hex()}\nCapAmb:\t${ambient.hex()}\nNoNewPrivs:\t`,
  ];
  for (const l of lines) flat(l);
  return lines;
}

/** Credentials never change, so their texts do not either. */
function credLines(texts: StatusTexts, cred: Cred, user: UserNamespace): [string, string, string] {
  if (user.uidMap !== null || user.gidMap !== null) return credTexts(cred, user);
  let t = texts.creds.get(cred);
  if (t === undefined) {
    t = credTexts(cred, user);
    texts.creds.set(cred, t);
  }
  return t;
}

/** A string made of pieces becomes one, so that it costs no more than a literal when it is used again. */
function flat(s: string): string {
  s.charCodeAt(0);
  return s;
}

/** The lines of memory. They are made anew when a number has changed: that is dearer than to compare. */
function mmLines(texts: StatusTexts, mm: Mm): string {
  const { rss } = mm;
  const last = texts.mms.get(mm);
  if (last !== undefined) {
    const { of } = last;
    if (
      of[0] === mm.totalVm &&
      of[1] === rss[0] &&
      of[2] === rss[1] &&
      of[3] === rss[2] &&
      of[4] === rss[3] &&
      of[5] === mm.pgtablesBytes &&
      of[6] === mm.hiwaterRss &&
      of[7] === mm.hiwaterVm &&
      of[8] === mm.lockedVm &&
      of[9] === mm.pinnedVm &&
      of[10] === mm.dataVm &&
      of[11] === mm.execVm &&
      of[12] === mm.stackVm &&
      of[13] === mm.endCode - mm.startCode &&
      of[14] === (mm.thpDisabled ? 1 : 0)
    )
      return last.text;
  }
  const text = flat(
    `${statusVmText(mm)}CoreDumping:\t0\nTHP_enabled:\t${mm.thpDisabled ? 0 : 1}\nuntag_mask:\t0xffffffffffffffff\n`,
  );
  const of = [mm.totalVm, rss[0], rss[1], rss[2], rss[3], mm.pgtablesBytes, mm.hiwaterRss, mm.hiwaterVm, mm.lockedVm];
  of.push(mm.pinnedVm, mm.dataVm, mm.execVm, mm.stackVm, mm.endCode - mm.startCode, mm.thpDisabled ? 1 : 0);
  texts.mms.set(mm, { of, text });
  return text;
}

function maskLines({ masks }: StatusTexts, map: Uint32Array, nbits: number, name: string): string {
  let t = masks.get(map);
  if (t === undefined) {
    let wide = map;
    if (map.length * 32 < nbits) {
      wide = new Uint32Array((nbits + 31) >> 5);
      wide.set(map);
    }
    t = flat(`${formatMask(wide, nbits)}\n${name}_list:\t${formatList(map)}\n`);
    masks.set(map, t);
  }
  return t;
}

const NO_SIGNALS: string = /* @__PURE__ */ ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"]
  .map((name) => `${name}:\t0000000000000000\n`)
  .join("");
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

/** The numbers of `pid` from the reader's level to the innermost of `own`, tabs between; 0 where it is not seen. */
function levels(pid: Pid, own: Pid, ns: PidNamespace): string {
  if (own.level === ns.level) return `\t${pid.nrNs(ns)}`;
  let s = "";
  for (let i = ns.level; i <= own.level; i++) s += `\t${pid.nrNs(own.ns[i])}`;
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
  const [ids, groups, caps] = credLines(texts, cred, user);
  const h = (v: number): string => hex8(texts.hex, v);
  const hex16 = (x: { lo: number; hi: number }): string => h(x.hi) + h(x.lo);
  const cpus = maskLines(texts, t.cpusMask, k.cpus.nr, "Cpus_allowed");
  const mems = maskLines(texts, t.memsAllowed, MAX_NUMNODES, "Mems_allowed");
  const own = t.pending.set;
  const shared = signal.pending.set;
  const { blocked } = t;
  let signals = NO_SIGNALS;
  if ((own.lo | own.hi | shared.lo | shared.hi | blocked.lo | blocked.hi | ignLo | ignHi | cgtLo | cgtHi) !== 0)
    signals = `SigPnd:\t${hex16(own)}\nShdPnd:\t${hex16(shared)}\nSigBlk:\t${hex16(blocked)}\nSigIgn:\t${h(ignHi)}${h(ignLo)}\nSigCgt:\t${h(cgtHi)}${h(cgtLo)}\n`;
  const nnp = t.noNewPrivs ? 1 : 0;
  return (
    `Name:\t${escapeComm(t.comm)}\n${t.fs === null ? "" : `Umask:\t${t.fs.umask.toString(8).padStart(4, "0")}\n`}State:\t${stateText(c, t)}\n` +
    `Tgid:\t${t.tgid.nrNs(ns)}\nNgid:\t${k.proc.ngid(t)}\nPid:\t${t.pid.nrNs(ns)}\nPPid:\t${ppidOf(t, ns)}\nTracerPid:\t0\n` +
    `${ids}${t.files === null ? 0 : t.files.size}${groups}${levels(t.tgid, t.pid, ns)}\nNSpid:${levels(t.pid, t.pid, ns)}\nNSpgid:${levels(signal.pgrp, t.pid, ns)}\nNSsid:${levels(signal.session, t.pid, ns)}\nKthread:\t${t.isKthread ? 1 : 0}\n` +
    (mm === null ? "" : mmLines(texts, mm)) +
    `Threads:\t${Math.max(signal.live, 1)}\nSigQ:\t${t.user.sigpending}/${rlimit(t, RLIMIT_SIGPENDING)}\n` +
    signals +
    `${caps}${nnp}\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n` +
    `Cpus_allowed:\t${cpus}Mems_allowed:\t${mems}voluntary_ctxt_switches:\t${t.nvcsw}\nnonvoluntary_ctxt_switches:\t${t.nivcsw}\n`
  );
}
