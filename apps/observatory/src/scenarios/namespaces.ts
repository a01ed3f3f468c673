/** Namespaces: a service makes containers inside containers; who sees whom, and under which number. */
import {
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  type CoreSys,
  mapIdUp,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  type Program,
  type ProgramDef,
  program,
  type Task,
  type UserNamespace,
  WNOHANG,
} from "@kernelkit/core";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, num, some } from "./common.js";

export interface NsPicture {
  readonly users: readonly {
    ino: number;
    level: number;
    parent: number;
    owner: number;
    /** What kernel ids it knows: first inside, first outside, length. */
    uids: readonly (readonly [number, number, number])[];
  }[];
  readonly tasks: readonly {
    name: string;
    /** Its number at each level, outermost first. */
    pids: readonly number[];
    userNs: number;
    kuid: number;
    uid: number;
    /** Types in which it is not in the initial namespace. */
    own: readonly string[];
    host: string;
  }[];
  /** Row sees column: `-` not, `p` its pid, `s` it may be signalled too. */
  readonly sees: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const TYPES = ["user", "pid", "mnt", "uts", "ipc", "net"] as const;
type Sys = Program<CoreSys>;

/** The first process of a container: names itself, makes a child container if it may go deeper, lives for a while. */
interface InitState {
  readonly name: string;
  readonly depth: number;
  readonly ms: number;
  readonly stage: number;
}
const containerInit: ProgramDef<CoreSys, InitState> = program("ctinit", function* (sys: Sys, s: InitState): Generator<
  undefined,
  number,
  void
> {
  yield* sys.restPoint(s);
  yield* sys.prctl(PR_SET_NAME, s.name);
  yield* sys.sethostname(s.name);
  if (s.depth > 0) {
    yield* sys.unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS);
    yield* sys.fork(containerInit, {
      name: `${s.name}-in`,
      depth: s.depth - 1,
      ms: Math.floor(s.ms * 0.6),
      stage: 0,
    });
  }
  yield* sys.nanosleep(s.ms * 1e6);
  return 0;
});
/** Makes a container every `everyMs`, and waits for those that have ended. */
const runtime = program(
  "runtime",
  function* (sys: Sys, s: { n: number; everyMs: number; depth: number; lifeMs: number }) {
    for (; ; s.n++) {
      yield* sys.restPoint(s);
      yield* sys.fork(starter, { name: `ct${s.n}`, depth: s.depth, ms: s.lifeMs, n: s.n });
      yield* sys.nanosleep(s.everyMs * 1e6);
      try {
        // those that have ended; with no child left it is ECHILD
        for (;;) {
          const end = yield* sys.wait4(-1, WNOHANG);
          if (end === null || end.pid === 0) break;
        }
      } catch {}
    }
  },
);
/** Gives itself namespaces and starts the container's init in them. */
const starter = program("starter", function* (sys: Sys, s: { name: string; depth: number; ms: number; n: number }) {
  yield* sys.prctl(PR_SET_NAME, "starter");
  const id = 1000 + (s.n % 3);
  yield* sys.setresgid(id, id, id);
  yield* sys.setresuid(id, id, id);
  yield* sys.prctl(PR_SET_DUMPABLE, 1);
  yield* sys.unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC);
  yield* sys.writeFile("/proc/self/setgroups", "deny");
  yield* sys.writeFile("/proc/self/gid_map", `0 ${id} 1`);
  yield* sys.writeFile("/proc/self/uid_map", `0 ${id} 1`);
  const pid = yield* sys.fork(containerInit, { name: s.name, depth: s.depth, ms: s.ms, stage: 0 });
  yield* sys.wait4(pid, 0);
  return 0;
});

const shown = (k: AssembledKernel): Task[] =>
  k.tasks
    .all()
    .filter((t) => !t.isKthread && t.state !== 6 && t.state !== 7)
    .slice(0, 14);

function extents(ns: UserNamespace): [number, number, number][] {
  const m = ns.uidMap;
  if (m === null) return [[0, 0, 4294967295]];
  return Array.from({ length: m.count }, (_, i) => [m.first[i], m.lower[i], m.length[i]]);
}

/** Whether a task can name another: the other has a number in its pid namespace. */
const visible = (a: Task, b: Task): boolean => b.pid.nrNs(a.pid.ns[a.pid.level]) !== 0;
/** kill(2)'s rule by ids: same user, or root over the other's user namespace. */
function maySignal(a: Task, b: Task): boolean {
  if (a.cred.euid === b.cred.uid || a.cred.uid === b.cred.uid) return true;
  for (let ns: UserNamespace | null = b.cred.userNs; ns !== null; ns = ns.parent)
    if (ns === a.cred.userNs) return mapIdUp(ns.uidMap, a.cred.euid) === 0;
  return false;
}

