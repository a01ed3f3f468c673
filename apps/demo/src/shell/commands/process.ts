/** What is done to processes: kill, taskset, nice, renice, chrt, prlimit's relatives. util-linux 2.38, coreutils 9. */
import { PRIO_PROCESS } from "@kernelkit/core";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, type Output } from "../command.js";
import { getopt, listArg, numberArg } from "../getopt.js";
import { signalArg, signalName, signalTable } from "../signals.js";

/** The CPUs of a hexadecimal mask. */
function maskArg(text: string): number[] {
  if (!/^(0x)?[0-9a-f,]+$/i.test(text)) throw new CommandFailed(`failed to parse CPU mask: ${text}`);
  let bits = BigInt(`0x${text.replace(/^0x/i, "").replaceAll(",", "")}`);
  const out: number[] = [];
  for (let cpu = 0; bits !== 0n; cpu++, bits >>= 1n) if ((bits & 1n) === 1n) out.push(cpu);
  return out;
}
const maskText = (cpus: readonly number[]): string => cpus.reduce((m, c) => m | (1n << BigInt(c)), 0n).toString(16);

/** 0-3,7: ranges of three and more with a dash, as these tools print lists. */
export function listText(numbers: readonly number[]): string {
  const out: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    let j = i;
    while (j + 1 < numbers.length && numbers[j + 1] === numbers[j] + 1) j++;
    out.push(j === i ? `${numbers[i]}` : j === i + 1 ? `${numbers[i]},${numbers[j]}` : `${numbers[i]}-${numbers[j]}`);
    i = j + 1;
  }
  return out.join(",");
}

/** Run a command in a child that was prepared; the child is ended if preparing it fails. */
export async function runChild(
  env: CommandEnv,
  comm: string,
  argv: readonly string[],
  prepare: (child: CommandEnv["sys"]) => void,
): Promise<Output> {
  const { jobs } = env.shell;
  const child = jobs.fork(comm);
  const sys = env.kernel.sys(child);
  try {
    prepare(sys);
  } catch (e) {
    sys.exit_group(1);
    jobs.reap(child);
    throw e;
  }
  sys.prctl(15, argv[0].split("/").pop() ?? argv[0]);
  return jobs.runAs(child, argv, { stdin: env.stdin, signal: env.signal, cwd: env.cwd });
}

const usage = (tool: string): never => {
  throw new CommandFailed(`bad usage\nTry '${tool} --help' for more information.`);
};

