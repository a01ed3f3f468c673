/** The shell's own commands: views of /proc and system calls, in the format of the tools of that name. */
import { KernelError, O_NONBLOCK, O_RDONLY } from "@kernelkit/core";
import { type CommandEnv, CommandFailed, type CommandFn } from "./command.js";

const SIGNALS: Record<string, number> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
};

/** A record of /dev/kmsg: `prio,seq,usec,flags;text`. */
function kmsgLine(record: string): string {
  const semicolon = record.indexOf(";");
  const usec = Number(record.slice(0, semicolon).split(",")[2]);
  const text = record.slice(semicolon + 1).split("\n")[0];
  return `[${String(Math.floor(usec / 1e6)).padStart(5)}.${String(usec % 1e6).padStart(6, "0")}] ${text}\n`;
}

/** Every record of the kernel log, as dmesg(1) prints it. */
export function dmesgText(env: Pick<CommandEnv, "sys">): string {
  const fd = env.sys.open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
  let out = "";
  try {
    for (;;) out += kmsgLine(new TextDecoder().decode(env.sys.read(fd, 8192)));
  } catch (e) {
    if (!(e instanceof KernelError) || e.code !== "EAGAIN") throw e;
  } finally {
    env.sys.close(fd);
  }
  return out;
}

const text = (env: CommandEnv, path: string): string => env.sys.readText(path);

/** Fields of a "name:\tvalue" file. */
function fields(file: string): Map<string, string> {
  return new Map(
    file.split("\n").map((l) => {
      const i = l.indexOf(":");
      return [l.slice(0, i), l.slice(i + 1).trim()];
    }),
  );
}

function seconds(arg: string): number {
  const m = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(arg);
  if (m === null) throw new CommandFailed(`invalid time interval '${arg}'`);
  return Number(m[1]) * ({ "": 1, s: 1, m: 60, h: 3600, d: 86400 }[m[2]] as number);
}

