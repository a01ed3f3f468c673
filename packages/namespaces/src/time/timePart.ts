/** timePart: offsets of monotonic and boot time, per namespace. time_namespaces(7). */
import {
  CAP_SYS_TIME,
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLONE_NEWTIME,
  EACCES,
  EINVAL,
  EPERM,
  ERANGE,
  EUSERS,
  fail,
  fileNsCapable,
  type Namespace,
  type NsType,
  type PseudoFile,
  putNs,
  type Task,
  type UserNamespace,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";

const PROC_TIME_INIT_INO = 4026531834;
const KTIME_SEC_MAX = 9223372036;

class TimeNamespace implements Namespace {
  refs = 1;
  /** [monotonic, boottime], each seconds and ns. */
  readonly sec: number[] = [0, 0];
  readonly nsec: number[] = [0, 0];
  /** A task is in it: the offsets stay. */
  frozen = false;
  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
  ) {}
}

/** The lines of a write, at most two, and how many bytes they are. EINVAL. */
function parseOffsets(text: string): { offsets: [clock: number, sec: number, nsec: number][]; used: number } {
  const offsets: [number, number, number][] = [];
  let pos = 0;
  for (;;) {
    const nl = text.indexOf("\n", pos);
    const m = /^\s*(\S{1,9})\s+(-?\d+)\s+(\d+)/.exec(text.slice(pos, nl < 0 ? undefined : nl));
    if (m === null) return fail(EINVAL);
    const clock = { monotonic: 0, "1": 0, boottime: 1, "7": 1 }[m[1]];
    const nsec = Number(m[3]);
    if (clock === undefined || nsec >= 1e9) return fail(EINVAL);
    offsets.push([clock, Number(m[2]), nsec]);
    if (nl < 0 || nl + 1 === text.length) return { offsets, used: text.length };
    pos = nl + 1;
    if (offsets.length === 2) return { offsets, used: pos };
  }
}

export const timePart: NsPart = {
  name: "time",
  install(f) {
    const { k } = f;
    if (!f.o.features.TIME_NS) return {};
    k.state.class(TimeNamespace);
    // the proxy has the namespace of children; the one a task is in is a field of the task
    const slot = k.slots.task.add("namespaces.time", () => null);
    const type: NsType = {
      name: "time",
      flag: CLONE_NEWTIME,
      procNames: ["time", "time_for_children"],
      index: -1,
      order: 6,
    };
    const initial = new TimeNamespace(type, PROC_TIME_INIT_INO, k.tasks.initUserNs);
    initial.frozen = true;
    k.tasks.registerNsType(type, initial);
    const forChildren = (t: Task): TimeNamespace | undefined => t.nsproxy.ns[type.index] as TimeNamespace | undefined;
    const active = (t: Task): TimeNamespace => (t.slots[slot] as TimeNamespace | null) ?? initial;
    const enter = (t: Task, ns: TimeNamespace): void => {
      const old = t.slots[slot] as TimeNamespace | null;
      if (ns === (old ?? initial)) return;
      ns.refs++;
      ns.frozen = true;
      t.slots[slot] = ns;
      if (old !== null) putNs(old);
    };
    type.procNs = (t, name) => {
      const next = forChildren(t);
      return next === undefined ? null : name === "time" ? active(t) : next;
    };
    f.define<TimeNamespace>(type, {
      ucount: "time",
      make(old, of, ino) {
        const ns = new TimeNamespace(type, ino, of.userNs);
        for (const i of [0, 1]) {
          ns.sec[i] = old.sec[i];
          ns.nsec[i] = old.nsec[i];
        }
        return ns;
      },
    });
    type.install = (set, ns) => {
      if (set.task.signal.live > 1) fail(EUSERS);
      f.mayInstall(set, ns);
      set.ns[type.index] = ns;
    };
    type.committed = (t, ns) => enter(t, ns as TimeNamespace);
    k.hooks.forked.tap(10, "namespaces.time", (p, c) => {
      const shares = p.mm !== null ? c.mm === p.mm : c.signal === p.signal;
      enter(c, shares ? active(p) : (forChildren(c) ?? initial));
    });
    k.hooks.execed.tap(10, "namespaces.time", (t) => enter(t, forChildren(t) ?? initial));
    k.hooks.exit.tap(10, "namespaces.time", (t) => {
      const ns = t.slots[slot] as TimeNamespace | null;
      t.slots[slot] = null;
      if (ns !== null) putNs(ns);
    });
    k.hooks.clockOffset.tap(10, "namespaces.time", (t, clock) => {
      const ns = t.slots[slot] as TimeNamespace | null;
      const i = clock === CLOCK_BOOTTIME ? 1 : clock === CLOCK_MONOTONIC ? 0 : -1;
      return ns === null || i < 0 ? undefined : ns.sec[i] * 1e9 + ns.nsec[i];
    });
    const offsetsFile: PseudoFile<Task> = {
      mode: 0o644,
      moves: true,
      show(_c, t) {
        const ns = forChildren(t) ?? fail(EINVAL);
        const line = (name: string, i: number): string =>
          `${name.padEnd(10)} ${String(ns.sec[i]).padStart(10)} ${String(ns.nsec[i]).padStart(9)}\n`;
        return line("monotonic", 0) + line("boottime", 1);
      },
      store(_c, t, text, file, pos) {
        if (pos !== 0 || text.length >= 4096) return fail(EINVAL);
        const { offsets, used } = parseOffsets(text);
        const ns = forChildren(t) ?? fail(EINVAL);
        if (!fileNsCapable(file, ns.userNs, CAP_SYS_TIME)) return fail(EPERM);
        for (const [clock, sec, nsec] of offsets) {
          if (Math.abs(sec) > KTIME_SEC_MAX) return fail(ERANGE);
          const now = clock === 0 ? k.now : k.time.boottimeNs;
          const at = sec + (nsec + now) / 1e9;
          if (at < 0 || at > KTIME_SEC_MAX / 2) return fail(ERANGE);
        }
        if (ns.frozen) return fail(EACCES);
        for (const [clock, sec, nsec] of offsets) {
          ns.sec[clock] = sec;
          ns.nsec[clock] = nsec;
        }
        return used;
      },
    };
    k.proc?.pidFile("timens_offsets", offsetsFile, "tgid");
    return {};
  },
};