export const processCommands: CommandTable = {
  kill(args, env) {
    if (args[0] === "-l" || args[0] === "-L") {
      if (args.length === 1) return signalTable();
      return args
        .slice(1)
        .map((a) => `${/^\d+$/.test(a) ? signalName(Number(a) & 127) : signalArg(a)}\n`)
        .join("");
    }
    let signal = 15;
    const rest = [...args];
    if (rest[0] === "-s" || rest[0] === "-n") {
      signal = signalArg(rest[1] ?? "");
      rest.splice(0, 2);
    } else if (/^-[A-Z0-9]/i.test(rest[0] ?? "") && (rest.length > 1 || !/^-\d+$/.test(rest[0]))) {
      signal = signalArg((rest.shift() as string).slice(1));
    }
    if (rest[0] === "--") rest.shift();
    if (rest.length === 0)
      throw new CommandFailed(
        "usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]",
        2,
      );
    let stderr = "";
    for (const p of rest) {
      const job = p.startsWith("%") ? env.shell.jobs.list.find((j) => `%${j.id}` === p) : undefined;
      const pid = job === undefined ? p : String(env.shell.numberOf(job.task));
      if (!/^-?\d+$/.test(pid)) {
        stderr += `kill: ${p}: ${p.startsWith("%") ? "no such job" : "arguments must be process or job IDs"}\n`;
        continue;
      }
      try {
        attempt(`(${pid})`, () => env.sys.kill(Number(pid), signal));
      } catch (e) {
        if (!(e instanceof CommandFailed)) throw e;
        stderr += `kill: ${e.message.replace(":", " -")}\n`;
      }
    }
    return { exitCode: stderr === "" ? 0 : 1, stderr };
  },

  async taskset(args, env) {
    const o = getopt("taskset", args, "all-tasks,a pid,p cpu-list,c", { command: true });
    const list = o.has("cpu-list");
    const parse = (text: string): number[] => (list ? listArg(text, "CPU list") : maskArg(text));
    const what = list ? "affinity list" : "affinity mask";
    const show = (cpus: readonly number[]): string => (list ? listText(cpus) : maskText(cpus));
    if (o.has("pid")) {
      const [pid, set] = o.rest.length > 1 ? [o.rest[1], o.rest[0]] : [o.rest[0], null];
      if (pid === undefined) return usage("taskset");
      const nr = numberArg(pid, "PID");
      const get = (): number[] => attempt(`failed to get pid ${nr}'s affinity`, () => env.sys.sched_getaffinity(nr));
      let out = `pid ${nr}'s current ${what}: ${show(get())}\n`;
      if (set !== null) {
        const cpus = parse(set);
        attempt(`failed to set pid ${nr}'s affinity`, () => env.sys.sched_setaffinity(nr, cpus));
        out += `pid ${nr}'s new ${what}: ${show(get())}\n`;
      }
      return out;
    }
    if (o.rest.length < 2) return usage("taskset");
    const cpus = parse(o.rest[0]);
    return runChild(env, "taskset", o.rest.slice(1), (sys) =>
      attempt("failed to set pid 0's affinity", () => sys.sched_setaffinity(0, cpus)),
    );
  },

  async nice(args, env) {
    const o = getopt("nice", args, "adjustment,n=", { command: true });
    const now = 20 - env.sys.getpriority(PRIO_PROCESS, 0);
    if (o.rest.length === 0) return `${now}\n`;
    const by = o.has("adjustment") ? numberArg(o.get("adjustment") as string, "adjustment") : 10;
    return runChild(env, "nice", o.rest, (sys) =>
      attempt("cannot set niceness", () => sys.setpriority(PRIO_PROCESS, 0, now + by)),
    );
  },

  renice(args, env) {
    const o = getopt("renice", args, "priority,n= pid,p", { numbers: true });
    const words = o.has("priority") ? o.rest : o.rest.slice(1);
    const to = numberArg(o.get("priority") ?? o.rest[0] ?? "", "priority");
    let out = "";
    for (const w of words) {
      const pid = numberArg(w, "process ID");
      const old =
        20 - attempt(`failed to get priority for ${pid} (process ID)`, () => env.sys.getpriority(PRIO_PROCESS, pid));
      attempt(`failed to set priority for ${pid} (process ID)`, () => env.sys.setpriority(PRIO_PROCESS, pid, to));
      out += `${pid} (process ID) old priority ${old}, new priority ${20 - env.sys.getpriority(PRIO_PROCESS, pid)}\n`;
    }
    return out;
  },

  async chrt(args, env) {
    const o = getopt("chrt", args, "other,o fifo,f rr,r batch,b idle,i pid,p max,m", { command: true });
    const names = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "", "SCHED_IDLE"];
    if (o.has("max")) {
      return [0, 1, 2, 3, 5]
        .map(
          (p) =>
            `${names[p].padEnd(17)}min/max priority\t: ${env.sys.sched_get_priority_min(p)}/${env.sys.sched_get_priority_max(p)}\n`,
        )
        .join("");
    }
    const flags: Readonly<Record<string, number>> = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5 };
    const asked = o.given.find(([n]) => n in flags)?.[0];
    const policy = asked === undefined ? 2 : flags[asked];
    if (o.has("pid")) {
      const pid = numberArg(o.rest[o.rest.length - 1] ?? "", "PID");
      if (o.rest.length === 1) {
        const now = attempt(`failed to get pid ${pid}'s policy`, () => env.sys.sched_getscheduler(pid));
        return `pid ${pid}'s current scheduling policy: ${names[now & 7]}\npid ${pid}'s current scheduling priority: ${env.sys.sched_getparam(pid).sched_priority}\n`;
      }
      const priority = numberArg(o.rest[0], "priority");
      attempt(`failed to set pid ${pid}'s policy`, () => env.sys.sched_setscheduler(pid, policy, priority));
      return "";
    }
    if (o.rest.length < 2) return usage("chrt");
    const priority = numberArg(o.rest[0], "priority");
    return runChild(env, "chrt", o.rest.slice(1), (sys) =>
      attempt("failed to set pid 0's policy", () => sys.sched_setscheduler(0, policy, priority)),
    );
  },
};
