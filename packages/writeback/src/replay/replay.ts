/**
 * Replay of a real machine's trace: our loop is given the same inputs, and each event is compared with what it says.
 *
 *     trace-cmd record -e writeback; trace-cmd report > t      # or: perf record -e 'writeback:*' -a; perf script > t
 *     console.log(replayText(replayTrace(readFileSync("t", "utf8"))));
 */
import { type Check, ReplayState, RULES } from "./checks.js";
import { parseTrace, type TraceLine } from "./traceText.js";

export interface ReplayOptions {
  /** Ticks per second of the traced kernel. Default 250. */
  hz?: number;
}

export interface ReplayedEvent {
  readonly line: TraceLine;
  /** Fields that our rules speak of. */
  readonly checks: readonly Check[];
  readonly agrees: boolean;
}

/** Events of one kind. */
export interface ReplayCount {
  events: number;
  /** With something to compare. */
  checked: number;
  agreed: number;
}

export interface ReplayResult {
  readonly events: readonly ReplayedEvent[];
  readonly byEvent: ReadonlyMap<string, ReplayCount>;
  /** Of the events with something to compare, 0..1; 1 if there are none. */
  readonly agreement: number;
}

const fits = (c: Check): boolean => Number.isNaN(c.got) || Math.abs(c.expected - c.got) <= c.slack;

/** TypeError: not text. RangeError: no event of writeback in it, or hz is no frequency. */
export function replayTrace(text: string, o: ReplayOptions = {}): ReplayResult {
  if (typeof text !== "string") throw new TypeError(`replayTrace: a trace is text, not ${typeof text}`);
  const hz = o.hz ?? 250;
  if (!(Number.isInteger(hz) && hz >= 24 && hz <= 10_000))
    throw new RangeError(`replayTrace: hz must be 24..10000, not ${hz}`);
  const s = new ReplayState(hz);
  const events: ReplayedEvent[] = [];
  const byEvent = new Map<string, ReplayCount>();
  for (const line of parseTrace(text)) {
    const rule = RULES[line.event];
    const checks = rule === undefined ? [] : rule(s, line);
    const agrees = checks.every(fits);
    events.push({ line, checks, agrees });
    const n = byEvent.get(line.event) ?? { events: 0, checked: 0, agreed: 0 };
    n.events++;
    if (checks.length > 0) n.checked++;
    if (checks.length > 0 && agrees) n.agreed++;
    byEvent.set(line.event, n);
  }
  if (events.length === 0) throw new RangeError("replayTrace: there is no event in this text");
  const sum = (of: (n: ReplayCount) => number): number => [...byEvent.values()].reduce((a, n) => a + of(n), 0);
  const checked = sum((n) => n.checked);
  return { events, byEvent, agreement: checked === 0 ? 1 : sum((n) => n.agreed) / checked };
}

/** The table, and the first events that differ (at most `most`). */
export function replayText(r: ReplayResult, most = 10): string {
  const pad = (v: string | number, n: number): string => String(v).padStart(n);
  let out = `${"event".padEnd(32)}${pad("events", 8)}${pad("checked", 9)}${pad("agree", 8)}\n`;
  for (const [name, n] of r.byEvent)
    out += `${name.padEnd(32)}${pad(n.events, 8)}${pad(n.checked, 9)}${pad(n.agreed, 8)}\n`;
  out += `agreement ${(100 * r.agreement).toFixed(1)} %\n`;
  for (const e of r.events.filter((x) => !x.agrees).slice(0, most)) {
    out += `${e.line.time.toFixed(6)} ${e.line.event} ${e.line.bdi}:`;
    for (const c of e.checks) if (!fits(c)) out += ` ${c.field}=${c.got} (ours: ${c.expected})`;
    out += "\n";
  }
  return out;
}
