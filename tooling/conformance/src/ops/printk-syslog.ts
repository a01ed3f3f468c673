/** The kernel operations of printk-syslog's cases: `name: (s, args, step) => result`. The vocabulary is in the README. */
import type { Core, Task } from "@kernelkit/core";
import {
  KMSG_DUMP_REASONS,
  type KmsgDumper,
  type KmsgDumpIter,
  type PrintkApi,
  type PrintkDevice,
  printTainted,
  RatelimitState,
} from "@kernelkit/printk-syslog";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { taskOf } from "../steps/syscallSteps.js";

const api = (s: Session): PrintkApi => s.api<PrintkApi>("printk");
const CON_FLAGS: Record<string, number> = {
  CON_PRINTBUFFER: 1,
  CON_CONSDEV: 2,
  CON_ENABLED: 4,
  CON_BOOT: 8,
  CON_ANYTIME: 16,
  CON_EXTENDED: 64,
};
const DEVICES: Record<string, PrintkDevice> = {
  platform: { name: "kkprobe.0", driver: "platform", subsystem: "platform" },
  char: { name: "kkmisc", driver: "misc", subsystem: "misc", number: { type: "c", major: 10, minor: 124 } },
  net: { name: "lo", driver: "net", subsystem: "net", number: { type: "n", ifindex: 1 } },
};

/** Does something with the step's task as the current one. */
function as<T>(s: Session, step: { task?: unknown }, f: () => T): T {
  const core = s.kernel.core as Core;
  const before = core.current;
  core.current = s.task(taskOf(step as never)) as Task;
  try {
    return f();
  } finally {
    core.current = before;
  }
}

/** Sysctl net.netfilter.nf_log_all_netns, which the package with network namespaces brings. */
function logsAllNetns(s: Session, task: string): boolean {
  try {
    const fd = s.syscall<number>(task, "open", "/proc/sys/net/netfilter/nf_log_all_netns", 0, 0);
    const text = new TextDecoder().decode(s.syscall<Uint8Array>(task, "read", fd, 16));
    s.syscall(task, "close", fd);
    return text === "1\n";
  } catch (e) {
    if (s.errorResult(e).errno !== "ENOENT") throw e;
    return false;
  }
}

const passes = (n: unknown, pass: () => boolean): Result => {
  let ret = 0;
  for (let i = 0; i < Number(n); i++) if (pass()) ret++;
  return { ret };
};

function consoleOf(s: Session, name: unknown) {
  const con = api(s)
    .log.namespaces.flatMap((ns) => ns.consoles)
    .find((c) => c.name === String(name));
  if (con === undefined) throw new Mismatch(`a console ${String(name)}`, "no such console");
  return con;
}

