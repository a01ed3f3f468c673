/** The files that every group of a hierarchy has: cgroup.* of v2, and v1's. cgroups(7), Documentation/admin-guide/cgroup-v2. */
import { EACCES, EINVAL, EOPNOTSUPP, ERANGE, ESRCH } from "../abi/errno.js";
import { Errno, fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { kstrtoint, kstrtoul } from "../lib/numberParsers.js";
import { PF_NO_SETAFFINITY, type Task } from "../task/task.js";
import type { OpenFile } from "../vfs/file.js";
import type { Cgroup } from "./cgroup.js";
import type { Cgroups } from "./cgroups.js";
import type { CgroupFile } from "./controller.js";
import { canBeThreaded, domainOf, isThreadRoot, isValidDomain } from "./domains.js";
import { frozenNs, setFreeze } from "./freeze.js";
import { setSubtreeControl } from "./subtreeControl.js";

const MAX_INT = 0x7fffffff;

/** Numbers of the tasks here as the reader's pid namespace has them: processes or threads; those that have exited are left out. */
function taskList(c: Ctx, g: Cgroup, threads: boolean, sorted: boolean): string {
  const ns = c.k.tasks.pidNsOf(c.task);
  const nrs: number[] = [];
  const seen = new Set<Task>();
  for (const t of g.tasks) {
    if (t.exiting) continue;
    if (threads) nrs.push(t.pid.nrNs(ns));
    else if (!seen.has(t.signal.leader)) {
      seen.add(t.signal.leader);
      nrs.push(t.tgid.nrNs(ns));
    }
  }
  if (sorted) nrs.sort((a, b) => a - b);
  return nrs.length === 0 ? "" : `${nrs.join("\n")}\n`;
}

/** May this opener move tasks between the two groups (v2)? It must be able to write cgroup.procs of the common ancestor. */
function checkCommonAncestor(c: Ctx, src: Cgroup, dst: Cgroup, file: OpenFile): void {
  let common = src;
  while (!dst.isDescendantOf(common)) common = common.parent as Cgroup;
  if (!c.k.cgroup.mayWrite(c, common, "cgroup.procs", file.cred)) fail(EACCES);
}

function writeTasks(c: Ctx, g: Cgroup, text: string, threads: boolean, file: OpenFile): void {
  const { k } = c;
  const nr = kstrtoint(text.trim(), 0);
  if (nr instanceof Errno || nr < 0) fail(EINVAL);
  let t: Task | null;
  if (nr === 0) t = c.task;
  else t = k.tasks.findVpid(c.task, nr)?.task ?? null;
  if (t === null || t.exiting) fail(ESRCH);
  // a thread bound to a CPU stays in the root
  if (t.isKthread && (t.flags & PF_NO_SETAFFINITY) !== 0) fail(EINVAL);
  const leader = threads ? t : t.signal.leader;
  const src = leader.cgroups[g.root.id];
  if (g.root.v2) checkCommonAncestor(c, src, g, file);
  else {
    const { cred } = file;
    if (cred.euid !== 0 && cred.euid !== t.cred.uid && cred.euid !== t.cred.suid) fail(EACCES);
  }
  k.cgroup.checkMigrate(g);
  // threads move only within a domain
  if (threads && g.root.v2 && domainOf(src) !== domainOf(g)) fail(EOPNOTSUPP);
  k.cgroup.migrate(threads ? [t] : t.signal.threads.filter((x) => !x.exiting), g);
  k.cgroup.trace("cgroup_attach_task", g);
}

/** "max" or a number >= 0 of cgroup.max.*. */
function parseMax(text: string): number {
  const s = text.trim();
  if (s === "max") return Number.POSITIVE_INFINITY;
  const n = kstrtoint(s, 0);
  if (n instanceof Errno) return fail(n.nr);
  if (n === MAX_INT) return Number.POSITIVE_INFINITY;
  return n < 0 || n > MAX_INT ? fail(ERANGE) : n;
}

const showMax = (n: number): string => (n === Number.POSITIVE_INFINITY ? "max\n" : `${n}\n`);

/** "domain", "domain threaded", "threaded" or "domain invalid". */
function groupType(all: Cgroups, g: Cgroup): string {
  if (g.threaded) return "threaded";
  if (!isValidDomain(all, g)) return "domain invalid";
  return isThreadRoot(all, g) ? "domain threaded" : "domain";
}

function stat(k: Core, g: Cgroup): string {
  let out = `nr_descendants ${g.nrDescendants}\n`;
  const { controllers } = k.cgroup;
  controllers.forEach((def, i) => {
    if (def.only === "v1") return;
    let n = 0;
    for (const d of g.subtree()) if (d.css[i]) n++;
    out += `nr_subsys_${def.name} ${n}\n`;
  });
  out += `nr_dying_descendants ${g.nrDyingDescendants}\n`;
  controllers.forEach((def, i) => {
    if (def.only !== "v1") out += `nr_dying_subsys_${def.name} ${g.nrDyingSubsys[i] ?? 0}\n`;
  });
  return out;
}

/** A 0/1 file: ERANGE beyond, EINVAL for text. */
function parseBit(text: string): boolean {
  const n = kstrtoint(text.trim(), 0);
  if (n instanceof Errno) return fail(n.nr);
  return n === 0 ? false : n === 1 ? true : fail(ERANGE);
}

function userHzUsec(ns: number): number {
  return Math.floor(ns / 1000);
}

export const CGROUP_FILES: readonly CgroupFile[] = [
  {
    name: "cgroup.type",
    mode: 0o644,
    notOnRoot: true,
    show: (c, g) => `${groupType(c.k.cgroup, g)}\n`,
    store(c, g, _css, text) {
      if (text.trim() !== "threaded") return fail(EINVAL);
      if (g.threaded) return;
      if (!canBeThreaded(c.k.cgroup, g)) return fail(EOPNOTSUPP);
      g.threaded = true;
    },
  },
  {
    name: "cgroup.procs",
    mode: 0o644,
    show: (c, g) => (g.threaded ? fail(EOPNOTSUPP) : taskList(c, g, false, false)),
    store: (c, g, _css, text, file) => writeTasks(c, g, text, false, file),
  },
  {
    name: "cgroup.threads",
    mode: 0o644,
    show: (c, g) => taskList(c, g, true, false),
    store: (c, g, _css, text, file) => writeTasks(c, g, text, true, file),
  },
  {
    name: "cgroup.controllers",
    mode: 0o444,
    show: (c, g) => words(c.k.cgroup.names(c.k.cgroup.available(g))),
  },
  {
    name: "cgroup.subtree_control",
    mode: 0o644,
    show: (c, g) => words(c.k.cgroup.names(g.subtreeControl)),
    store: (c, g, _css, text) => setSubtreeControl(c.k.cgroup, g, text),
  },
  {
    name: "cgroup.events",
    mode: 0o444,
    notOnRoot: true,
    show: (_c, g) => `populated ${g.populated ? 1 : 0}\nfrozen ${g.frozenShown ? 1 : 0}\n`,
  },
  {
    name: "cgroup.stat.local",
    mode: 0o444,
    notOnRoot: true,
    show: (c, g) => `frozen_usec ${userHzUsec(frozenNs(g, c.now))}\n`,
  },
  {
    name: "cgroup.max.descendants",
    mode: 0o644,
    show: (_c, g) => showMax(g.maxDescendants),
    store(_c, g, _css, text) {
      g.maxDescendants = parseMax(text);
    },
  },
  {
    name: "cgroup.max.depth",
    mode: 0o644,
    show: (_c, g) => showMax(g.maxDepth),
    store(_c, g, _css, text) {
      g.maxDepth = parseMax(text);
    },
  },
  { name: "cgroup.stat", mode: 0o444, show: (c, g) => stat(c.k, g) },
  {
    name: "cgroup.freeze",
    mode: 0o644,
    notOnRoot: true,
    show: (_c, g) => `${g.freezeSelf ? 1 : 0}\n`,
    store: (c, g, _css, text) => setFreeze(c.k, g, parseBit(text)),
  },
  {
    name: "cgroup.kill",
    mode: 0o200,
    notOnRoot: true,
    store(c, g, _css, text) {
      if (!parseBit(text)) return fail(ERANGE);
      if (g.threaded) return fail(EOPNOTSUPP);
      for (const d of g.subtree()) for (const t of d.tasks) if (!t.exiting && !t.isKthread) c.k.signals.kill(t);
    },
  },
  {
    name: "cpu.stat",
    mode: 0o444,
    show(c, g) {
      const { user, system } = g.cpuTime();
      return `usage_usec ${userHzUsec(user + system)}\nuser_usec ${userHzUsec(user)}\nsystem_usec ${userHzUsec(system)}\nnice_usec 0\n${c.k.cgroup.cpuStat?.(g) ?? ""}`;
    },
  },
];

/** Words and a newline; nothing at all for none. */
const words = (names: readonly string[]): string => (names.length === 0 ? "" : `${names.join(" ")}\n`);

/** Every non-zero number is 1. */
function legacyBit(text: string): boolean {
  const n = kstrtoul(text, 0);
  return n instanceof Errno ? fail(n.nr) : n !== 0n;
}

export const LEGACY_CGROUP_FILES: readonly CgroupFile[] = [
  {
    name: "cgroup.procs",
    mode: 0o644,
    show: (c, g) => taskList(c, g, false, true),
    store: (c, g, _css, text, file) => writeTasks(c, g, text, false, file),
  },
  {
    name: "tasks",
    mode: 0o644,
    show: (c, g) => taskList(c, g, true, true),
    store: (c, g, _css, text, file) => writeTasks(c, g, text, true, file),
  },
  {
    name: "cgroup.clone_children",
    mode: 0o644,
    show: (_c, g) => `${g.cloneChildren ? 1 : 0}\n`,
    store(_c, g, _css, text) {
      g.cloneChildren = legacyBit(text);
    },
  },
  { name: "cgroup.sane_behavior", mode: 0o444, onlyOnRoot: true, show: () => "0\n" },
  {
    name: "notify_on_release",
    mode: 0o644,
    show: (_c, g) => `${g.notifyOnRelease ? 1 : 0}\n`,
    store(_c, g, _css, text) {
      g.notifyOnRelease = legacyBit(text);
    },
  },
];
