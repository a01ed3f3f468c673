/**
 * What of writeback's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and the
 * devices and mounts of the start state. The vocabulary is in the README.
 */
import { type Core, type Inode, incIversion, maybeIncIversion, queryIversion } from "@kernelkit/core";
import {
  dirtyPollInterval,
  dirtySetpoint,
  domainDirtyLimits,
  domainUpdateDirtyLimit,
  errseqCheck,
  errseqCheckAndAdvance,
  errseqSample,
  errseqSet,
  FpropGlobal,
  FpropLocal,
  PauseRound,
  pauseRound,
  type WritebackApi,
  wbCalcThresh,
  wbPositionRatio,
  wbUpdateDirtyRatelimit,
  wbUpdateWriteBandwidth,
} from "@kernelkit/writeback";
import { NotYet } from "../outcome.js";
import type { Session } from "../session.js";
import { HOLDER, makeDirs } from "../startState.js";
import type { KernelOps } from "../steps/kernelSteps.js";

type Numbers = Readonly<Record<string, number>>;
const HZ = 250;

const control = (a: Numbers) => ({
  thresh: a.thresh,
  bgThresh: a.bg_thresh,
  dirtyLimit: a.dirty_limit,
  dirty: a.dirty,
  wbThresh: a.wb_thresh,
  wbBgThresh: a.wb_bg_thresh ?? 0,
  wbDirty: a.wb_dirty,
  avgWriteBandwidth: a.avg_write_bandwidth ?? 0,
  strictlimit: a.strictlimit === 1,
});

const errseqOf = (s: Session): { raw: number } => s.state("errseq", () => ({ raw: 0 }));
const fpropOf = (s: Session) =>
  s.state("fprop", () => ({ global: new FpropGlobal(), A: new FpropLocal(), B: new FpropLocal() }));

const shares = (f: ReturnType<typeof fpropOf>): Record<string, string> => {
  const out: Record<string, string> = {};
  for (const name of ["A", "B"] as const) {
    f[name].fraction(f.global);
    out[name] = `${f[name].numerator}/${f[name].denominator}`;
  }
  return out;
};

