/** Reading traces of real machines: the lines of /sys/kernel/tracing/trace and of `perf script`. Documentation/trace/ftrace, perf-script(1). */

export interface TraceLine {
  /** Seconds. */
  time: number;
  cpu: number;
  comm: string;
  pid: number;
  /** "balance_dirty_pages". */
  event: string;
  /** "7:1", "btrfs-1"; "" if the event has none. */
  bdi: string;
  /** Behind the name. */
  text: string;
  /** `name=value` pairs; numbers where they are exact. */
  fields: Readonly<Record<string, number | string>>;
}

const FTRACE = /^\s*(.+?)-(\d+)\s+(?:\(.*?\)\s+)?\[(\d+)\]\s+(?:\S+\s+)?(\d+\.\d+):\s+(\w+):\s*(.*)$/;
const PERF = /^\s*(.+?)\s+(\d+)(?:\/\d+)?\s+\[(\d+)\]\s+(\d+\.\d+):\s+(?:\w+:)?(\w+):\s*(.*)$/;

/** The lines that are events, in their order. What is not an event (headers, comments, stacks) is left out. */
export function parseTrace(text: string): TraceLine[] {
  const out: TraceLine[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue;
    const m = FTRACE.exec(line) ?? PERF.exec(line);
    if (m === null) continue;
    const rest = m[6];
    out.push({
      comm: m[1].trim(),
      pid: Number(m[2]),
      cpu: Number(m[3]),
      time: Number(m[4]),
      event: m[5],
      bdi: /\bbdi ([^\s:]+(?::\d+)?):?(?:\s|$)/.exec(rest)?.[1].replace(/:$/, "") ?? "",
      text: rest,
      fields: fieldsOf(rest),
    });
  }
  return out;
}

function fieldsOf(text: string): Record<string, number | string> {
  const out: Record<string, number | string> = {};
  for (const m of text.matchAll(/([a-z_]+)=(\S*)/g)) {
    const n = Number(m[2]);
    out[m[1]] = m[2] !== "" && Number.isSafeInteger(n) ? n : m[2];
  }
  return out;
}
