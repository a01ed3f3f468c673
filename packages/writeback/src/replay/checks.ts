/**
 * What our rules say of each event of a real trace, from what the trace itself tells of the inputs: the event's own fields and the last
 * events of the same device. Ratelimits are printed in KiB/s, so pages are known exactly; times in ms of whole ticks.
 */
import { wbUpdateDirtyRatelimit } from "../control/bandwidth.js";
import { bandwidthInterval, LONG_MAX, MIN_WRITEBACK_PAGES } from "../control/constants.js";
import { div, mulDiv, shr } from "../control/intMath.js";
import { PauseRound, pauseRound } from "../control/pause.js";
import { type ControlVersion, type DirtyControl, posRatioPolynom, wbPositionRatio } from "../control/positionRatio.js";
import type { TraceLine } from "./traceText.js";

/** A field: what our rule gives, and what the trace has. `slack`: inputs are known up to so much. */
export interface Check {
  field: string;
  expected: number;
  got: number;
  slack: number;
}

/** What is known of a device from earlier events. */
class DeviceHistory {
  /** Last bdi_dirty_ratelimit, in pages/s, and when. */
  writeBw = -1;
  avgBw = -1;
  dirtyRatelimit = -1;
  balanced = -1;
  rateTime = 0;
  /** Pages written by single inodes since the last writeback_start, and what that said. */
  startPages = 0;
  wrote = 0;
  running = false;
}

/** What is known of the machine. */
export class ReplayState {
  readonly devices: Map<string, DeviceHistory> = new Map();
  thresh = 0;
  bgThresh = 0;
  limit = 0;
  limitTime = 0;
  constructor(readonly hz: number) {}

  of(bdi: string): DeviceHistory {
    let d = this.devices.get(bdi);
    if (d === undefined) {
      d = new DeviceHistory();
      this.devices.set(bdi, d);
    }
    return d;
  }
}

type Rule = (s: ReplayState, e: TraceLine) => Check[];

const num = (e: TraceLine, name: string): number => {
  const v = e.fields[name];
  return typeof v === "number" ? v : Number.NaN;
};
const pages = (e: TraceLine, name: string): number => num(e, name) / 4;
const check = (field: string, expected: number, got: number, slack = 0): Check => ({ field, expected, got, slack });

/** Is a field missing, no number, or no whole number of what it counts? Then nothing can be said of the event. */
const lacks = (e: TraceLine, ...names: string[]): boolean => names.some((n) => !Number.isSafeInteger(num(e, n)));

