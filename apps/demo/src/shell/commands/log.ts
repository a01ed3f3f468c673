/** The kernel log: dmesg, logger. util-linux 2.38. */
import { KernelError, latin1Bytes, O_NONBLOCK, O_RDONLY, O_WRONLY, utf8Text } from "@kernelkit/core";
import { type KmsgRecord, parseKmsg } from "@kernelkit/printk-syslog";
import { printable } from "../../readers/printable.js";
import { type CommandEnv, CommandFailed, type CommandTable, strerror } from "../command.js";
import { getopt } from "../getopt.js";

const LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
const FACILITIES = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "authpriv",
  "ftp",
];
FACILITIES.push(
  "res0",
  "res1",
  "res2",
  "res3",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
);

/** Records of the kernel log, read from /dev/kmsg. KernelError as open(2) and read(2) give it. */
function records(env: Pick<CommandEnv, "sys">): KmsgRecord[] {
  const fd = env.sys.open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
  let text = "";
  try {
    for (;;) text += new TextDecoder().decode(env.sys.read(fd, 8192));
  } catch (e) {
    if (!(e instanceof KernelError) || e.code !== "EAGAIN") throw e;
  } finally {
    env.sys.close(fd);
  }
  return parseKmsg(text);
}

const seconds = (usec: number, width: number): string =>
  `${String(Math.floor(usec / 1e6)).padStart(width)}.${String(usec % 1e6).padStart(6, "0")}`;

/** Every record of the kernel log, as dmesg(1) prints it. */
export function dmesgText(env: Pick<CommandEnv, "sys">): string {
  return records(env)
    .map((r) =>
      printable(r.text)
        .split("\n")
        .map((l) => `[${seconds(r.usec, 5)}] ${l}\n`)
        .join(""),
    )
    .join("");
}

/** What syslog(2) gives: `<6>[    0.000000] text` lines, the form that `dmesg -F FILE` of util-linux reads. */
export function rawSyslog(env: Pick<CommandEnv, "sys">, action: number = 3): string {
  const sys = env.sys as CommandEnv["sys"];
  const size = sys.syslog(10) as number;
  const bytes = sys.syslog(action, new Uint8Array(size), size);
  return typeof bytes === "number" ? "" : new TextDecoder().decode(bytes);
}

/** `err,warn` or `err+` (that and worse). */
function choice(list: string, names: readonly string[], what: string): Set<number> {
  const out = new Set<number>();
  for (const word of list.split(",")) {
    const range = /^(\+?)(\w+)(\+?)$/.exec(word);
    const at = range === null ? -1 : /^\d+$/.test(range[2]) ? Number(range[2]) : names.indexOf(range[2]);
    if (range === null || at < 0 || at >= names.length) throw new CommandFailed(`unknown ${what} '${word}'`);
    for (let i = range[1] === "+" ? 0 : at; i <= (range[3] === "+" ? names.length - 1 : at); i++) out.add(i);
  }
  return out;
}

/** As `dmesg -J` prints it: numbers stand right in their columns, entries one behind the other. */
function recordJson(r: KmsgRecord, decode: boolean): string {
  const at = "         ";
  const prio = decode
    ? `${at}"fac": "${FACILITIES[r.facility]}",\n${at}"pri": "${LEVELS[r.level]}",`
    : `${at}"pri": ${r.facility * 8 + r.level},`;
  const text = /^[\0-\xff]*$/.test(r.text) ? utf8Text(latin1Bytes(r.text)) : r.text;
  return `{\n${prio}\n${at}"time": ${seconds(r.usec, 5)},\n${at}"msg": ${JSON.stringify(text)}\n      }`;
}

function follow(env: CommandEnv): never {
  void env;
  throw new CommandFailed("following needs somebody who watches: read /dev/kmsg");
}

/** A time of day as dmesg -T prints it. */
const ctime = (ms: number): string => {
  const d = new Date(ms);
  const [day, month] = [
    ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][d.getUTCDay()],
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[d.getUTCMonth()],
  ];
  return `${day} ${month} ${String(d.getUTCDate()).padStart(2)} ${d.toISOString().slice(11, 19)} ${d.getUTCFullYear()}`;
};