export const writebackOps: KernelOps = {
  wb_position_ratio: (_s, [a]) => ({ fields: { pos_ratio: wbPositionRatio(control(a as Numbers), "6.1") } }),
  wb_update_dirty_ratelimit(_s, [v]) {
    const a = v as Numbers;
    const c = control(a);
    const r = { dirtyRatelimit: a.dirty_ratelimit, balancedDirtyRatelimit: a.balanced_dirty_ratelimit };
    wbUpdateDirtyRatelimit(
      r,
      {
        dirty: c.strictlimit ? c.wbDirty : c.dirty,
        setpoint: c.strictlimit ? Math.floor((c.wbThresh + c.wbBgThresh) / 2) : dirtySetpoint(c),
        posRatio: a.pos_ratio,
        avgWriteBandwidth: c.avgWriteBandwidth,
        dirtied: a.dirtied,
        elapsed: a.elapsed,
      },
      HZ,
    );
    return { fields: { dirty_ratelimit: r.dirtyRatelimit, balanced_dirty_ratelimit: r.balancedDirtyRatelimit } };
  },
  wb_update_write_bandwidth(_s, [v]) {
    const a = v as Numbers;
    const b = { writeBandwidth: a.write_bandwidth, avgWriteBandwidth: a.avg_write_bandwidth };
    wbUpdateWriteBandwidth(b, a.elapsed, a.written, HZ);
    return { fields: { write_bandwidth: b.writeBandwidth, avg_write_bandwidth: b.avgWriteBandwidth } };
  },
  domain_update_dirty_limit(_s, [v]) {
    const a = v as Numbers;
    const d = { dirtyLimit: a.dirty_limit, dirtyLimitTstamp: 0 };
    domainUpdateDirtyLimit(d, a.thresh, a.dirty, a.age, HZ);
    return { fields: { dirty_limit: d.dirtyLimit, tstamp_advance: d.dirtyLimitTstamp } };
  },
  domain_dirty_limits(_s, [v]) {
    const a = v as Numbers;
    const r = domainDirtyLimits({
      dirtyRatio: a.dirty_ratio,
      dirtyBackgroundRatio: a.dirty_background_ratio,
      dirtyBytes: a.dirty_bytes,
      dirtyBackgroundBytes: a.dirty_background_bytes,
      avail: a.avail,
      rt: a.rt === 1,
      dirtyLimit: a.dirty_limit ?? 0,
      ...(a.global_avail !== undefined && { globalAvail: a.global_avail }),
    });
    return { fields: { thresh: r.thresh, bg_thresh: r.bgThresh } };
  },
  wb_calc_thresh(_s, [v]) {
    const a = v as Numbers;
    const wb = wbCalcThresh({
      thresh: a.thresh,
      dirty: a.dirty ?? a.thresh,
      numerator: a.numerator,
      denominator: a.denominator,
      // percent in these cases, ppm inside
      sumMinRatio: a.sum_min_ratio * 10000,
      minRatio: a.min_ratio * 10000,
      maxRatio: a.max_ratio * 10000,
      avgWriteBandwidth: a.avg_write_bandwidth,
      totWriteBandwidth: a.tot_write_bandwidth,
      strictlimit: a.strictlimit === 1,
    });
    return { fields: { wb_thresh: wb } };
  },
  dirty_poll_interval: (_s, [dirty, thresh]) => ({ ret: dirtyPollInterval(Number(dirty), Number(thresh)) }),
  balance_dirty_pages(_s, [v]) {
    const a = v as Numbers;
    const c = control(a);
    const r = new PauseRound();
    const pos = wbPositionRatio(c);
    pauseRound(
      r,
      pos,
      a.dirty_ratelimit,
      a.avg_write_bandwidth ?? a.dirty_ratelimit,
      c.wbDirty,
      a.pages_dirtied ?? 0,
      a.think ?? 0,
      HZ,
    );
    const setpoint = dirtySetpoint(c);
    return {
      fields: {
        task_ratelimit: r.taskRatelimit,
        max_pause: r.maxPause,
        min_pause: r.minPause,
        period: r.period,
        pause: r.sleeps ? r.pause : Math.min(r.pause, 0),
        nr_dirtied_pause: r.nrDirtiedPause,
        sleeps: r.sleeps,
        setpoint,
        trace_task_ratelimit_kbps: r.taskRatelimit * 4,
        trace_wb_setpoint: Math.floor((setpoint * c.wbThresh) / (c.thresh + 1)),
      },
    };
  },
  fprop_init: (s) => ({ fields: shares(fpropOf(s)) }),
  fprop_add(s, [v]) {
    const a = v as Numbers;
    const f = fpropOf(s);
    f.A.add(f.global, a.A ?? 0);
    f.B.add(f.global, a.B ?? 0);
    if ((a.new_periods ?? 0) > 0) f.global.newPeriod(a.new_periods);
    return { fields: shares(f) };
  },
  errseq_sample: (s) => ({ ret: errseqSample(errseqOf(s).raw) }),
  errseq_set(s, [, err]) {
    const e = errseqOf(s);
    e.raw = errseqSet(e.raw, Number(err));
    return { ret: e.raw, fields: { raw: e.raw } };
  },
  errseq_check: (s, [, since]) => ({ ret: errseqCheck(errseqOf(s).raw, Number(since)) }),
  errseq_check_and_advance(s, [, since]) {
    const e = errseqOf(s);
    const p = { eseq: e.raw, since: Number(since) };
    const ret = errseqCheckAndAdvance(p);
    e.raw = p.eseq;
    // the cursor is the variable that the step names
    const name = /^\$(\w+)$/.exec(String(rawArgs(s)?.[1] ?? ""));
    if (name !== null) s.vars.set(name[1], p.since);
    return { ret, fields: { since: p.since, raw: p.eseq } };
  },
  throttle_summary(s, [v]) {
    const skip = Number(/(\d+) percent/.exec(String((v as { skip?: string })?.skip ?? ""))?.[1] ?? 0);
    const all = coreOf(s)
      .trace.records()
      .filter((r) => r.tp.name === "balance_dirty_pages");
    const rounds = all.map((r): { ns: number; pid: number; f: Numbers } => ({
      ns: r.timeNs,
      pid: r.pid,
      f: fieldsOf(String(r.args[0])) as Numbers,
    }));
    const start = s.state("throttleStart", () => 0);
    const end = s.kernel.now;
    const kept = rounds.filter((r) => r.ns >= start + ((end - start) * skip) / 100);
    const mean = (of: (f: Numbers) => number): number =>
      kept.reduce((n, r) => n + of(r.f), 0) / Math.max(1, kept.length);
    const tick = 1000 / HZ;
    const pauses = kept.filter((r) => r.f.pause > 0).map((r) => r.f.pause / tick);
    const perTask = new Map<number, number>();
    for (const r of kept) perTask.set(r.pid, (perTask.get(r.pid) ?? 0) + 1);
    const last = kept.at(-1)?.f ?? {};
    const { thresh, bgThresh } = s.api<WritebackApi>("writeback").globalDirtyLimits();
    return {
      fields: {
        mean_dirty: mean((f) => f.dirty),
        max_dirty: Math.max(...kept.map((r) => r.f.dirty)),
        setpoint: last.setpoint,
        freerun: Math.floor((thresh + bgThresh) / 2),
        limit: last.limit,
        avg_write_bandwidth: s.api<WritebackApi>("writeback").bandwidth("D"),
        pauses: pauses.length,
        elapsed_s: (end - start) / 1e9,
        max_pause_jiffies: Math.max(0, ...pauses),
        mean_pause_jiffies: pauses.reduce((a, b) => a + b, 0) / Math.max(1, pauses.length),
        mean_dirty_ratelimit: mean((f) => f.dirty_ratelimit / 4),
        rounds_ratio_busiest_to_laziest: Math.max(...perTask.values()) / Math.min(...perTask.values()),
      },
    };
  },
  blk_set_stable_writes(s, [name, on]) {
    s.api<WritebackApi>("writeback").device(String(name)).stableWrites = on === true;
    return {};
  },
  device_stats(s, [name]) {
    const d = s.api<WritebackApi>("writeback").device(String(name));
    return {
      fields: {
        checksum_errors: d.checksumErrors,
        pages_copied: d.pagesCopied,
        mismatched_pages: s.api<WritebackApi>("writeback").mismatches(String(name)),
      },
    };
  },
  mirror_check: (s, [name]) => ({
    fields: { mismatched_pages: s.api<WritebackApi>("writeback").mismatches(String(name)) },
  }),
  device_read(s, [, v]) {
    const { file, offset } = v as { file: string; offset: number };
    const d = s.api<WritebackApi>("writeback").deviceRead(inodeOf(s, file), Math.floor(offset / 4096));
    return {
      fields: { byte: d === undefined || d === null ? 0 : typeof d === "number" ? d : (d[offset % 4096] ?? 0) },
    };
  },
  journal_commit(s, [path]) {
    s.api<WritebackApi>("writeback").journalCommit(inodeOf(s, String(path)).sb);
    return {};
  },
  inode_set_iversion(s, [, v]) {
    const inode = versioned(s);
    inode.version = Number(v);
    inode.versionQueried = false;
    return { fields: raw(inode) };
  },
  inode_peek_iversion: (s) => ({ ret: versioned(s).version }),
  inode_query_iversion: (s) => ({ ret: queryIversion(versioned(s)), fields: raw(versioned(s)) }),
  inode_maybe_inc_iversion: (s, [, force]) => ({
    ret: maybeIncIversion(versioned(s), force === true),
    fields: raw(versioned(s)),
  }),
  inode_inc_iversion(s) {
    incIversion(versioned(s));
    return { fields: raw(versioned(s)) };
  },
  inode_iversion_need_inc: (s) => ({ ret: versioned(s).versionQueried }),
  page_flags: (s, [path, index]) => ({
    fields: { ...s.api<WritebackApi>("writeback").pageFlags(inodeOf(s, String(path)), Number(index)) },
  }),
};