export const namespacesScenario: Scenario<NsPicture> = {
  id: "ns",
  name: "Namespaces",
  question: "Who sees whom, and as what?",
  sees: "A service makes containers, and those make containers inside. Regions are user namespaces, each inside its parent; a task shows its number at every level. The matrix says whom each task can name and signal: those further in are seen, those further out are not.",
  howTrue:
    "Creation, id maps, numbers and limits are Linux's, checked against recorded runs. The matrix reads the rules of pid_namespaces(7) and kill(2) from the tasks' credentials; it makes no calls.",
  binNs: 20e6,
  settings: {
    every: { kind: "number", default: 700, min: 100, max: 10000, unit: "ms between containers" },
    life: { kind: "number", default: 2500, min: 100, max: 60000, unit: "ms of life" },
    depth: { kind: "number", default: 1, min: 0, max: 4, unit: "levels inside" },
  },
  controls: [
    {
      name: "most user namespaces",
      what: "The limit for a user: creation beyond it fails with ENOSPC.",
      linux: "echo VALUE > /proc/sys/user/max_user_namespaces",
      knob: { kind: "number", default: 1000, min: 0, max: 1000, unit: "namespaces" },
      apply: (k, v) => k.sys(k.init).writeFile("/proc/sys/user/max_user_namespaces", String(Math.round(num(v)))),
    },
    {
      name: "one more container",
      what: "Another one, now.",
      linux: "unshare -Upmui --fork sh",
      knob: { kind: "button" },
      apply: (k) => void k.spawn(starter, { name: "extra", depth: 1, ms: 4000, n: 7 }),
    },
  ],
  gauges: [
    ...TYPES.slice(0, 4).map((type) => ({
      name: `${type} namespaces`,
      unit: "",
      group: "namespaces",
      what: `Living ${type} namespaces beside the initial one.`,
      linux: `lsns -t ${type}`,
      read: (k: AssembledKernel) => k.namespaces.live(type).length - 1,
    })),
    {
      name: "processes",
      unit: "",
      group: "processes",
      what: "Processes that are not kernel threads.",
      linux: "/proc",
      read: (k) => k.tasks.all().filter((t) => !t.isKthread && t.state < 7).length,
    },
  ],
  lanes: {
    title: "Depth of user namespaces",
    what: "How deep the deepest living user namespace is.",
    max: 1,
    states: [
      { name: "none", what: "only the initial one", tone: "empty" },
      { name: "one level", what: "containers", tone: "busy" },
      { name: "two levels", what: "containers in containers", tone: "system" },
      { name: "three or more", what: "deeper still", tone: "injected" },
    ],
    names: () => ["deepest"],
    read(k, out) {
      out[0] = Math.min(
        3,
        k.namespaces.live("user").reduce((d, ns) => Math.max(d, (ns as UserNamespace).level), 0),
      );
    },
  },
  heat: null,
  traces: ["task:task_newtask", "sched:sched_process_exit"],
  files: ["/proc/sys/user/max_user_namespaces", "/proc/self/uid_map", "/proc/self/status", "/proc/self/mountinfo"],
  programs: [containerInit, runtime, starter] as never,
  packages: BASE,
  options: () => ({ machine: { cpus: 2, memory: "256M" } }),
  setup(k, s) {
    k.spawn(runtime, { n: 0, everyMs: num(s["every"]), depth: num(s["depth"]), lifeMs: num(s["life"]) });
  },
  picture(k) {
    const tasks = shown(k);
    const initial = k.tasks.initUserNs;
    const live = (k.namespaces.live("user") as UserNamespace[]).filter((ns) => ns !== initial);
    const init = k.init;
    return {
      users: [initial, ...live].slice(0, 24).map((ns) => ({
        ino: ns.ino,
        level: ns.level,
        parent: ns.parent?.ino ?? 0,
        owner: ns.owner,
        uids: extents(ns),
      })),
      tasks: tasks.map((t) => ({
        name: t.comm,
        pids: [...t.pid.nr],
        userNs: t.cred.userNs.ino,
        kuid: t.cred.euid,
        uid: insideId(t),
        own: TYPES.filter((type) => k.namespaces.of(t, type) !== k.namespaces.of(init, type)),
        host: hostOf(k, t),
      })),
      sees: tasks.map((a) => tasks.map((b) => (!visible(a, b) ? "-" : maySignal(a, b) ? "s" : "p")).join("")),
      counts: Object.fromEntries(TYPES.map((type) => [type, k.namespaces.live(type).length - 1])),
    };
  },
  table: (p) => ({
    columns: [
      "task",
      "pids, outermost first",
      "user namespace",
      "uid outside",
      "uid inside",
      "own namespaces",
      "host name",
      "sees",
    ],
    rows: p.tasks.map((t, i) => [
      t.name,
      t.pids.join(" > "),
      t.userNs,
      t.kuid,
      t.uid,
      t.own.join(" "),
      t.host,
      [...p.sees[i]].filter((c) => c !== "-").length,
    ]),
  }),
  takeaway(p) {
    const deepest = [...p.tasks].sort((a, b) => b.pids.length - a.pids.length)[0];
    const root = p.tasks.filter((t) => t.uid === 0 && t.kuid !== 0).length;
    return `${some(p.users.length - 1, "user namespace")} beside the initial one. ${some(root, "task is", "tasks are")} root inside and somebody else outside. ${deepest === undefined ? "" : `${deepest.name} has the numbers ${deepest.pids.join(", ")} from the outside in.`}`;
  },
};

/** The uid a task has in its own eyes; 65534 where it is not mapped. */
function insideId(t: Task): number {
  const id = mapIdUp(t.cred.userNs.uidMap, t.cred.euid);
  return id === 0xffffffff ? 65534 : id;
}

/** The host name a task sees. */
const hostOf = (k: AssembledKernel, t: Task): string =>
  (k.namespaces.of(t, "uts") as unknown as { nodename: string }).nodename;
