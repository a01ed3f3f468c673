/** ps, pgrep, pidof: processes as procps 4 shows them, out of /proc. */
import { type CommandEnv, CommandFailed, type CommandTable, fieldsOf, maybeText } from "../command.js";
import { getopt } from "../getopt.js";
import { meminfoKb } from "./system.js";

/** A process as /proc tells it. */
interface Process {
  readonly pid: number;
  readonly comm: string;
  readonly stat: readonly string[];
  readonly status: Map<string, string>;
  readonly args: string;
}

/** Fields of /proc/PID/stat are numbered from 1, as in proc(5). */
function processes(env: CommandEnv): Process[] {
  const out: Process[] = [];
  for (const name of env.sys.readdir("/proc").filter((n) => /^\d+$/.test(n))) {
    const line = maybeText(env, `/proc/${name}/stat`);
    const status = maybeText(env, `/proc/${name}/status`);
    if (line === null || status === null) continue;
    const [from, to] = [line.indexOf("("), line.lastIndexOf(")")];
    const comm = line.slice(from + 1, to);
    const stat = [
      "",
      name,
      comm,
      ...line
        .slice(to + 2)
        .trimEnd()
        .split(" "),
    ];
    const cmdline = (maybeText(env, `/proc/${name}/cmdline`) ?? "").replace(/\0+$/, "").replaceAll("\0", " ");
    const fields = fieldsOf(status);
    const kernel = fields.get("Kthread") === "1";
    out.push({
      pid: Number(name),
      comm,
      stat,
      status: fields,
      args: cmdline !== "" ? cmdline : kernel ? `[${comm}]` : comm,
    });
  }
  return out;
}

interface Column {
  readonly head: string;
  readonly width: number;
  readonly right: boolean;
  readonly value: (p: Process, env: CommandEnv) => string;
}

const TICK = 100;
const num = (p: Process, n: number): number => Number(p.stat[n]);
const cpuTicks = (p: Process): number => num(p, 14) + num(p, 15);
const uptimeOf = (env: CommandEnv): number => env.kernel.now / 1e9;
const ageSec = (p: Process, env: CommandEnv): number => Math.max(0, uptimeOf(env) - num(p, 22) / TICK);
const two = (n: number): string => String(n).padStart(2, "0");
const hms = (s: number): string =>
  `${two(Math.floor(s / 3600))}:${two(Math.floor((s % 3600) / 60))}:${two(Math.floor(s % 60))}`;
const userName = (uid: string): string => (uid === "0" ? "root" : uid === "65534" ? "nobody" : uid);
const percentCpu = (p: Process, env: CommandEnv): number => {
  const age = ageSec(p, env);
  return age <= 0 ? 0 : Math.min(999, Math.floor((1000 * cpuTicks(p)) / TICK / age) / 10);
};
const rssKb = (p: Process): number => num(p, 24) * 4;
const startSec = (p: Process, env: CommandEnv): number =>
  env.sys.clock_gettime(0).sec - uptimeOf(env) + num(p, 22) / TICK;
const uidOf = (p: Process, field: number): string => (p.status.get("Uid") ?? "0").split("\t")[field] ?? "0";
const gidOf = (p: Process, field: number): string => (p.status.get("Gid") ?? "0").split("\t")[field] ?? "0";

/** R, S, D ... with < N for niceness, s for a session leader, l for several threads. */
function statText(p: Process): string {
  const nice = num(p, 19);
  return (
    p.stat[3] +
    (nice < 0 ? "<" : nice > 0 ? "N" : "") +
    (p.status.get("VmLck") !== undefined && !p.status.get("VmLck")?.startsWith("0 ") ? "L" : "") +
    (num(p, 6) === p.pid ? "s" : "") +
    (num(p, 20) > 1 ? "l" : "")
  );
}
function nsOf(name: string): Column["value"] {
  return (p, env) => {
    try {
      return /\[(\d+)\]/.exec(env.sys.readlink(`/proc/${p.pid}/ns/${name}`))?.[1] ?? "-";
    } catch {
      return "-";
    }
  };
}
const col = (head: string, width: number, right: boolean, value: Column["value"]): Column => ({
  head,
  width,
  right,
  value,
});