export const logCommands: CommandTable = {
  dmesg(args, env) {
    const o = getopt(
      "dmesg",
      args,
      "clear,C read-clear,c console-off,D console-on,E console-level,n= facility,f= level,l= kernel,k userspace,u raw,r raw-syslog " +
        "syslog,S decode,x notime,t ctime,T show-delta,d json,J buffer-size,s= force-prefix,p follow,w follow-new,W color,L=? nopager,P",
    );
    const act = (type: number, len = 0): void => void env.sys.syslog(type, null, len);
    try {
      if (o.has("console-off")) act(6);
      if (o.has("console-on")) act(7);
      if (o.has("console-level"))
        act(
          8,
          /^\d+$/.test(o.get("console-level") as string)
            ? Number(o.get("console-level"))
            : LEVELS.indexOf(o.get("console-level") as string) + 1,
        );
      if (o.has("clear")) act(5);
      if (["console-off", "console-on", "console-level", "clear"].some((n) => o.has(n))) return "";
      if (o.has("follow") || o.has("follow-new")) return follow(env);
      if (o.has("raw-syslog")) return rawSyslog(env, o.has("read-clear") ? 4 : 3);
      const levels = o.has("level") ? choice(o.get("level") as string, LEVELS, "level") : null;
      const facilities = o.has("facility")
        ? choice(o.get("facility") as string, FACILITIES, "facility")
        : o.has("kernel")
          ? new Set([0])
          : o.has("userspace")
            ? new Set(FACILITIES.map((_, i) => i).slice(1))
            : null;
      const shown = records(env).filter(
        (r) => (levels === null || levels.has(r.level)) && (facilities === null || facilities.has(r.facility)),
      );
      if (o.has("read-clear")) act(5);
      if (o.has("json")) {
        const entries = shown.map((r) => recordJson(r, o.has("decode")));
        return `{\n   "dmesg": [\n      ${entries.join(",")}\n   ]\n}\n`;
      }
      const boot = env.sys.clock_gettime(0).sec * 1000 - env.kernel.now / 1e6;
      let last = shown[0]?.usec ?? 0;
      let out = "";
      for (const r of shown) {
        const raw = o.has("raw") ? `<${r.facility * 8 + r.level}>` : "";
        const decoded = o.has("decode") ? `${FACILITIES[r.facility].padEnd(6)}:${LEVELS[r.level].padEnd(6)}: ` : "";
        const delta = o.has("show-delta") ? `[${seconds(r.usec, 5)} <${seconds(r.usec - last, 5)}>] ` : null;
        const time = o.has("notime")
          ? ""
          : o.has("ctime")
            ? `[${ctime(boot + r.usec / 1000)}] `
            : (delta ?? `[${seconds(r.usec, 5)}] `);
        last = r.usec;
        const [first, ...more] = printable(r.text).split("\n");
        out += `${raw}${decoded}${time}${first}\n`;
        const indent = o.has("force-prefix") ? raw + decoded + time : " ".repeat(decoded.length + time.length);
        for (const l of more) out += `${indent}${l}\n`;
      }
      return out;
    } catch (e) {
      if (e instanceof KernelError) throw new CommandFailed(`read kernel buffer failed: ${strerror(e)}`);
      throw e;
    }
  },

  /** A line into /dev/kmsg: here is no other log. */
  logger(args, env) {
    const o = getopt("logger", args, "priority,p= tag,t= stderr,s");
    const [facility, level] = (o.get("priority") ?? "user.notice").split(".");
    const prio = Math.max(0, FACILITIES.indexOf(facility)) * 8 + Math.max(0, LEVELS.indexOf(level ?? "notice"));
    const tag = o.get("tag") ?? (env.shell.vars["USER"] as string | undefined) ?? "root";
    const lines = (o.rest.length > 0 ? o.rest.join(" ") : env.stdin.trimEnd()).split("\n");
    const fd = env.sys.open("/dev/kmsg", O_WRONLY);
    try {
      for (const l of lines) env.sys.write(fd, `<${prio}>${tag}: ${l}\n`);
    } finally {
      env.sys.close(fd);
    }
    return { exitCode: 0, stderr: o.has("stderr") ? lines.map((l) => `${tag}: ${l}\n`).join("") : "" };
  },
};