/** One throttling round: position, rate, period, pause. */
const balance: Rule = (s, e) => {
  if (lacks(e, "limit", "setpoint", "dirty", "task_ratelimit", "dirty_ratelimit", "dirtied", "think", "pause"))
    return [];
  const d = s.of(e.bdi);
  const msTick = 1000 / s.hz;
  const limit = num(e, "limit");
  const setpoint = num(e, "setpoint");
  const version: ControlVersion = e.fields.wb_setpoint === undefined ? "6.1" : "6.18";
  const prefix = version === "6.1" ? "bdi" : "wb";
  const dirty = num(e, "dirty");
  const wbDirty = num(e, `${prefix}_dirty`);
  const rate = pages(e, "task_ratelimit");
  const rl = pages(e, "dirty_ratelimit");
  const out: Check[] = [];
  const thresh = s.thresh > 0 ? s.thresh : limit;
  // the middle of the thresholds follows from the set point
  const freerun = 2 * setpoint - limit;
  const bg = s.thresh > 0 ? s.bgThresh : Math.max(0, 2 * freerun - thresh);
  if (s.thresh > 0) out.push(check("setpoint", div(div(thresh + bg, 2) + limit, 2), setpoint, 1));
  const wbSetpoint = num(e, `${prefix}_setpoint`);
  const wbThresh = setpoint > 0 ? Math.round((wbSetpoint * (thresh + 1)) / setpoint) : 0;
  if (d.avgBw > 0) {
    const c: DirtyControl = {
      thresh,
      bgThresh: bg,
      dirtyLimit: limit,
      dirty,
      wbThresh,
      wbBgThresh: thresh === 0 ? 0 : mulDiv(wbThresh, bg, thresh),
      wbDirty,
      avgWriteBandwidth: d.avgBw,
      strictlimit: false,
    };
    const pos = wbPositionRatio(c, version);
    // a device's threshold is known from its set point only up to that much
    const width = dirty < limit ? Math.max(2, Math.ceil(rl * widthOf(c, version))) : 0;
    out.push(check("task_ratelimit", 4 * shr(rl * pos, 10), 4 * rate, 4 * width));
  } else if (dirty < limit && setpoint < limit) {
    // without the device's bandwidth: no more than the machine's position allows
    const most = shr(rl * posRatioPolynom(setpoint, dirty, limit) * 8, 10);
    out.push(check("task_ratelimit at most", 1, rate <= most + 1 ? 1 : 0));
  }
  const think = num(e, "think") / msTick;
  const r = new PauseRound();
  const avg = d.avgBw > 0 ? d.avgBw : Math.max(1, rl);
  pauseRound(r, rl > 0 ? Math.floor((rate * 1024) / rl) : 0, rl, avg, wbDirty, num(e, "dirtied"), think, s.hz);
  const period = rate === 0 ? Number.NaN : mulDiv(s.hz, num(e, "dirtied"), rate);
  if (!Number.isNaN(period)) {
    out.push(check("period", period * msTick, num(e, "period")));
    const pause = Math.min(period - think, bandwidthInterval(s.hz));
    const got = num(e, "pause") / msTick;
    // a pause that is too short is printed as 0 or as what the task is behind
    out.push(check("pause", Math.min(pause, got <= 0 ? 0 : pause) * msTick, num(e, "pause"), d.avgBw > 0 ? 0 : msTick));
  } else if (d.avgBw > 0) out.push(check("pause", r.maxPause * msTick, num(e, "pause")));
  return out;
};

/** How much the position may be off because the device's threshold is a rounded number: of 1. */
function widthOf(c: DirtyControl, version: ControlVersion): number {
  const p = wbPositionRatio(c, version);
  const more = wbPositionRatio({ ...c, wbThresh: c.wbThresh + 2 }, version);
  const less = wbPositionRatio({ ...c, wbThresh: Math.max(0, c.wbThresh - 2) }, version);
  return Math.max(Math.abs(more - p), Math.abs(less - p), 1) / 1024;
}

/** The estimates of a device. */
const ratelimit: Rule = (s, e) => {
  const d = s.of(e.bdi);
  const bw = pages(e, "write_bw");
  const avg = pages(e, "awrite_bw");
  const rate = pages(e, "dirty_rate");
  const task = pages(e, "task_ratelimit");
  const rl = pages(e, "dirty_ratelimit");
  const balanced = pages(e, "balanced_dirty_ratelimit");
  const out: Check[] = [];
  if (lacks(e, "write_bw", "dirty_rate", "task_ratelimit", "dirty_ratelimit", "balanced_dirty_ratelimit")) {
    if (avg > 0) d.avgBw = avg;
    return [];
  }
  const odd = rate % 2 === 0 ? rate + 1 : rate;
  out.push(check("balanced_dirty_ratelimit", 4 * Math.min(mulDiv(task, avg, odd), avg), 4 * balanced));
  if (d.dirtyRatelimit > 0) {
    // up or down is decided by where the dirty count stands, which this event does not tell: one of the two
    const steps = [0, 1].map((side) => {
      const r = { dirtyRatelimit: d.dirtyRatelimit, balancedDirtyRatelimit: d.balanced };
      const pos = Math.floor(((task - 1) * 1024) / Math.max(1, d.dirtyRatelimit));
      wbUpdateDirtyRatelimit(
        r,
        { dirty: side, setpoint: 1 - side, posRatio: pos, avgWriteBandwidth: avg, dirtied: rate, elapsed: s.hz },
        s.hz,
      );
      return r.dirtyRatelimit;
    });
    const near = steps.reduce((a, b) => (Math.abs(b - rl) < Math.abs(a - rl) ? b : a));
    out.push(check("dirty_ratelimit", 4 * near, 4 * rl, 4));
    let want = d.avgBw;
    if (want > d.writeBw && d.writeBw >= bw) want -= shr(want - d.writeBw, 3);
    else if (want < d.writeBw && d.writeBw <= bw) want += shr(d.writeBw - want, 3);
    // several updates may lie between two events: then nothing can be said
    const one = (e.time - d.rateTime) * s.hz < 2 * bandwidthInterval(s.hz);
    if (one)
      out.push(check("awrite_bw", 4 * want, 4 * avg, want === avg || avg === d.avgBw ? 4 * Math.abs(want - avg) : 0));
  }
  Object.assign(d, { writeBw: bw, avgBw: avg, dirtyRatelimit: rl, balanced, rateTime: e.time });
  return out;
};