const COLUMNS: Readonly<Record<string, Column>> = {
  pid: col("PID", 7, true, (p) => String(p.pid)),
  ppid: col("PPID", 7, true, (p) => p.stat[4]),
  pgid: col("PGID", 7, true, (p) => p.stat[5]),
  sid: col("SID", 7, true, (p) => p.stat[6]),
  tid: col("TID", 7, true, (p) => String(p.pid)),
  nlwp: col("NLWP", 4, true, (p) => p.stat[20]),
  uid: col("UID", 5, true, (p) => uidOf(p, 1)),
  ruid: col("RUID", 5, true, (p) => uidOf(p, 0)),
  gid: col("GID", 5, true, (p) => gidOf(p, 1)),
  user: col("USER", 8, false, (p) => userName(uidOf(p, 1))),
  ruser: col("RUSER", 8, false, (p) => userName(uidOf(p, 0))),
  rss: col("RSS", 5, true, (p) => String(rssKb(p))),
  vsz: col("VSZ", 6, true, (p) => String(Math.floor(num(p, 23) / 1024))),
  sz: col("SZ", 5, true, (p) => String(Math.floor(num(p, 23) / 4096))),
  "%cpu": col("%CPU", 4, true, (p, env) => percentCpu(p, env).toFixed(1)),
  c: col("C", 2, true, (p, env) => String(Math.min(99, Math.floor(percentCpu(p, env))))),
  "%mem": col("%MEM", 4, true, (p, env) =>
    (Math.floor((1000 * rssKb(p)) / meminfoKb(env)("MemTotal")) / 10).toFixed(1),
  ),
  stat: col("STAT", 4, false, statText),
  s: col("S", 1, false, (p) => p.stat[3]),
  ni: col("NI", 3, true, (p) => p.stat[19]),
  pri: col("PRI", 3, true, (p) => String(39 - num(p, 18))),
  opri: col("PRI", 3, true, (p) => String(60 + num(p, 18))),
  psr: col("PSR", 3, true, (p) => p.stat[39]),
  cls: col("CLS", 3, true, (p) => ["TS", "FF", "RR", "B", "ISO", "IDL", "DLN"][num(p, 41)] ?? "?"),
  rtprio: col("RTPRIO", 6, true, (p) => (num(p, 40) === 0 ? "-" : p.stat[40])),
  tty: col("TTY", 8, false, () => "?"),
  time: col("TIME", 8, true, (p) => hms(cpuTicks(p) / TICK)),
  bsdtime: col(
    "TIME",
    6,
    true,
    (p) => `${Math.floor(cpuTicks(p) / TICK / 60)}:${two(Math.floor(cpuTicks(p) / TICK) % 60)}`,
  ),
  etime: col("ELAPSED", 11, true, (p, env) => {
    const s = Math.floor(ageSec(p, env));
    const days = Math.floor(s / 86400);
    return days > 0 ? `${days}-${hms(s % 86400)}` : s >= 3600 ? hms(s) : hms(s).slice(3);
  }),
  etimes: col("ELAPSED", 7, true, (p, env) => String(Math.floor(ageSec(p, env)))),
  start: col("STIME", 5, true, (p, env) => new Date(startSec(p, env) * 1000).toISOString().slice(11, 16)),
  lstart: col("STARTED", 24, true, (p, env) => {
    const [day, date, month, year, time] = new Date(startSec(p, env) * 1000).toUTCString().replace(",", "").split(" ");
    return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
  }),
  f: col("F", 1, true, (p) => (p.status.get("Kthread") === "1" ? "1" : "4")),
  wchan: col("WCHAN", 6, false, (p, env) => {
    const w = maybeText(env, `/proc/${p.pid}/wchan`) ?? "0";
    return w === "0" ? "-" : w.slice(0, 6);
  }),
  addr: col("ADDR", 4, true, () => "-"),
  comm: col("COMMAND", 15, false, (p) => p.comm),
  ucmd: col("CMD", 15, false, (p) => p.comm),
  args: col("COMMAND", 27, false, (p) => p.args),
  fargs: col("CMD", 27, false, (p) => p.args),
  cgroup: col("CGROUP", 27, false, (p, env) => {
    const lines = (maybeText(env, `/proc/${p.pid}/cgroup`) ?? "").split("\n").filter(Boolean);
    const named = lines.map((l) => l.replace(/^\d+:/, "")).filter((l) => !l.endsWith(":/"));
    return named.length === 0 ? "-" : lines.filter((l) => !l.endsWith(":/")).join(",");
  }),
  pidns: col("PIDNS", 10, true, nsOf("pid")),
  mntns: col("MNTNS", 10, true, nsOf("mnt")),
  userns: col("USERNS", 10, true, nsOf("user")),
  utsns: col("UTSNS", 10, true, nsOf("uts")),
  ipcns: col("IPCNS", 10, true, nsOf("ipc")),
  netns: col("NETNS", 10, true, nsOf("net")),
  cgroupns: col("CGROUPNS", 10, true, nsOf("cgroup")),
  timens: col("TIMENS", 10, true, nsOf("time")),
};
const ALIASES: Readonly<Record<string, string>> = {
  cmd: "fargs",
  command: "args",
  ucomm: "comm",
  rssize: "rss",
  rsz: "rss",
  vsize: "vsz",
  pcpu: "%cpu",
  pmem: "%mem",
  state: "s",
  nice: "ni",
  euser: "user",
  euid: "uid",
  pgrp: "pgid",
  sess: "sid",
  session: "sid",
  lwp: "tid",
  spid: "tid",
  thcount: "nlwp",
  cputime: "time",
  class: "cls",
  stime: "start",
};