/** A file whose change counter the case looks at. */
const versioned = (s: Session): Inode =>
  s.state("versioned", () => {
    const fd = s.syscall<number>(HOLDER, "memfd_create", "I", 0);
    return coreOf(s).vfs.fget(s.task(HOLDER), fd).inode;
  });
/** The kernel's form: twice the counter, plus 1 if somebody has asked for it. */
const raw = (i: Inode): { raw: number } => ({ raw: 2 * i.version + (i.versionQueried ? 1 : 0) });

/** The inode of a path. */
function inodeOf(s: Session, path: string): Inode {
  const fd = s.syscall<number>(HOLDER, "open", path, 0, 0);
  const file = coreOf(s).vfs.fget(s.task(HOLDER), fd);
  s.syscall(HOLDER, "close", fd);
  return file.inode;
}

/** The arguments of a step as the case has them, before variables were put in. */
function rawArgs(s: Session): readonly unknown[] | undefined {
  const steps = s.spec.steps as readonly { kernel?: unknown; args?: readonly unknown[]; fields?: unknown }[];
  const at = s.state("errseqAt", () => ({ n: 0 }));
  for (let i = at.n; i < steps.length; i++) {
    if (steps[i].kernel !== "errseq_check_and_advance") continue;
    at.n = i + 1;
    return steps[i].args;
  }
  return undefined;
}

