/** The kernel log: a host and two containers, packets that land on whatever runs, readers that take from one position. */
import {
  CLONE_NEWNET,
  CLONE_NEWUSER,
  type CoreSys,
  type Namespace,
  type Program,
  program,
  type Task,
} from "@kernelkit/core";
import { type LogNamespaces, type PrintkSys, SYSLOG_ACTION_NEW_NS, type SyslogNs } from "@kernelkit/printk-syslog";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Emit, Scenario } from "../lab/scenario.js";
import { BASE, num, some, tasksNamed, Wiring } from "./common.js";

export interface LogPicture {
  readonly rings: readonly {
    name: string;
    bytes: number;
    used: number;
    first: number;
    next: number;
    /** Records that were overwritten. */
    lost: number;
    clear: number;
    read: number;
    records: readonly { seq: number; level: number; text: string; about: string; why: string }[];
  }[];
  /** Lines so far, by whom they are about (row) and the ring they went to (column): host, ct1, ct2; the last column: nowhere. */
  readonly routes: readonly (readonly number[])[];
  /** Of each of host, ct1, ct2: its ring, as an index of `rings`. */
  readonly ringOf: readonly number[];
  readonly packets: number;
  readonly misrouted: number;
  /** Host lines that a container's reader took. */
  readonly taken: readonly { reader: string; own: number; foreign: number }[];
}

interface Net {
  packets: number;
  misrouted: number;
  perSecond: number;
  pids: number[];
  taken: number[];
  foreign: number[];
  routes: number[];
}
const net = (k: AssembledKernel): Net => k.core.state.rootNamed("observatory.net") as Net;
const NAMES = ["host", "ct1", "ct2"];

interface Wires {
  packet: number;
  emit: Emit | null;
}
const wiring = new Wiring<Wires>();

type Sys = Program<CoreSys & PrintkSys>;
/** A log daemon: takes what is new, as klogd did with syslog(2). */
const logd = program("logd", function* (sys: Sys, s: { who: number; last: string; own: number; foreign: number }) {
  for (;;) {
    yield* sys.restPoint(s);
    const got = yield* sys.syslog(2, new Uint8Array(1024), 1024);
    const text = typeof got === "number" ? "" : new TextDecoder().decode(got as Uint8Array);
    const lines = text.split("\n").filter((l) => l !== "");
    const mine = lines.filter((l) => l.includes(`=${NAMES[s.who]} `) || (s.who === 0 && !/=ct\d /.test(l)));
    s.own += mine.length;
    s.foreign += lines.length - mine.length;
    yield* sys.nanosleep(20_000_000);
  }
});
const worker = program("work", function* (sys: Sys, s: { i: number }) {
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.compute(3_000_000);
    yield* sys.nanosleep(4_000_000);
  }
});

const taskOf = (k: AssembledKernel, i: number): Task => k.tasks.find(net(k).pids[i]) as Task;
const logOf = (k: AssembledKernel, i: number): SyslogNs => k.printk.log.nsOf(taskOf(k, i));
const netOf = (k: AssembledKernel, i: number): Namespace => k.tasks.nsOf(taskOf(k, i), k.tasks.nsType("net"));
const rings = (k: AssembledKernel): SyslogNs[] => [...new Set(NAMES.map((_, i) => logOf(k, i)))];
const nameOf = (k: AssembledKernel, ns: SyslogNs): string =>
  NAMES.filter((_, i) => logOf(k, i) === ns).join(", ") || "another";
const decoder = new TextDecoder();

