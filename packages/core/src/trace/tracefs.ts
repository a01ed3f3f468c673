/**
 * tracefs as a part of core: /sys/kernel/tracing with the trace, the switch, and a directory per tracepoint. Switching tracepoints
 * on and off is looking, not state. Documentation/trace/ftrace, Documentation/trace/events.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core, Part } from "../kernel/core.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import type { Tracepoint } from "./tracepoint.js";

type Point = Tracepoint<never[]>;

const HEADER = `#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;

/** /sys/kernel/tracing/trace */
export function traceText(k: Core): string {
  const n = k.trace.records().length;
  return `# tracer: nop\n#\n# entries-in-buffer/entries-written: ${n}/${n + k.trace.overwritten}   #P:${k.cpus.nrOnline}\n#\n${HEADER}${k.trace.text()}`;
}

/** The `format` file of a tracepoint; `id` is its number. */
export function formatText(tp: Point, id: number): string {
  let text = `name: ${tp.name}\nID: ${id}\nformat:\n`;
  const fields: [type: string, name: string, size: number, signed: number][] = [
    ["unsigned short", "common_type", 2, 0],
    ["unsigned char", "common_flags", 1, 0],
    ["unsigned char", "common_preempt_count", 1, 0],
    ["int", "common_pid", 4, 1],
  ];
  let offset = 0;
  const line = (type: string, name: string, size: number, signed: number): void => {
    offset = Math.ceil(offset / size) * size;
    text += `\tfield:${type} ${name};\toffset:${offset};\tsize:${size};\tsigned:${signed};\n`;
    offset += size;
  };
  for (const f of fields) line(...f);
  text += "\n";
  for (const f of tp.format?.fields ?? []) line(...f);
  return `${text}\nprint fmt: ${tp.format?.print ?? '""'}\n`;
}

const switchText = (points: readonly Point[]): string => {
  const on = points.filter((p) => p.on).length;
  return on === 0 ? "0\n" : on === points.length ? "1\n" : "X\n";
};

function setSwitch(points: readonly Point[], text: string): void {
  const value = text.trim();
  if (value !== "0" && value !== "1") fail(EINVAL);
  for (const p of points) p.on = value === "1" || p.listeners.length > 0;
}

/** Points of "system:name", "system:*", "system:", "name" or "*". */
function matching(points: readonly Point[], pattern: string): Point[] {
  const [system, name] = pattern.includes(":") ? pattern.split(":", 2) : ["", pattern];
  const fits = (have: string, want: string): boolean => want === "" || want === "*" || have === want;
  return points.filter((p) => fits(p.system, system) && (fits(p.name, name) || (system === "" && p.system === name)));
}

export const tracefsPart: Part = {
  name: "tracefs",
  install() {},
  boot(k) {
    const points = [...k.trace.points.values()];
    k.tracefs.later(() => makeFiles(k, points));
  },
};

function makeFiles(k: Core, points: readonly Point[]): void {
  const tree = k.tracefs;
  const enable = (some: readonly Point[]): PseudoFile => ({
    mode: 0o640,
    show: () => switchText(some),
    store: (_c, _o, text) => setSwitch(some, text),
  });
  tree.file("trace", { mode: 0o640, show: () => traceText(k), store: () => k.trace.clear() });
  tree.file("tracing_on", {
    mode: 0o640,
    show: () => `${k.trace.stopped ? 0 : 1}\n`,
    store(_c, _o, text) {
      k.trace.stopped = text.trim() === "0";
    },
  });
  tree.file("current_tracer", { mode: 0o640, show: () => "nop\n" });
  tree.file("available_tracers", { mode: 0o440, show: () => "nop\n" });
  tree.file("available_events", { mode: 0o440, show: () => points.map((p) => `${p.system}:${p.name}\n`).join("") });
  tree.file("set_event", {
    mode: 0o640,
    show: () =>
      points
        .filter((p) => p.on)
        .map((p) => `${p.system}:${p.name}\n`)
        .join(""),
    store(_c, _o, text) {
      for (const word of text.split(/\s+/)) {
        if (word === "") continue;
        const off = word.startsWith("!");
        const some = matching(points, off ? word.slice(1) : word);
        if (some.length === 0) fail(EINVAL);
        setSwitch(some, off ? "0" : "1");
      }
    },
  });
  tree.file("events/enable", enable(points));
  for (const system of new Set(points.map((p) => p.system)))
    tree.file(`events/${system}/enable`, enable(points.filter((p) => p.system === system)));
  points.forEach((p, id) => {
    const dir = `events/${p.system}/${p.name}`;
    tree.file(`${dir}/enable`, enable([p]));
    tree.file(`${dir}/id`, { mode: 0o440, show: () => `${id + 1}\n` });
    tree.file(`${dir}/format`, { mode: 0o440, show: () => formatText(p, id + 1) });
  });
}