/** What a case says of a block device. */
export interface DeviceModel {
  /** Bytes per second. */
  readonly write_bps?: number;
  readonly stable_writes?: boolean;
  readonly integrity?: string;
  /** Names of the halves of a mirror. */
  readonly raid1?: readonly string[];
  readonly stable?: string;
  /** Every new data write completes with this error. */
  readonly write_error?: string;
}

/** Adds a block device. */
export function addDevice(s: Session, name: string, m: DeviceModel): void {
  s.api<WritebackApi>("writeback").addDevice(name, {
    ...(m.write_bps !== undefined && { writeBps: m.write_bps }),
    ...(m.stable_writes !== undefined && { stableWrites: m.stable_writes }),
    ...(m.integrity === "crc" && { integrity: "crc" as const }),
    ...(m.write_error !== undefined && { writeError: m.write_error === "ENOSPC" ? 28 : 5 }),
    ...(m.raid1 !== undefined && { raid1: m.raid1 }),
    ...(m.stable !== undefined && { stable: m.stable as "required" }),
  });
}

const coreOf = (s: Session): Core => s.kernel.core as Core;

/** Events of the trace that was started, each with its `event` name and fields. */
export function traceEvents(s: Session, what: "start" | "stop"): readonly Record<string, unknown>[] {
  const { trace } = coreOf(s);
  if (what === "start") {
    trace.clear();
    trace.enable("writeback:*");
    return [];
  }
  return trace.records().map((r) => ({ event: r.tp.name, ...fieldsOf(String(r.args[0])) }));
}

const exact = (digits: string): number | bigint =>
  Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);

/** `name=value` pairs of a printed event; a lone number is `pages`. */
function fieldsOf(text: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (/^-?\d+$/.test(text)) out.pages = Number(text);
  for (const m of text.matchAll(/(\w+)=(\S*)/g)) out[m[1]] = /^-?\d+$/.test(m[2]) ? exact(m[2]) : m[2];
  return out;
}

/** What a mount description says: file system type, options, device. */
export interface MountDescription {
  readonly type: string;
  readonly options: string;
  readonly device: string;
  /** A device that has to be made for it. */
  readonly model?: DeviceModel;
}

/**
 * Reads "ext4", "tmpfs,size=64m", "ext4 on D", "ext4, 512 MiB, 4096-byte blocks", "ext4 on a device whose every new data
 * write completes with ENOSPC". NotYet for anything else.
 */
export function parseMount(text: string): MountDescription {
  const failing = /^(\w+) on a device whose every new data write completes with (E[A-Z0-9]+)$/.exec(text);
  if (failing !== null) {
    return { type: failing[1], options: "", device: "failing", model: { write_error: failing[2] } };
  }
  const on = /^(\w+) on (\w+)$/.exec(text);
  if (on !== null) return { type: on[1], options: "", device: on[2] };
  const plain = /^(\w+)((?:,[\w=]+)*)((?:, \d+ MiB)?(?:, \d+-byte blocks)?)$/.exec(text);
  if (plain === null) throw new NotYet(`mount description ${JSON.stringify(text)}`);
  return { type: plain[1], options: plain[2].slice(1), device: "disk" };
}

/** Mounts a file system as described. */
export function mountDescribed(s: Session, path: string, text: string): void {
  const m = parseMount(text);
  if (m.model !== undefined) addDevice(s, m.device, m.model);
  else if (m.device === "disk" && m.type !== "tmpfs") addDevice(s, m.device, {});
  makeDirs(s, path);
  s.syscall(HOLDER, "mount", m.device, path, m.type, 0, m.options);
}
