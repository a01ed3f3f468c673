/**
 * The dialect of the folder `namespaces`: core's steps, rtnetlink requests, and the two operations on log namespaces. Tasks
 * run one mount, uts and ipc namespace below the initial ones (`host: true`: in them) and are made dumpable again after
 * each change of ids, as the recorder does.
 */
import type { Dialect, StepKind } from "../dialect.js";
import { namespacesOps } from "../ops/namespaces.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import { HOLDER, makeHolder, makeTasks, mountTmpfs } from "../startState.js";
import { fileSteps } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { joinStep, sysStep, taskOf } from "../steps/syscallSteps.js";
import { TASK_STEPS } from "../steps/taskSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { flags } from "../syscalls/marshal.js";
import { NAMESPACE_CALLS } from "../syscalls/namespaces.js";
import { dollarVariables } from "../variables.js";
import { dollarLookup, saveEffect } from "./core.js";

const BLOCK_NS = 150_000_000;
const PAUSE_NS = 100_000;
/** The recorder's machine had been up for a while. */
const UPTIME_NS = 10_000_000_000;
const PR_SET_DUMPABLE = 4;

/** Names of namespaces' issue for log namespace designs, and printk-syslog's for the same. */
const LOG_NAMESPACES: Readonly<Record<string, string>> = {
  "userns-tied": "syslog-action",
  "in-userns": "userns",
  "naive-current": "userns-hack",
};

/** Calls after which the recorder makes the task dumpable again. */
const CHANGE_IDS = ["setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"];

const calls = sysStep({ ...CORE_CALLS, ...NAMESPACE_CALLS }, BLOCK_NS);

const sys: StepKind = {
  ...calls,
  run: (s, step) => {
    const result = calls.run(s, step);
    if (CHANGE_IDS.includes(String(step.sys)) && result?.dies === undefined) {
      s.syscall(taskOf(step), "prctl", PR_SET_DUMPABLE, 1);
    }
    return result;
  },
};

/** What the package offers for rtnetlink: one request of a task, with the attributes by name; GETLINK gives the links. */
interface Rtnetlink {
  rtnetlink(task: object, request: string, attributes: object): Record<string, unknown> | undefined;
}

/** `{task, rtnl: "RTM_...", args}`: one rtnetlink request. */
const rtnl: StepKind = {
  inputs: ["args"],
  missing: (s) =>
    typeof (s.kernel.namespaces as Partial<Rtnetlink> | undefined)?.rtnetlink === "function" ? undefined : "rtnetlink",
  run: (s, step): Result => {
    const links = s
      .api<Rtnetlink>("namespaces")
      .rtnetlink(s.task(taskOf(step)), String(step.rtnl), (step.args ?? {}) as object);
    return links === undefined ? { ret: 0 } : { ret: 0, fields: { links: Object.keys(links).sort(), ...links } };
  },
};

function start(s: Session): void {
  s.advance(UPTIME_NS);
  makeHolder(s);
  if (s.spec.host !== true) {
    s.syscall(HOLDER, "unshare", flags("CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC"));
    s.syscall(HOLDER, "mount", "none", "/", null, flags("MS_REC|MS_PRIVATE"), null);
    s.syscall(HOLDER, "sethostname", "kernelkit");
    s.syscall(HOLDER, "setdomainname", "(none)");
  }
  mountTmpfs(s, "/mnt");
  makeTasks(s);
}

export const namespaces: Dialect = {
  package: "namespaces",
  caseKeys: ["host"],
  machineKeys: ["cpus", "profile", "filesystems", "features", "syslogNs", "syslogns"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: true,
  compose: (c) => {
    const { cpus, profile, filesystems, features } = c.machine ?? {};
    const log = c.machine?.syslogNs ?? c.machine?.syslogns;
    return {
      needs: log === undefined ? ["namespaces"] : ["namespaces", "printk-syslog"],
      machine: { cpus: cpus ?? 2 },
      options: {
        namespaces: {
          ...(profile !== undefined && { profile }),
          ...(filesystems !== undefined && { filesystems }),
          ...(features !== undefined && { features }),
        },
        "printk-syslog": log === undefined ? {} : { logNamespaces: LOG_NAMESPACES[String(log)] ?? log },
      },
    };
  },
  start,
  substitute: (s, value, task) => dollarVariables(value, dollarLookup(s, task)),
  kinds: {
    ...TASK_STEPS,
    join: joinStep(BLOCK_NS),
    sys,
    rtnl,
    kernel: kernelStep(namespacesOps),
    ...fileSteps({ blockNs: BLOCK_NS }),
  },
  effects: { save: saveEffect },
  pauseNs: PAUSE_NS,
};
