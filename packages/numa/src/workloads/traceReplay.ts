/**
 * Replaying a recorded access trace, so that strategies can be compared on a program of one's own. A record is a time (ns), a task, a
 * page and read or write. Three texts are understood: CSV, valgrind's `--tool=lackey --trace-mem=yes` (which anybody can make on any
 * machine), and `perf script -F tid,time,addr` of a `perf mem record`; and records of 16 bytes.
 *
 *     const trace = parseLackey(text);           // or parseCsv, parsePerfScript, parseBinary
 *     const r = runScenario(replayAccessTrace(trace, { perAccess: 64 }), { machine, numa: { strategy }, seconds: 30 });
 */
import { type Phase, type ThreadPlan, WORKLOAD_PAGES_MAX, type Workload } from "./workload.js";

/** Columns of the records, in order of time within a task. */
export interface AccessTrace {
  readonly timeNs: Float64Array;
  readonly task: Int32Array;
  readonly page: Float64Array;
  readonly write: Uint8Array;
}

interface Row {
  time: number;
  task: number;
  page: number;
  write: boolean;
}

function columns(rows: readonly Row[]): AccessTrace {
  return {
    timeNs: Float64Array.from(rows, (r) => r.time),
    task: Int32Array.from(rows, (r) => r.task),
    page: Float64Array.from(rows, (r) => r.page),
    write: Uint8Array.from(rows, (r) => (r.write ? 1 : 0)),
  };
}

const bad = (what: string, line: number, text: string): never => {
  throw new RangeError(`${what}: line ${line + 1} is not a record: ${text.slice(0, 60)}`);
};

function lines<T>(text: string, each: (line: string, i: number) => T | null): T[] {
  const out: T[] = [];
  text.split("\n").forEach((line, i) => {
    const r = line.trim() === "" || line.startsWith("#") ? null : each(line, i);
    if (r !== null) out.push(r);
  });
  return out;
}

/** `time ns,task,page,r|w`; the page is a number (0x for hex). A first line of names is passed over. RangeError: another line. */
export function parseCsv(text: string): AccessTrace {
  return columns(
    lines(text, (line, i) => {
      const f = line.split(",").map((x) => x.trim());
      if (i === 0 && f[0] !== undefined && /[a-z]/i.test(f[0])) return null;
      const [time, task, page] = f.slice(0, 3).map(Number);
      if (f.length !== 4 || !(time >= 0 && task >= 0 && page >= 0) || !/^[rw]$/i.test(f[3])) return bad("csv", i, line);
      return { time, task, page: Math.floor(page), write: /w/i.test(f[3]) };
    }),
  );
}

/** Output of `valgrind --tool=lackey --trace-mem=yes`: loads, stores and modifies; instructions are left out. One task, a ns a record. */
export function parseLackey(text: string): AccessTrace {
  let n = 0;
  return columns(
    lines(text, (line) => {
      const m = /^ ([LSM]) ([0-9a-f]+),\d+$/i.exec(line);
      return m === null
        ? null
        : { time: n++, task: 0, page: Math.floor(Number.parseInt(m[2], 16) / 4096), write: m[1] !== "L" };
    }),
  );
}

/** `perf script -F tid,time,addr` (with `-F tid,time,event,addr` stores are told from loads): samples of a program's accesses. */
export function parsePerfScript(text: string): AccessTrace {
  return columns(
    lines(text, (line) => {
      const m = /^\s*(\d+)\s+(\d+\.\d+):\s+(?:(\S+):\s+)?([0-9a-f]+)\s*$/i.exec(line);
      if (m === null) return null;
      const page = Math.floor(Number.parseInt(m[4], 16) / 4096);
      return { time: Number(m[2]) * 1e9, task: Number(m[1]), page, write: /store/i.test(m[3] ?? "") };
    }),
  );
}

/** Records of 16 bytes, little endian: u32 time in us, u32 task, u32 page, u32 1 for a write. RangeError: another length. */
export function parseBinary(bytes: Uint8Array): AccessTrace {
  if (bytes.length % 16 !== 0) throw new RangeError(`binary trace: ${bytes.length} bytes are no multiple of 16`);
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return columns(
    Array.from({ length: bytes.length / 16 }, (_, i) => ({
      time: v.getUint32(i * 16, true) * 1000,
      task: v.getUint32(i * 16 + 4, true),
      page: v.getUint32(i * 16 + 8, true),
      write: v.getUint32(i * 16 + 12, true) !== 0,
    })),
  );
}

/**
 * A workload that does the trace's accesses, each task a thread, round and round. Pages are numbered anew without the holes between them;
 * neighbouring records to neighbouring pages become one range. `perAccess` (default 64): accesses a record stands for. `process`: threads
 * share one address space. RangeError: no records, or more than 2 GiB of different pages.
 */
export function replayAccessTrace(trace: AccessTrace, o: { readonly perAccess?: number } = {}): Workload {
  const perPage = o.perAccess ?? 64;
  const n = trace.task.length;
  if (n === 0) throw new RangeError("trace: it has no records");
  const pages = [...new Set(trace.page)].sort((a, b) => a - b);
  if (pages.length > WORKLOAD_PAGES_MAX)
    throw new RangeError(`trace: ${pages.length} pages; at most ${WORKLOAD_PAGES_MAX}`);
  const place = new Map(pages.map((p, i) => [p, i]));
  const ranges = new Map<number, Phase["ranges"][number][]>();
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => trace.timeNs[a] - trace.timeNs[b] || a - b);
  for (const i of order) {
    const page = place.get(trace.page[i]) as number;
    const write = trace.write[i] === 1;
    const list = ranges.get(trace.task[i]) ?? [];
    ranges.set(trace.task[i], list);
    const last = list.at(-1);
    if (last !== undefined && last.write === write && page === last.page + last.pages)
      list[list.length - 1] = { ...last, pages: last.pages + 1 };
    else list.push({ page, pages: 1, perPage, write });
  }
  const threads: ThreadPlan[] = [...ranges.values()].map((r) => ({
    phases: [{ ranges: r, sweeps: 1 }],
    cpus: [],
    start: -1,
    group: null,
  }));
  return { name: "trace", processes: [{ pages: pages.length, shared: false, first: [], threads }] };
}
