/** The machine and who asks: hostname, uname, id, date, uptime, nproc, getconf, sysctl. */
import { KernelError } from "@kernelkit/core";
import {
  attempt,
  type CommandEnv,
  CommandFailed,
  type CommandTable,
  fieldsOf,
  maybeText,
  strerror,
} from "../command.js";
import { getopt } from "../getopt.js";

const UNAME = ["s", "n", "r", "v", "m", "p", "i", "o"];

/** Every setting below /proc/sys, in the order of names. */
function settings(env: CommandEnv, path: string): string[] {
  const out: string[] = [];
  for (const name of env.sys.readdir(path).sort()) {
    const at = `${path}/${name}`;
    if ((env.sys.lstat(at).mode & 0o170000) === 0o040000) out.push(...settings(env, at));
    else out.push(at);
  }
  return out;
}

export const systemCommands: CommandTable = {
  hostname(args, env) {
    const o = getopt("hostname", args, "short,s fqdn,f domain,d");
    if (o.rest.length === 0) {
      const name = env.sys.readText("/proc/sys/kernel/hostname");
      return o.has("short") ? `${name.trim().split(".")[0]}\n` : name;
    }
    attempt("sethostname", () => env.sys.sethostname(o.rest[0]));
    return "";
  },

  uname(args, env) {
    const o = getopt(
      "uname",
      args,
      "all,a kernel-name,s nodename,n kernel-release,r kernel-version,v machine,m processor,p hardware-platform,i operating-system,o",
    );
    const u = env.sys.uname();
    const parts: Record<string, string> = {
      s: u.sysname,
      n: u.nodename,
      r: u.release,
      v: u.version,
      m: u.machine,
      o: "GNU/Linux",
    };
    const asked = new Set(o.given.map(([n]) => UNAME_LONG[n]));
    const shown = o.has("all") ? ["s", "n", "r", "v", "m", "o"] : UNAME.filter((l) => asked.has(l));
    return `${(shown.length === 0 ? ["s"] : shown).map((l) => parts[l] ?? "unknown").join(" ")}\n`;
  },

  id(args, env) {
    const o = getopt("id", args, "user,u group,g groups,G name,n real,r");
    const { sys } = env;
    const uid = o.has("real") ? sys.getuid() : sys.geteuid();
    const gid = o.has("real") ? sys.getgid() : sys.getegid();
    const name = (n: number): string => (n === 0 ? "root" : n === 65534 ? "nobody" : String(n));
    const shown = (n: number): string => (o.has("name") ? name(n) : String(n));
    const groups = [gid, ...sys.getgroups().filter((g) => g !== gid)];
    if (o.has("user")) return `${shown(uid)}\n`;
    if (o.has("group")) return `${shown(gid)}\n`;
    if (o.has("groups")) return `${groups.map(shown).join(" ")}\n`;
    const named = (n: number): string =>
      name(n) === String(n) ? `${n}` : `${n}(${n === 65534 ? "nogroup" : name(n)})`;
    const user = name(uid) === String(uid) ? `${uid}` : `${uid}(${name(uid)})`;
    return `uid=${user} gid=${named(gid)} groups=${groups.map(named).join(",")}\n`;
  },

  whoami(_args, env) {
    const uid = env.sys.geteuid();
    if (uid === 0) return "root\n";
    if (uid === 65534) return "nobody\n";
    throw new CommandFailed(`cannot find name for user ID ${uid}`);
  },

  /** just-bash's own date, told the kernel's time. */
  async date(args, env) {
    const asks = args.some((a) => a === "-d" || a.startsWith("--date") || a === "-s");
    const now = env.sys.clock_gettime(0).sec;
    return (await env.ctx.origCommand?.(asks ? args : ["-u", "-d", `@${now}`, ...args])) ?? "";
  },

  nproc(args, env) {
    const o = getopt("nproc", args, "all ignore=");
    const possible = maybeText(env, "/sys/devices/system/cpu/possible")?.trim() ?? "0";
    const all = possible.split(",").reduce((n, p) => {
      const [a, b] = p.split("-").map(Number);
      return n + (b ?? a) - a + 1;
    }, 0);
    const n = o.has("all") ? all : env.sys.sched_getaffinity(0).length;
    return `${Math.max(1, n - Number(o.get("ignore") ?? 0))}\n`;
  },

  /** The values libraries ask for: getconf(1). */
  getconf(args, env) {
    const values: Readonly<Record<string, () => number>> = {
      CLK_TCK: () => 100,
      PAGESIZE: () => 4096,
      PAGE_SIZE: () => 4096,
      OPEN_MAX: () => Number(/Max open files +(\d+)/.exec(env.sys.readText("/proc/self/limits"))?.[1]),
      _NPROCESSORS_CONF: () => env.kernel.cpus.nr,
      _NPROCESSORS_ONLN: () => env.sys.readText("/proc/stat").match(/^cpu\d/gm)?.length ?? 1,
      _PHYS_PAGES: () => env.sys.sysinfo().totalram / 4096,
      _AVPHYS_PAGES: () => env.sys.sysinfo().freeram / 4096,
    };
    if (args.length !== 1) throw new CommandFailed("usage: getconf VARIABLE", 2);
    if (!Object.hasOwn(values, args[0])) throw new CommandFailed(`Unrecognized variable \`${args[0]}'`, 2);
    return `${values[args[0]]()}\n`;
  },

  uptime(args, env) {
    const o = getopt("uptime", args, "pretty,p since,s");
    const up = Math.floor(Number(env.sys.readText("/proc/uptime").split(" ")[0]));
    const now = env.sys.clock_gettime(0).sec;
    const clock = (sec: number): string => new Date(sec * 1000).toISOString();
    if (o.has("since"))
      return `${clock(now - up)
        .slice(0, 19)
        .replace("T", " ")}\n`;
    const [d, h, m] = [Math.floor(up / 86400), Math.floor((up % 86400) / 3600), Math.floor((up % 3600) / 60)];
    const many = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
    if (o.has("pretty")) {
      const parts = [d > 0 ? many(d, "day") : "", h > 0 ? many(h, "hour") : "", many(m, "minute")];
      return `up ${parts.filter(Boolean).join(", ")}\n`;
    }
    const days = d > 0 ? `${many(d, "day")}, ` : "";
    const rest = h > 0 ? `${String(h).padStart(2)}:${String(m).padStart(2, "0")}` : `${m} min`;
    const load = env.sys.readText("/proc/loadavg").split(" ").slice(0, 3).join(", ");
    return ` ${clock(now).slice(11, 19)} up ${days}${rest},  0 users,  load average: ${load}\n`;
  },

  sysctl(args, env) {
    const o = getopt("sysctl", args, "all,a values,n names,N write,w ignore,e quiet,q system,A binary,b");
    const wanted = o.has("all") ? settings(env, "/proc/sys") : o.rest;
    if (wanted.length === 0)
      throw new CommandFailed("no variables specified\nTry `sysctl --help' for more information.");
    let stdout = "";
    let stderr = "";
    let exitCode = 0;
    for (const word of wanted) {
      const at = word.startsWith("/proc/sys/") ? -1 : word.indexOf("=");
      const name = (at < 0 ? word : word.slice(0, at)).trim();
      const path = name.startsWith("/proc/sys/") ? name : `/proc/sys/${name.replaceAll(".", "/")}`;
      const key = path.slice("/proc/sys/".length).replaceAll("/", ".");
      try {
        if (at >= 0) env.sys.writeFile(path, word.slice(at + 1).trim());
        if (at >= 0 && o.has("quiet")) continue;
        const value = o.has("names") ? "" : env.sys.readText(path).trimEnd();
        for (const line of value.split("\n"))
          stdout += o.has("names") ? `${key}\n` : o.has("values") ? `${line}\n` : `${key} = ${line}\n`;
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        // a setting that can only be written is no failure of -a
        if (o.has("all") && e.code !== "ENOENT") continue;
        if (o.has("ignore")) continue;
        stderr +=
          e.code === "ENOENT"
            ? `sysctl: cannot stat ${path}: ${strerror(e)}\n`
            : e.code === "EACCES" || e.code === "EPERM"
              ? `sysctl: permission denied on key '${key}'\n`
              : `sysctl: ${at >= 0 ? "setting" : "reading"} key "${key}": ${strerror(e)}\n`;
        exitCode = e.code === "ENOENT" ? 255 : 1;
      }
    }
    return { stdout, stderr, exitCode };
  },

  /** df(1) of what is mounted and has blocks. */
  df(args, env) {
    const o = getopt("df", args, "all,a human-readable,h print-type,T portability,P type,t= k,k inodes,i local,l");
    const rows: string[][] = [];
    for (const line of env.sys.readText("/proc/self/mounts").split("\n").filter(Boolean)) {
      const [source, dir, type] = line.split(" ");
      const s = env.sys.statfs(dir);
      if ((s.blocks === 0 && !o.has("all")) || (o.has("type") && o.get("type") !== type)) continue;
      if (o.rest.length > 0 && !o.rest.includes(dir) && !o.rest.includes(source)) continue;
      const kb = (blocks: number): number => (blocks * s.frsize) / 1024;
      const [total, avail, used] = [kb(s.blocks), kb(s.bavail), kb(s.blocks - s.bfree)];
      const percent = used + avail === 0 ? "-" : `${Math.ceil((100 * used) / (used + avail))}%`;
      rows.push([
        source,
        ...(o.has("print-type") ? [type] : []),
        String(total),
        String(used),
        String(avail),
        percent,
        dir,
      ]);
    }
    const head = [
      "Filesystem",
      ...(o.has("print-type") ? ["Type"] : []),
      o.has("portability") ? "1024-blocks" : "1K-blocks",
    ];
    const all = [[...head, "Used", "Available", o.has("portability") ? "Capacity" : "Use%", "Mounted on"], ...rows];
    const widths = all[0].map((_, i) => Math.max(i === 0 ? 14 : 5, ...all.map((r) => r[i].length)));
    const left = o.has("print-type") ? 2 : 1;
    return all
      .map((r) => {
        const cells = r.map((c, i) =>
          i === r.length - 1 ? c : i < left ? c.padEnd(widths[i]) : c.padStart(widths[i]),
        );
        return `${cells.join(" ")}\n`;
      })
      .join("");
  },
};

const UNAME_LONG: Readonly<Record<string, string>> = {
  "kernel-name": "s",
  nodename: "n",
  "kernel-release": "r",
  "kernel-version": "v",
  machine: "m",
  processor: "p",
  "hardware-platform": "i",
  "operating-system": "o",
};

/** MemTotal and its relatives, in kB. */
export function meminfoKb(env: Pick<CommandEnv, "sys">): (name: string) => number {
  const m = fieldsOf(env.sys.readText("/proc/meminfo"));
  return (name) => Number(m.get(name)?.split(" ")[0] ?? 0);
}