export const COMMANDS: Record<string, CommandFn> = {
  dmesg: (_args, env) => dmesgText(env),

  hostname(args, env) {
    if (args.length === 0) return text(env, "/proc/sys/kernel/hostname");
    env.sys.sethostname(args[0]);
    return "";
  },

  uname(args, env) {
    const u = env.sys.uname();
    const parts: Record<string, string> = {
      s: u.sysname,
      n: u.nodename,
      r: u.release,
      v: u.version,
      m: u.machine,
      o: "GNU/Linux",
    };
    const letters = args.length === 0 ? "s" : args.join("").replaceAll("-", "");
    if (letters.includes("a")) return `${["s", "n", "r", "v", "m", "o"].map((l) => parts[l]).join(" ")}\n`;
    const unknown = [...letters].find((l) => !(l in parts));
    if (unknown !== undefined) throw new CommandFailed(`invalid option -- '${unknown}'`);
    return `${["s", "n", "r", "v", "m", "o"]
      .filter((l) => letters.includes(l))
      .map((l) => parts[l])
      .join(" ")}\n`;
  },

  id(args, env) {
    const uid = env.sys.geteuid();
    const gid = env.sys.getegid();
    if (args[0] === "-u") return `${uid}\n`;
    if (args[0] === "-g") return `${gid}\n`;
    const name = (n: number): string => (n === 0 ? "(root)" : "");
    const groups = [gid, ...env.sys.getgroups().filter((g) => g !== gid)];
    return `uid=${uid}${name(uid)} gid=${gid}${name(gid)} groups=${groups.map((g) => `${g}${name(g)}`).join(",")}\n`;
  },

  ps(_args, env) {
    let out = "    PID    PPID STAT     RSS COMMAND\n";
    for (const pid of env.sys.readdir("/proc").filter((n) => /^\d+$/.test(n))) {
      const s = fields(text(env, `/proc/${pid}/status`));
      const rss = s.get("VmRSS")?.split(" ")[0] ?? "0";
      const name = s.get("Kthread") === "1" ? `[${s.get("Name")}]` : (s.get("Name") ?? "");
      out += `${pid.padStart(7)} ${(s.get("PPid") ?? "").padStart(7)} ${(s.get("State") ?? "?").charAt(0).padEnd(4)} ${rss.padStart(7)} ${name}\n`;
    }
    return out;
  },

  kill(args, env) {
    let signal = 15;
    const pids: string[] = [];
    for (const a of args) {
      if (a.startsWith("-")) {
        const s = a.slice(1).replace(/^SIG/, "");
        signal = SIGNALS[s] ?? Number(s);
        if (!Number.isInteger(signal)) throw new CommandFailed(`${a.slice(1)}: invalid signal specification`);
      } else pids.push(a);
    }
    if (pids.length === 0) throw new CommandFailed("usage: kill [-SIGNAL] PID...", 2);
    for (const p of pids) {
      if (!/^-?\d+$/.test(p)) throw new CommandFailed(`${p}: arguments must be process or job IDs`);
      env.sys.kill(Number(p), signal);
    }
    return "";
  },

  free(_args, env) {
    const m = fields(text(env, "/proc/meminfo"));
    const kb = (k: string): number => Number(m.get(k)?.split(" ")[0] ?? 0);
    const cache = kb("Buffers") + kb("Cached") + kb("SReclaimable");
    const row = (name: string, v: number[]): string =>
      `${name.padEnd(7)}${v.map((n) => String(n).padStart(12)).join("")}\n`;
    const used = kb("MemTotal") - kb("MemAvailable");
    return (
      `       ${["total", "used", "free", "shared", "buff/cache", "available"].map((h) => h.padStart(12)).join("")}\n` +
      row("Mem:", [kb("MemTotal"), used, kb("MemFree"), kb("Shmem"), cache, kb("MemAvailable")]) +
      row("Swap:", [kb("SwapTotal"), kb("SwapTotal") - kb("SwapFree"), kb("SwapFree")])
    );
  },

  /** The values libraries ask for: getconf(1). */
  getconf(args, env) {
    const values: Readonly<Record<string, () => number>> = {
      CLK_TCK: () => 100,
      PAGESIZE: () => 4096,
      PAGE_SIZE: () => 4096,
      OPEN_MAX: () => Number(/Max open files +(\d+)/.exec(text(env, "/proc/self/limits"))?.[1]),
      _NPROCESSORS_CONF: () => env.kernel.cpus.nr,
      _NPROCESSORS_ONLN: () => text(env, "/proc/stat").match(/^cpu\d/gm)?.length ?? 1,
      _PHYS_PAGES: () => Number(fields(text(env, "/proc/meminfo")).get("MemTotal")?.split(" ")[0]) / 4,
    };
    if (args.length !== 1) throw new CommandFailed("usage: getconf VARIABLE", 2);
    if (!Object.hasOwn(values, args[0])) throw new CommandFailed(`Unrecognized variable \`${args[0]}'`, 2);
    return `${values[args[0]]()}\n`;
  },

  uptime(_args, env) {
    const up = Math.floor(Number(text(env, "/proc/uptime").split(" ")[0]));
    const load = text(env, "/proc/loadavg").split(" ").slice(0, 3).join(", ");
    return ` up ${Math.floor(up / 60)} min,  load average: ${load}\n`;
  },

  /** Virtual time: the machine runs on, the terminal does not wait. */
  sleep(args, env) {
    if (args.length === 0) throw new CommandFailed("missing operand");
    env.sys.nanosleep(args.reduce((sum, a) => sum + seconds(a), 0) * 1e9);
    return "";
  },

  sysctl(args, env) {
    let out = "";
    for (const a of args) {
      if (a === "-w") continue;
      const [key, value] = a.split("=");
      const path = `/proc/sys/${key.trim().replaceAll(".", "/")}`;
      if (value !== undefined) env.sys.writeFile(path, value);
      out += `${key.trim()} = ${text(env, path).trimEnd()}\n`;
    }
    if (args.length === 0) throw new CommandFailed("no variables specified");
    return out;
  },

  mount(args, env) {
    if (args.length === 0) {
      return text(env, "/proc/self/mounts")
        .split("\n")
        .filter(Boolean)
        .map((l) => {
          const [src, dir, type, options] = l.split(" ");
          return `${src} on ${dir} type ${type} (${options})\n`;
        })
        .join("");
    }
    const option = (flag: string): string | undefined => {
      const i = args.indexOf(flag);
      return i < 0 ? undefined : args.splice(i, 2)[1];
    };
    const type = option("-t") ?? "";
    const data = option("-o") ?? "";
    if (args.length !== 2) throw new CommandFailed("bad usage: mount [-t TYPE] [-o OPTIONS] SOURCE DIRECTORY");
    env.sys.mount(args[0], args[1], type, 0, data);
    return "";
  },

  umount(args, env) {
    if (args.length === 0) throw new CommandFailed("bad usage: umount DIRECTORY...");
    for (const a of args) env.sys.umount2(a, 0);
    return "";
  },
};