/** The machine's thresholds, and the limit that follows them. */
const globalState: Rule = (s, e) => {
  const thresh = num(e, "thresh");
  const bg = num(e, "bg_thresh");
  const limit = num(e, "limit");
  const out = [check("bg_thresh below thresh", 1, bg < thresh || thresh === 0 ? 1 : 0)];
  if (s.limit > 0 && limit !== s.limit) {
    // up to the threshold at once, down by a 32nd of what is too much
    const t = Math.max(s.thresh, num(e, "dirty") + num(e, "writeback"));
    const down = s.limit - shr(s.limit - Math.min(t, s.limit), 5);
    out.push(
      check("limit", limit > s.limit ? limit : down, limit, Math.abs(s.thresh - thresh) + Math.abs(down - limit) / 8),
    );
  }
  Object.assign(s, { thresh, bgThresh: bg, limit, limitTime: e.time });
  return out;
};

/** Works of the flusher: pages are counted down by what inodes took. */
const workStart: Rule = (s, e) => {
  const d = s.of(e.bdi);
  d.startPages = longOf(e, "nr_pages");
  d.wrote = 0;
  d.running = true;
  return [];
};
const singleInode: Rule = (s, e) => {
  const d = s.of(e.bdi);
  d.wrote += num(e, "wrote");
  const to = longOf(e, "to_write");
  if (to >= LONG_MAX) return [];
  return [
    check("to_write is whole chunks", 0, to % MIN_WRITEBACK_PAGES),
    check("wrote at most to_write", 1, num(e, "wrote") <= to ? 1 : 0),
  ];
};
const workWritten: Rule = (s, e) => {
  const d = s.of(e.bdi);
  if (!d.running) return [];
  d.running = false;
  const left = e.fields.nr_pages;
  if (d.startPages >= LONG_MAX)
    return [check("nr_pages", 0, Number(0x7fffffffffffffffn - BigInt(d.wrote) - BigInt(String(left))) % 4096, 4096)];
  return [check("nr_pages", d.startPages - d.wrote, num(e, "nr_pages"))];
};
const queueIo: Rule = (_s, e) => [check("age", Math.max(0, num(e, "age")), num(e, "age"))];

/** A C long; LONG_MAX and what is near it as LONG_MAX. */
function longOf(e: TraceLine, name: string): number {
  const v = e.fields[name];
  return typeof v === "number" ? v : LONG_MAX;
}

export const RULES: Readonly<Record<string, Rule>> = {
  balance_dirty_pages: balance,
  bdi_dirty_ratelimit: ratelimit,
  global_dirty_state: globalState,
  writeback_start: workStart,
  writeback_single_inode: singleInode,
  writeback_written: workWritten,
  writeback_queue_io: queueIo,
};
