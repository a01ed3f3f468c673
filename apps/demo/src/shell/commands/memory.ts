/** Memory and what the machine does: free, vmstat. procps 4. */
import { type CommandEnv, type CommandTable, fieldsOf } from "../command.js";
import { getopt, numberArg } from "../getopt.js";
import { meminfoKb } from "./system.js";

const UNITS = ["B", "Ki", "Mi", "Gi", "Ti", "Pi"];

/** As `free -h` shows an amount: at most three digits before the unit, one behind the point below ten. */
function human(kb: number): string {
  let n = kb * 1024;
  let unit = 0;
  while (n >= 1000 && unit < UNITS.length - 1) {
    n /= 1024;
    unit++;
  }
  const text = unit > 0 && n < 9.95 ? n.toFixed(1) : String(Math.floor(n));
  return `${text}${UNITS[unit]}`;
}

function freeTable(
  env: CommandEnv,
  show: (kb: number) => string,
  wide: boolean,
  lohi: boolean,
  total: boolean,
): string {
  const kb = meminfoKb(env);
  const cache = kb("Cached") + kb("SReclaimable");
  const used = Math.max(0, kb("MemTotal") - (kb("MemAvailable") || kb("MemFree")));
  const row = (name: string, values: readonly number[]): string =>
    `${name.padEnd(8)}${values.map((v) => show(v).padStart(12)).join("")}\n`;
  const head = ["total", "used", "free", "shared", ...(wide ? ["buffers", "cache"] : ["buff/cache"]), "available"];
  const swapUsed = kb("SwapTotal") - kb("SwapFree");
  return [
    `${" ".repeat(8)}${head.map((h) => h.padStart(12)).join("")}\n`,
    row("Mem:", [
      kb("MemTotal"),
      used,
      kb("MemFree"),
      kb("Shmem"),
      ...(wide ? [kb("Buffers"), cache] : [kb("Buffers") + cache]),
      kb("MemAvailable"),
    ]),
    lohi ? row("Low:", [kb("MemTotal"), kb("MemTotal") - kb("MemFree"), kb("MemFree")]) + row("High:", [0, 0, 0]) : "",
    row("Swap:", [kb("SwapTotal"), swapUsed, kb("SwapFree")]),
    total ? row("Total:", [kb("MemTotal") + kb("SwapTotal"), used + swapUsed, kb("MemFree") + kb("SwapFree")]) : "",
  ].join("");
}

interface Sample {
  readonly cpu: readonly number[];
  readonly intr: number;
  readonly ctxt: number;
  readonly running: number;
  readonly blocked: number;
  readonly vm: Map<string, number>;
  readonly uptimeSec: number;
}

function sample(env: CommandEnv): Sample {
  const stat = env.sys.readText("/proc/stat");
  const field = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, "m").exec(stat)?.[1] ?? 0);
  return {
    cpu: (/^cpu +(.*)$/m.exec(stat)?.[1] ?? "").split(" ").map(Number),
    intr: field("intr"),
    ctxt: field("ctxt"),
    running: field("procs_running"),
    blocked: field("procs_blocked"),
    vm: new Map(
      env.sys
        .readText("/proc/vmstat")
        .split("\n")
        .map((l) => [l.split(" ")[0], Number(l.split(" ")[1])]),
    ),
    uptimeSec: Number(env.sys.readText("/proc/uptime").split(" ")[0]),
  };
}

const WIDE = {
  head: [
    "--procs-- -----------------------memory---------------------- ---swap-- -----io---- -system-- ----------cpu----------",
    "   r    b         swpd         free         buff        cache   si   so    bi    bo   in   cs  us  sy  id  wa  st  gu",
  ],
  widths: [4, 4, 12, 12, 12, 12, 4, 4, 5, 5, 4, 4, 3, 3, 3, 3, 3, 3],
};
const NARROW = {
  head: [
    "procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----",
    " r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st",
  ],
  widths: [2, 2, 6, 6, 6, 6, 4, 4, 5, 5, 4, 4, 2, 2, 2, 2, 2],
};