/** `rss`, `rss=MEMORY`, `rss:10`. */
function column(text: string): { column: Column; head: string } {
  const [spec, head] = text.split("=", 2);
  const [name, width] = spec.split(":", 2);
  const key = ALIASES[name] ?? name;
  if (!Object.hasOwn(COLUMNS, key)) throw new CommandFailed(`unknown user-defined format specifier "${name}"`);
  const column = width === undefined ? COLUMNS[key] : { ...COLUMNS[key], width: Number(width) };
  return { column, head: head ?? column.head };
}

const FORMATS = {
  plain: "pid,tty,time,ucmd",
  full: "user=UID,pid,ppid,c,start,tty,time,fargs",
  long: "f,s,uid,pid,ppid,c,opri,ni,addr,sz,wchan,tty,time,ucmd",
  aux: "user,pid,%cpu,%mem,vsz,rss,tty,stat,start=START,bsdtime,args",
  bsd: "pid,tty,stat,bsdtime,args",
};

function table(env: CommandEnv, list: readonly Process[], format: string, heads: boolean): string {
  // `-o name=` gives an empty title; a title may not hold a comma
  const cols = format.split(/[, ]+/).map(column);
  const cells = list.map((p) => cols.map((c) => c.column.value(p, env)));
  const rows = heads && cols.some((c) => c.head !== "") ? [cols.map((c) => c.head), ...cells] : cells;
  return rows
    .map((r) => {
      const line = r.map((text, i) => {
        const { width, right } = cols[i].column;
        if (i === r.length - 1 && !right) return text;
        return right ? text.padStart(width) : text.padEnd(width);
      });
      return `${line.join(" ")}\n`;
    })
    .join("");
}

/** `aux`, `ax -o pid`: letters without a dash. */
function bsdOptions(args: string[]): { all: boolean; user: boolean; own: boolean; rest: string[] } {
  const letters = /^[auxwfgTrh]+$/.test(args[0] ?? "") ? (args[0] as string) : "";
  return {
    all: letters.includes("a") && letters.includes("x"),
    user: letters.includes("u"),
    own: letters !== "",
    rest: letters === "" ? args : args.slice(1),
  };
}

export const psCommands: CommandTable = {
  ps(args, env) {
    const bsd = bsdOptions(args);
    const o = getopt(
      "ps",
      bsd.rest,
      "every,e all,A f,f l,l format,o= pid,p= ppid= command,C= user,u= no-headers sort= a,a x,x w,w N,N",
    );
    let list = processes(env);
    const session = env.sys.getsid(0);
    if (o.has("pid") || o.rest.length > 0) {
      const wanted = new Set([...o.rest, ...(o.get("pid") ?? "").split(/[ ,]+/)].filter(Boolean).map(Number));
      list = list.filter((p) => wanted.has(p.pid));
    } else if (o.has("ppid")) list = list.filter((p) => (o.get("ppid") as string).split(",").includes(p.stat[4]));
    else if (o.has("command")) list = list.filter((p) => (o.get("command") as string).split(",").includes(p.comm));
    else if (o.has("user"))
      list = list.filter((p) =>
        (o.get("user") as string).split(",").some((u) => u === uidOf(p, 1) || u === userName(uidOf(p, 1))),
      );
    else if (!o.has("every") && !o.has("all") && !bsd.all && !(o.has("a") && o.has("x")))
      list = list.filter((p) => Number(p.stat[6]) === session || (o.has("a") && p.stat[6] !== p.stat[1]));
    const sort = o.get("sort");
    for (const key of (sort ?? "").split(",").filter(Boolean).reverse()) {
      const down = key.startsWith("-");
      const c = column(key.replace(/^[+-]/, "")).column;
      const value = (p: Process): string | number => (c.right ? Number(c.value(p, env)) : c.value(p, env));
      list.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
    }
    const formats = o.given.filter(([n]) => n === "format").map(([, v]) => v);
    const format =
      formats.length > 0
        ? formats.join(",")
        : bsd.user
          ? FORMATS.aux
          : o.has("f")
            ? FORMATS.full
            : o.has("l")
              ? FORMATS.long
              : bsd.own
                ? FORMATS.bsd
                : FORMATS.plain;
    return { exitCode: list.length === 0 ? 1 : 0, stdout: table(env, list, format, !o.has("no-headers")) };
  },

  pgrep(args, env) {
    const o = getopt("pgrep", args, "list-name,l exact,x full,f count,c");
    if (o.rest.length !== 1)
      throw new CommandFailed("no matching criteria specified\nTry `pgrep --help' for more information.", 2);
    const pattern = new RegExp(o.has("exact") ? `^(?:${o.rest[0]})$` : o.rest[0]);
    const found = processes(env).filter(
      (p) => p.pid !== env.sys.getpid() && pattern.test(o.has("full") ? p.args : p.comm),
    );
    const text = o.has("count")
      ? `${found.length}\n`
      : found.map((p) => (o.has("list-name") ? `${p.pid} ${p.comm}\n` : `${p.pid}\n`)).join("");
    return { exitCode: found.length === 0 ? 1 : 0, stdout: text };
  },
};