export const printkSyslogOps: KernelOps = {
  printk: (s, [text], step) => ({ ret: as(s, step, () => api(s).printk(String(text))) }),
  nsprintk: (s, [task, text], step) => ({
    ret: as(s, step, () => api(s).nsprintk(s.task(String(task)) as Task, String(text))),
  }),
  nf_log_packet: (s, [owner, text], step) => {
    const { tasks } = s.kernel.core as Core;
    const type = tasks.nsTypes.find((t) => t.name === "net");
    const net = type === undefined ? null : tasks.nsOf(s.task(String(owner)) as Task, type);
    const foreign = type !== undefined && net !== tasks.initNsproxy.ns[type.index];
    if (foreign && api(s).log.design.name === "none" && !logsAllNetns(s, taskOf(step as never))) return { ret: 0 };
    as(s, step, () => api(s).nfLogPacket(net, String(text)));
    return { ret: 0 };
  },
  syslog_ns_count: (s) => ({ ret: api(s).log.namespaces.length }),
  dev_printk: (s, [kind, level, text], step) => {
    as(s, step, () => api(s).devPrintk(Number(level), DEVICES[String(kind)], String(text)));
    return { ret: 0 };
  },
  register_console: (s, [name, flags], step) => {
    const bits = String(flags)
      .split("|")
      .reduce((sum, f) => sum | (CON_FLAGS[f] ?? Number(f)), 0);
    const { log } = api(s);
    const old = log.init.consoles.find((c) => c.name === String(name));
    if (old !== undefined) log.unregisterConsole(old);
    const task = step.task === undefined ? null : (s.task(taskOf(step as never)) as Task);
    log.registerConsole(String(name), bits, {
      index: -1,
      ns: log.design.ofConsole(log, task),
    });
    return { ret: 0 };
  },
  unregister_console: (s, [name]) => ({ ret: api(s).log.unregisterConsole(consoleOf(s, name)) ? 0 : -19 }),
  console_output: (s, [name]) => {
    const con = consoleOf(s, name);
    const data = con.output;
    con.output = "";
    return { data, ret: data.length };
  },
  console_suspend: (s) => {
    api(s).log.suspendConsoles();
    return { ret: 0 };
  },
  console_resume: (s) => {
    api(s).log.resumeConsoles();
    return { ret: 0 };
  },
  printk_ratelimit: (s, [n]) => passes(n, () => api(s).log.printkRatelimit("kkfunc")),
  net_ratelimit: (s, [n]) => passes(n, () => api(s).log.netRatelimit("kkfunc")),
  ___ratelimit: (s, [ms, burst, n]) => {
    const { log } = api(s);
    const ticks = Math.ceil((Number(ms) * (s.kernel.core as Core).time.hz) / 1000);
    const rs = s.state(`ratelimit ${String(ms)} ${String(burst)}`, () => new RatelimitState(ticks, Number(burst)));
    return passes(n, () => log.limited(rs, "kkfunc"));
  },
  add_taint: (s, [bit]) => {
    api(s).trouble.addTaint(Number(bit));
    return { ret: 0 };
  },
  print_tainted: (s) => ({ data: printTainted(api(s).trouble.taint) }),
  WARN: (s, [text], step) => {
    as(s, step, () => api(s).trouble.warn(String(text)));
    return { ret: 0 };
  },
  dump_stack: (s, _args, step) => {
    as(s, step, () => api(s).trouble.dumpStack());
    return { ret: 0 };
  },
  oops: (s, _args, step) => {
    as(s, step, () => api(s).trouble.oops("kernel NULL pointer dereference"));
    s.advance(1_000_000);
    return { ret: 0 };
  },
  panic: (s, [text], step) => {
    as(s, step, () => api(s).trouble.panic(String(text)));
    return { ret: 0 };
  },
  kmsg_dump_register: (s, [max]) => {
    const reasons = s.state<string[]>("kmsg_dump", () => []);
    const dumper: KmsgDumper = {
      name: "kk",
      maxReason: Number(max),
      dump: (reason) => {
        reasons.push(KMSG_DUMP_REASONS[reason]);
      },
    };
    return { ret: api(s).trouble.kmsgDumpRegister(dumper) };
  },
  kmsg_dump_log: (s) => ({
    data: s
      .state<string[]>("kmsg_dump", () => [])
      .map((r) => `${r}\n`)
      .join(""),
  }),
  kmsg_dump_get_line: (s, [syslog]) => {
    const { trouble } = api(s);
    const iter: KmsgDumpIter = trouble.kmsgDumpRewind();
    let data = "";
    for (
      let line = trouble.kmsgDumpGetLine(iter, syslog === "1");
      line !== null;
      line = trouble.kmsgDumpGetLine(iter, syslog === "1")
    )
      data += line;
    return { data };
  },
  kmsg_dump_get_buffer: (s, [syslog, size, calls]) => {
    const { trouble } = api(s);
    const iter = trouble.kmsgDumpRewind();
    let data = "";
    for (let i = 0; i < Number(calls); i++) {
      const text = trouble.kmsgDumpGetBuffer(iter, syslog === "1", Number(size));
      data += text === null ? "[end]" : `[${text.length}]${text}`;
    }
    return { data };
  },
  console_log: (s) => ({ data: api(s).dmesg() }),
};