/** A line of vmstat: between two samples, or since boot. */
function vmstatLine(env: CommandEnv, now: Sample, before: Sample | null, widths: readonly number[]): string {
  const kb = meminfoKb(env);
  const seconds = Math.max(before === null ? now.uptimeSec : now.uptimeSec - before.uptimeSec, 0.01);
  const cpu = now.cpu.map((v, i) => v - (before?.cpu[i] ?? 0));
  const [user, nice, sys, idle, iowait, irq, softirq, steal, guest] = cpu;
  const all = user + nice + sys + idle + iowait + irq + softirq + steal;
  const percent = (v: number): number => (all === 0 ? (v === idle ? 100 : 0) : Math.round((100 * v) / all));
  const rate = (v: number): number => Math.round(v / seconds);
  const vm = (name: string): number => (now.vm.get(name) ?? 0) - (before?.vm.get(name) ?? 0);
  const values = [
    Math.max(0, now.running - 1),
    now.blocked,
    kb("SwapTotal") - kb("SwapFree"),
    kb("MemFree"),
    kb("Buffers"),
    kb("Cached") + kb("SReclaimable"),
    rate(vm("pswpin") * 4),
    rate(vm("pswpout") * 4),
    rate(vm("pgpgin")),
    rate(vm("pgpgout")),
    rate(now.intr - (before?.intr ?? 0)),
    rate(now.ctxt - (before?.ctxt ?? 0)),
    percent(user + nice),
    percent(sys + irq + softirq),
    percent(idle),
    percent(iowait),
    percent(steal),
    percent(guest),
  ];
  return `${widths.map((w, i) => String(values[i]).padStart(w)).join(" ")}\n`;
}

function vmstatTotals(env: CommandEnv): string {
  const kb = meminfoKb(env);
  const s = sample(env);
  const vm = (name: string): number => s.vm.get(name) ?? 0;
  const stat = env.sys.readText("/proc/stat");
  const cpu = "non-nice user,nice user,system,idle,IO-wait,IRQ,softirq,stolen,non-nice guest,nice guest".split(",");
  const rows: [number, string][] = [
    [kb("MemTotal"), "K total memory"],
    [kb("MemTotal") - kb("MemAvailable"), "K used memory"],
    [kb("Active"), "K active memory"],
    [kb("Inactive"), "K inactive memory"],
    [kb("MemFree"), "K free memory"],
    [kb("Buffers"), "K buffer memory"],
    [kb("Cached") + kb("SReclaimable"), "K swap cache"],
    [kb("SwapTotal"), "K total swap"],
    [kb("SwapTotal") - kb("SwapFree"), "K used swap"],
    [kb("SwapFree"), "K free swap"],
    ...cpu.map((name, i): [number, string] => [s.cpu[i], `${name} cpu ticks`]),
    [vm("pgpgin"), "K paged in"],
    [vm("pgpgout"), "K paged out"],
    [vm("pswpin"), "pages swapped in"],
    [vm("pswpout"), "pages swapped out"],
    [s.intr, "interrupts"],
    [s.ctxt, "CPU context switches"],
    [Number(fieldOfStat(stat, "btime")), "boot time"],
    [Number(fieldOfStat(stat, "processes")), "forks"],
  ];
  return rows.map(([n, what]) => `${String(n).padStart(13)} ${what}\n`).join("");
}

const fieldOfStat = (stat: string, name: string): string =>
  fieldsOf(stat.replace(/^(\w+) /gm, "$1: ")).get(name) ?? "0";

export const memoryCommands: CommandTable = {
  async free(args, env) {
    const o = getopt(
      "free",
      args,
      "bytes,b kibi,k mebi,m gibi,g tebi kilo mega giga human,h si wide,w lohi,l total,t seconds,s= count,c=",
    );
    const divisor: Readonly<Record<string, number>> = {
      bytes: 1 / 1024,
      mebi: 1024,
      gibi: 1024 ** 2,
      tebi: 1024 ** 3,
      kilo: 1000 / 1024,
      mega: 1e6 / 1024,
      giga: 1e9 / 1024,
    };
    const unit = o.given.findLast(([n]) => n in divisor)?.[0];
    const by = unit === undefined ? 1 : divisor[unit];
    const show = o.has("human") ? human : (kb: number): string => String(Math.floor(kb / by));
    const table = (): string => freeTable(env, show, o.has("wide"), o.has("lohi"), o.has("total"));
    const count = o.has("count") ? numberArg(o.get("count") as string, "count") : 1;
    let out = table();
    for (let i = 1; i < count; i++) {
      await env.finish(env.started.nanosleep(Number(o.get("seconds") ?? 1) * 1e9));
      out += `\n${table()}`;
    }
    return out;
  },

  async vmstat(args, env) {
    const o = getopt("vmstat", args, "stats,s one-header,n wide,w active,a forks,f");
    if (o.has("stats")) return vmstatTotals(env);
    if (o.has("forks")) return `${fieldOfStat(env.sys.readText("/proc/stat"), "processes").padStart(13)} forks\n`;
    const { head, widths } = o.has("wide") ? WIDE : NARROW;
    const delay = o.rest[0] === undefined ? 0 : numberArg(o.rest[0], "delay");
    const count = o.rest[1] === undefined ? 1 : numberArg(o.rest[1], "count");
    let before = sample(env);
    let out = `${head.join("\n")}\n${vmstatLine(env, before, null, widths)}`;
    for (let i = 1; i < count; i++) {
      await env.finish(env.started.nanosleep(delay * 1e9));
      const now = sample(env);
      out += vmstatLine(env, now, before, widths);
      before = now;
    }
    return out;
  },
};
