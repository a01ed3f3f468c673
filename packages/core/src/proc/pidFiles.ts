/**
 * The other files of /proc/PID: stat, status, comm, limits, io, oom scores, scheduling, ids, links to directories. proc_pid(5).
 */
import { CAP_SYS_NICE, CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EACCES, EINVAL, ENOENT, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { kstrtoint, kstrtou64 } from "../lib/numberParsers.js";
import { latin1Bytes, utf8Text } from "../lib/text.js";
import { oomScore } from "../mm/oomBadness.js";
import { capable, nsCapable } from "../task/capable.js";
import { setComm } from "../task/comm.js";
import { PTRACE_MODE_ATTACH_FSCREDS, PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from "../task/ptraceAccess.js";
import type { Task } from "../task/task.js";
import type { Path } from "../vfs/mount.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { Inherited } from "./inherited.js";
import { type PidEntry, pidNode } from "./pidEntry.js";
import { statText } from "./pidStat.js";
import { statusText } from "./pidStatus.js";

const LIMITS: readonly [name: string, resource: number, unit: string][] = [
  ["Max cpu time", 0, "seconds"],
  ["Max file size", 1, "bytes"],
  ["Max data size", 2, "bytes"],
  ["Max stack size", 3, "bytes"],
  ["Max core file size", 4, "bytes"],
  ["Max resident set", 5, "bytes"],
  ["Max processes", 6, "processes"],
  ["Max open files", 7, "files"],
  ["Max locked memory", 8, "bytes"],
  ["Max address space", 9, "bytes"],
  ["Max file locks", 10, "locks"],
  ["Max pending signals", 11, "signals"],
  ["Max msgqueue size", 12, "bytes"],
  ["Max nice priority", 13, ""],
  ["Max realtime priority", 14, ""],
  ["Max realtime timeout", 15, "us"],
];

function limitsText(t: Task): string {
  const col = (v: string, n: number): string => v.padEnd(n);
  let s = `${col("Limit", 25)} ${col("Soft Limit", 20)} ${col("Hard Limit", 20)} ${col("Units", 10)}\n`;
  for (const [name, resource, unit] of LIMITS) {
    const l = t.signal.rlimits[resource];
    const one = (v: number, exact: bigint | undefined): string =>
      v === Number.POSITIVE_INFINITY ? "unlimited" : String(exact ?? v);
    s += `${col(name, 25)} ${col(one(l.cur, l.exact?.cur), 20)} ${col(one(l.max, l.exact?.max), 20)} ${unit === "" ? "\n" : `${col(unit, 10)}\n`}`;
  }
  return s;
}

/** Number in a short text as the oom files take it: 12 characters, blanks around. EINVAL, ERANGE. */
function oomNumber(text: string): number {
  const v = kstrtoint(text.slice(0, 12).trim(), 0);
  return typeof v === "number" ? v : fail(v.nr);
}

function setOom(c: Ctx, t: Task, adj: number, floor: number): void {
  const s = t.signal;
  const priv = capable(c.k, c.task, CAP_SYS_RESOURCE);
  if (adj < floor && !priv) fail(EACCES);
  s.oomScoreAdj = adj;
  if (priv) s.oomScoreAdjMin = adj;
}

const oomScoreAdj: PseudoFile<Task> = {
  plain: true,
  show: (_c, t) => `${t.signal.oomScoreAdj}\n`,
  store(c, t, text) {
    const v = oomNumber(text);
    if (v < -1000 || v > 1000) return fail(EINVAL);
    setOom(c, t, v, t.signal.oomScoreAdjMin);
    return Math.min(text.length, 12);
  },
};

/** The scale of old: -17 (never) .. 15. */
const oomAdj: PseudoFile<Task> = {
  plain: true,
  show: (_c, t) => `${t.signal.oomScoreAdj === 1000 ? 15 : Math.trunc((t.signal.oomScoreAdj * 17) / 1000)}\n`,
  store(c, t, text) {
    const v = oomNumber(text);
    if (v !== -17 && (v < -16 || v > 15)) return fail(EINVAL);
    const adj = v === 15 ? 1000 : Math.trunc((v * 1000) / 17);
    setOom(c, t, adj, t.signal.oomScoreAdj);
    return Math.min(text.length, 12);
  },
};

const comm: PseudoFile<Task> = {
  show: (_c, t) => `${t.comm}\n`,
  store(c, t, text) {
    if (t.tgid !== c.task.tgid) return fail(EINVAL);
    setComm(c.k, t, utf8Text(latin1Bytes(text.slice(0, 15))));
    return text.length;
  },
};

function needs(mode: number, show: (c: Ctx, t: Task) => string): NonNullable<PseudoFile<Task>["show"]> {
  return (c, t) => (ptraceMayAccess(c.k, c.task, t, mode) ? show(c, t) : fail(EACCES));
}

const ms = (ns: number): string => {
  const whole = Math.floor(ns / 1e6);
  return `${whole}.${String(Math.floor(ns - whole * 1e6)).padStart(6, "0")}`;
};

/** /proc/PID/sched: "name : value" in columns. */
function schedText(c: Ctx, t: Task): string {
  const { se } = t;
  const line = (name: string, v: number | string): string => `${name.padEnd(45)}:${String(v).padStart(21)}\n`;
  const head = `${t.comm} (${t.pid.nrNs(c.k.tasks.initPidNs)}, #threads: ${t.signal.live})`;
  const prio = se.rtPriority > 0 ? 99 - se.rtPriority : 120 + se.nice;
  return (
    `${head}\n-------------------------------------------------------------------\n` +
    line("se.exec_start", ms(se.execStartNs)) +
    line("se.vruntime", ms(Math.max(0, se.vruntime))) +
    line("se.sum_exec_runtime", ms(se.sumExecNs)) +
    line("se.nr_migrations", 0) +
    line("nr_switches", t.nvcsw + t.nivcsw) +
    line("nr_voluntary_switches", t.nvcsw) +
    line("nr_involuntary_switches", t.nivcsw) +
    (c.k.proc
      .peltSched?.(t)
      .map(([name, v]) => line(`se.avg.${name}`, v))
      .join("") ?? "") +
    line("policy", se.policy) +
    line("prio", prio) +
    line("se.slice", c.k.sched.sliceNs) +
    (c.k.proc.numaSched?.(t) ?? "")
  );
}

const ioText = (): string =>
  "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n";

const timerslack: PseudoFile<Task> = {
  mode: 0o666,
  show(c, t) {
    if (t !== c.task && !nsCapable(c.k, c.task, t.cred.userNs, CAP_SYS_NICE)) return fail(EPERM);
    return `${t.se.timerslackNs}\n`;
  },
  store(c, t, text) {
    const v = kstrtou64(text, 10);
    if (typeof v !== "bigint") return fail(v.nr);
    if (t !== c.task && !nsCapable(c.k, c.task, t.cred.userNs, CAP_SYS_NICE)) return fail(EPERM);
    t.se.timerslackNs = v === 0n ? t.se.defaultTimerslackNs : Number(v);
    return undefined;
  },
};

const IDENTITY_MAP = "         0          0 4294967295\n";
/** Nobody may change the maps of the initial user namespace. */
const idMap: PseudoFile<Task> = { moves: true, show: () => IDENTITY_MAP, store: () => fail(EPERM) };

/** "deny" is for user namespaces whose groups are not mapped yet. */
function storeSetgroups(_c: Ctx, _t: Task, text: string, _file: unknown, pos: number): undefined {
  const word = /^(allow|deny)\s*$/.exec(text);
  if (pos !== 0 || text.length >= 8 || word === null) return fail(EINVAL);
  return word[1] === "deny" ? fail(EPERM) : undefined;
}

/** A link of the task's: what it names, ENOENT if it has none. */
function placeLink(place: (t: Task) => Path | null): NonNullable<PidEntry["link"]> {
  return (c, t, nd) => {
    const p = place(t) ?? fail(ENOENT);
    if (nd === null) return c.k.vfs.dPath(p.mnt, p.dentry, c.task);
    nd.jump(p.mnt, p.dentry);
    return null;
  };
}

/** Before the other groups of files: those at the front of the directory. */
export function installPidFiles(k: Core): void {
  const { proc } = k;
  proc.pidFile("status", { show: statusText });
  proc.pidFile("personality", {
    mode: 0o400,
    show: needs(PTRACE_MODE_ATTACH_FSCREDS, (_c, t) => `${(t.personality >>> 0).toString(16).padStart(8, "0")}\n`),
  });
  proc.pidFile("limits", { show: (_c, t) => limitsText(t) });
  proc.pidFile("sched", { mode: 0o644, show: schedText, store: () => undefined });
  proc.pidFile("comm", comm);
  proc.pidFile("stat", { show: (c, t, file) => statText(c, t, file, !pidNode(file.inode).thread) });
  proc.pidLink(
    "cwd",
    placeLink((t) => t.fs && { mnt: t.fs.pwdMnt, dentry: t.fs.pwdDentry }),
  );
  proc.pidLink(
    "root",
    placeLink((t) => t.fs && { mnt: t.fs.rootMnt, dentry: t.fs.rootDentry }),
  );
  proc.pidLink(
    "exe",
    placeLink((t) => t.mm?.exeFile ?? null),
  );
  proc.pidFile("wchan", {
    show: (c, t) =>
      t === c.task || t.waitingFor === "" || !ptraceMayAccess(c.k, c.task, t, PTRACE_MODE_READ_FSCREDS)
        ? "0"
        : t.waitingFor,
  });
  proc.pidFile("schedstat", { show: (_c, t) => `${t.se.sumExecNs} ${t.se.runDelayNs} ${t.se.pcount}\n` });
  proc.pidFile("oom_score", { show: (c, t) => `${oomScore(c.k.mm, t)}\n` });
  proc.pidFile("oom_adj", oomAdj);
  proc.pidFile("oom_score_adj", oomScoreAdj);
  const inherited = new Inherited(k);
  proc.pidFile("loginuid", inherited.loginuid());
  proc.pidFile("sessionid", { plain: true, show: (_c, t) => String(inherited.get(t).session) });
  proc.pidFile("coredump_filter", inherited.coredumpFilter(), "tgid");
  proc.pidFile("io", { mode: 0o400, show: needs(PTRACE_MODE_READ_FSCREDS, ioText) });
  for (const name of ["uid_map", "gid_map", "projid_map"]) proc.pidFile(name, idMap);
  proc.pidFile("setgroups", { moves: true, show: () => "allow\n", store: storeSetgroups });
  proc.pidFile("timerslack_ns", timerslack, "tgid");
  // no security module answers
  for (const name of ["current", "exec", "fscreate", "keycreate", "sockcreate"])
    proc.pidFile(`attr/${name}`, { mode: 0o666, show: () => fail(EINVAL), store: () => fail(EINVAL) });
  proc.pidFile("attr/prev", { show: () => fail(EINVAL) });
}