export const logScenario: Scenario<LogPicture> = {
  id: "log",
  name: "Kernel log",
  question: "Where did this line go, who can read it, who already took it?",
  sees: "Firewall lines about packets of a host and two containers. Packets arrive as interrupts, while whatever task happens to run runs. Each has a log daemon that takes lines with syslog(2): with one log for all (design none, Linux as it is), a daemon in a container takes the host's lines. Here each user namespace has a ring, chosen by the task that happens to run: a packet's line lands in the wrong one. Choose another design, or put one beside this: the same packets, other rings.",
  howTrue:
    "Linux has one log: design none, checked against recorded runs. The other designs were proposed between 2010 and 2012 and never merged; they follow their descriptions.",
  binNs: 10e6,
  settings: {
    design: {
      kind: "choice",
      default: "userns-hack",
      choices: ["none", "userns-hack", "syslog-action", "nsproxy", "userns"],
    },
    ring: { kind: "choice", default: "128K", choices: ["128K", "256K", "1M"] },
    packets: { kind: "number", default: 100, min: 1, max: 5000, unit: "1/s" },
  },
  controls: [
    {
      name: "packets",
      what: "Logged packets per second, of host and containers alike.",
      linux: "iptables -A INPUT -j LOG",
      knob: { kind: "number", default: 100, min: 1, max: 5000, unit: "1/s" },
      apply(k, v) {
        net(k).perSecond = Math.round(num(v));
      },
    },
    {
      name: "the host logs a line",
      what: "A message of the kernel itself.",
      linux: "printk()",
      knob: { kind: "button" },
      apply: (k) => void k.printk.printk("\u00014host: a line of the kernel\n"),
    },
    {
      name: "clear as ct1",
      what: "dmesg -c in the first container: a mark moves, nothing is deleted.",
      linux: "syslog(SYSLOG_ACTION_CLEAR)",
      knob: { kind: "button" },
      apply: (k) => void k.sys(taskOf(k, 1)).syslog(5),
    },
  ],
  gauges: [
    {
      name: "records",
      unit: "1/s",
      group: "records",
      rate: true,
      what: "Records stored, in all rings.",
      linux: "sequence numbers of /dev/kmsg",
      read: (k) => rings(k).reduce((n, r) => n + r.ring.headSeq, 0),
    },
    {
      name: "in the wrong log",
      unit: "packets",
      group: "misrouted",
      what: "Lines about a container's packets that are not in its own log.",
      linux: "none: compare dmesg inside and outside",
      read: (k) => net(k).misrouted,
    },
    {
      name: "host lines taken by others",
      unit: "lines",
      group: "taken",
      what: "Lines of others that the daemons of the containers took.",
      linux: "none: they are missing from the host's file",
      read: (k) => readers(k).reduce((n, r) => n + (r.who > 0 ? r.foreign : 0), 0),
    },
  ],
  lanes: {
    title: "Readers",
    what: "What each log daemon does: it sleeps between looks, and takes what is new in the log it can see.",
    max: 3,
    states: [
      { name: "sleeps", what: "until its next look", tone: "empty" },
      { name: "behind", what: "records wait for it", tone: "busy" },
      { name: "starved", what: "others have taken lines about it", tone: "bad" },
    ],
    names: () => NAMES.map((n) => `logd of ${n}`),
    read(k, out) {
      const all = readers(k);
      for (const r of all) {
        const ns = logOf(k, r.who);
        const robbed = all.some((o) => o.who !== r.who && logOf(k, o.who) === ns && o.foreign > 0);
        out[r.who] = ns.ring.nextSeq > ns.syslogSeq ? (robbed ? 2 : 1) : 0;
      }
    },
  },
  heat: {
    title: "Packets",
    what: "When packets were logged, and which ring got the line.",
    event: "route",
    unit: "ring",
    steps: [0, 1, 2],
  },
  traces: [],
  files: ["/proc/sys/kernel/printk", "/proc/sys/kernel/dmesg_restrict", "/proc/consoles", "/proc/uptime"],
  programs: [logd, worker] as never,
  packages: BASE,
  options: (s) => ({
    machine: { cpus: 2, memory: "256M" },
    cmdline: `log_buf_len=${s["ring"]} loglevel=1`,
    printk: { logNamespaces: s["design"] as LogNamespaces },
  }),
  statics(k) {
    const { core } = k;
    core.state.root("observatory.net", {
      packets: 0,
      misrouted: 0,
      perSecond: 100,
      pids: [],
      taken: [],
      foreign: [],
      routes: new Array<number>(12).fill(0),
    } satisfies Net);
    const w: Wires = { packet: 0, emit: null };
    wiring.set(k, w);
    w.packet = core.events.define("observatory.packet", () => {
      const n = net(k);
      const owner = core.rng.below(3);
      const cpu = core.rng.below(core.cpus.nr);
      const own = logOf(k, owner);
      const before = own.ring.headSeq;
      const all = rings(k);
      const heads = all.map((r) => r.ring.headSeq);
      n.packets++;
      core.irq.enter(cpu);
      const runs = core.cpus.curr[cpu];
      const was = core.current;
      core.current = runs;
      k.printk.nfLogPacket(
        netOf(k, owner),
        `IN=${NAMES[owner]} SRC=10.0.${owner}.${n.packets % 250} LEN=${60 + (n.packets % 40)}`,
      );
      core.current = was;
      core.irq.exit(cpu);
      const wrong = own.ring.headSeq === before || (owner > 0 && own === k.printk.log.init);
      if (wrong) n.misrouted++;
      const to = all.findIndex((r, i) => r.ring.headSeq > heads[i]);
      n.routes[owner * 4 + (to < 0 ? 3 : to)]++;
      w.emit?.({
        name: "route",
        text: `a packet of ${NAMES[owner]} on CPU ${cpu}, which ran ${runs === null ? "nothing" : `${runs.comm}-${runs.nr}`}: its line went to the log of ${to < 0 ? "nobody" : nameOf(k, all[to])}${wrong ? ", not its own" : ""}`,
        value: to,
        cpu,
      });
      core.events.at(
        core.now + Math.round((1e9 / n.perSecond) * (0.5 + core.rng.below(1000) / 1000)),
        0,
        w.packet,
        null,
      );
    });
  },
  watch(k, emit) {
    wiring.get(k).emit = emit;
  },
  setup(k, s) {
    const n = net(k);
    n.perSecond = num(s["packets"]);
    for (let i = 0; i < NAMES.length; i++) {
      const t = k.init.fork();
      n.pids.push(t.nr);
      if (i > 0) {
        // with one log for all a container that may read it is one whose root is the machine's
        k.sys(t).unshare(CLONE_NEWNET | (s["design"] === "none" ? 0 : CLONE_NEWUSER) | k.printk.cloneSyslog);
        if (s["design"] === "syslog-action") k.sys(t).syslog(SYSLOG_ACTION_NEW_NS);
      }
      k.spawn(worker as never, { i: 0 }, t);
      k.spawn(logd as never, { who: i, last: "", own: 0, foreign: 0 }, t);
    }
    k.core.events.at(k.now + 1e6, 0, wiring.get(k).packet, null);
  },
  picture(k) {
    const n = net(k);
    const all = rings(k);
    return {
      routes: NAMES.map((_, i) => n.routes.slice(i * 4, i * 4 + 4)),
      ringOf: NAMES.map((_, i) => all.indexOf(logOf(k, i))),
      packets: n.packets,
      misrouted: n.misrouted,
      taken: readers(k).map((r) => ({ reader: NAMES[r.who], own: r.own, foreign: r.foreign })),
      rings: all.map((ns) => {
        const { ring } = ns;
        const from = Math.max(ring.firstSeq, ring.nextSeq - 5);
        return {
          name: nameOf(k, ns),
          bytes: ring.size,
          used: ring.usedBytes,
          first: ring.firstSeq,
          next: ring.nextSeq,
          lost: ring.firstSeq,
          clear: ns.clearSeq,
          read: ns.syslogSeq,
          records: Array.from({ length: ring.nextSeq - from }, (_, i) => {
            const seq = from + i;
            const text = decoder.decode(ring.bytes(seq));
            return {
              seq,
              level: ring.level[ring.index(seq)],
              text,
              about: /IN=(\w+)/.exec(text)?.[1] ?? "kernel",
              why: k.printk.explain(ns === k.printk.log.init ? null : taskIn(k, ns), seq)?.why ?? "",
            };
          }),
        };
      }),
    };
  },
  table: (p) => ({
    columns: ["log of", "seq", "level", "about", "text", "why it is there"],
    rows: p.rings.flatMap((r) => r.records.map((x) => [r.name, x.seq, x.level, x.about, x.text, x.why])),
  }),
  takeaway(p) {
    const foreign = p.taken.filter((t) => t.reader !== "host").reduce((n, t) => n + t.foreign, 0);
    return `${p.packets} packets were logged into ${some(p.rings.length, "ring")}; ${p.misrouted} lines are not in the log of whom they are about. Daemons in containers took ${foreign} lines that are not theirs. ${p.rings.map((r) => `The ring of ${r.name} has lost ${r.lost} records.`).join(" ")}`;
  },
};

function taskIn(k: AssembledKernel, ns: SyslogNs): Task | null {
  const i = NAMES.findIndex((_, x) => logOf(k, x) === ns);
  return i < 0 ? null : taskOf(k, i);
}

interface Reader {
  readonly who: number;
  readonly own: number;
  readonly foreign: number;
}
/** What the daemons had taken when they last looked. */
function readers(k: AssembledKernel): Reader[] {
  return tasksNamed(k, "logd").map((t) => t.rest as Reader);
}
