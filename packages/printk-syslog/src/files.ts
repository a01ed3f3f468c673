/** The log's files: /dev/kmsg, /proc/kmsg, /proc/consoles, the sysctls of kernel.printk*, the module's parameters. */
import {
  CAP_SYS_ADMIN,
  type Core,
  type Ctx,
  capable,
  EINVAL,
  EPERM,
  fail,
  intSysctl,
  kstrtobool,
  mkdev,
  type PseudoFile,
  sysctlUlongs,
} from "@kernelkit/core";
import { CON_ANYTIME, CON_BOOT, CON_BRL, CON_CONSDEV, CON_ENABLED, CON_PRINTBUFFER } from "./console.js";
import { devKmsgOps } from "./devKmsg.js";
import type { DevkmsgLog, Printk } from "./printk.js";
import { procKmsgOps } from "./procKmsg.js";
import { TAINT_MASK } from "./taint.js";
import type { Trouble } from "./trouble.js";

/** Message budget sysctls are in seconds, windows in ticks. */
const seconds = (p: Printk, rs: { interval: number }): { get: () => number; set: (v: number) => void } => ({
  get: () => Math.floor(rs.interval / p.k.time.hz),
  set: (v) => {
    rs.interval = v * p.k.time.hz;
  },
});

export function installFiles(k: Core, p: Printk, trouble: Trouble): void {
  k.devices.chrdev(mkdev(1, 11), "kmsg", devKmsgOps(p), { mode: 0o644, class: "mem" });
  const kmsg = procKmsgOps(p);
  k.state.static("printk.procKmsg", kmsg);
  k.proc.file("/proc/kmsg", { mode: 0o400, ops: kmsg });
  k.proc.file("/proc/consoles", { show: () => consolesText(p) });

  const max = 0x7fffffff;
  k.sysctl.register(
    "kernel/printk",
    intSysctl({
      count: 4,
      get: () => p.levels,
      set: (_c: Ctx, v: number, i: number) => {
        p.levels[i] = v;
      },
    }),
  );
  k.sysctl.register(
    "kernel/printk_delay",
    intSysctl({
      min: 0,
      max: 10_000,
      get: () => p.delayMs,
      set: (_c: Ctx, v: number) => {
        p.delayMs = v;
      },
    }),
  );
  const limits: readonly [string, Printk["rsPrintk"]][] = [
    ["kernel/printk_ratelimit", p.rsPrintk],
    ["net/core/message_cost", p.rsNet],
  ];
  for (const [name, rs] of limits) {
    const s = seconds(p, rs);
    k.sysctl.register(name, intSysctl({ min: 0, max, get: s.get, set: (_c: Ctx, v: number) => s.set(v) }));
    k.sysctl.register(
      name === "kernel/printk_ratelimit" ? "kernel/printk_ratelimit_burst" : "net/core/message_burst",
      intSysctl({
        get: () => rs.burst,
        set: (_c: Ctx, v: number) => {
          rs.burst = v;
        },
      }),
    );
  }
  k.sysctl.register(
    "kernel/dmesg_restrict",
    intSysctl({
      min: 0,
      max: 1,
      get: () => p.dmesgRestrict,
      set: (c: Ctx, v: number) => {
        if (!capable(c.k, c.task, CAP_SYS_ADMIN)) fail(EPERM);
        p.dmesgRestrict = v;
      },
    }),
  );
  k.sysctl.register("kernel/printk_devkmsg", {
    mode: 0o644,
    show: () => `${p.devkmsg}\n`,
    store(_c, _o, text, _f, pos) {
      if (pos > 0) return text.length;
      const m = /^(on|off|ratelimit)\n$/.exec(text);
      if (m === null || p.devkmsgLocked) return fail(EINVAL);
      p.devkmsg = m[1] as DevkmsgLog;
      return text.length;
    },
  });

  k.sysctl.register("kernel/tainted", {
    mode: 0o644,
    show: () => `${trouble.taint}\n`,
    store(c, _o, text, _f, pos) {
      if (!capable(c.k, c.task, CAP_SYS_ADMIN)) return fail(EPERM);
      if (pos > 0) return text.length;
      const r = sysctlUlongs(text, 1);
      if (r.ret < 0) return fail(r.ret);
      if (r.values.length === 0) return r.ret;
      const bits = Number(BigInt(r.values[0]) & BigInt(TAINT_MASK));
      if (trouble.noUserTaint && (bits & trouble.panicOnTaint) !== 0) return fail(EINVAL);
      trouble.orTaint(bits);
      return r.ret;
    },
  });

  const flag = (
    name: "time" | "ignoreLoglevel" | "consoleSuspend" | "alwaysKmsgDump" | "consoleNoAutoVerbose",
  ): PseudoFile => ({
    mode: 0o644,
    show: () => `${p[name] ? "Y" : "N"}\n`,
    store(_c, _o, text) {
      const v = kstrtobool(text);
      if (typeof v !== "boolean") return fail(EINVAL);
      p[name] = v;
      return undefined;
    },
  });
  const dir = "/sys/module/printk/parameters";
  k.sysfs.file(`${dir}/time`, flag("time"));
  k.sysfs.file(`${dir}/ignore_loglevel`, flag("ignoreLoglevel"));
  k.sysfs.file(`${dir}/console_suspend`, flag("consoleSuspend"));
  k.sysfs.file(`${dir}/always_kmsg_dump`, flag("alwaysKmsgDump"));
  k.sysfs.file(`${dir}/console_no_auto_verbose`, flag("consoleNoAutoVerbose"));
}

/** `ttyS0                -W- (EC p a)`: name, what it can do, its flags. */
function consolesText(p: Printk): string {
  const letters: readonly [number, string][] = [
    [CON_ENABLED, "E"],
    [CON_CONSDEV, "C"],
    [CON_BOOT, "B"],
    [0, " "],
    [CON_PRINTBUFFER, "p"],
    [CON_BRL, "b"],
    [CON_ANYTIME, "a"],
  ];
  let out = "";
  for (const c of p.init.consoles) {
    const flags = letters.map(([bit, l]) => (bit === 0 ? "" : (c.flags & bit) !== 0 ? l : " ")).join("");
    out += `${c.title.padEnd(21)}-W- (${flags})${c.device === "" ? "" : ` ${c.device.padStart(7)}`}\n`;
  }
  return out;
}
