/**
 * The pids controller: a limit on tasks of a subtree. It applies to forks, not to moves. Kernel document
 * admin-guide/cgroup-v1/pids, cgroup-v2 "PID".
 */
import {
  type CgroupFile,
  type Controller,
  type Core,
  type Css,
  EAGAIN,
  EINVAL,
  Errno,
  fail,
  kstrtol,
  type Task,
} from "@kernelkit/core";

const PIDS_MAX = 4194304;

export class PidsCgroup {
  current = 0;
  limit: number = Number.POSITIVE_INFINITY;
  watermark = 0;
  /** Refused forks whose limit was hit here; and here or below. */
  local = 0;
  total = 0;
  logged = false;
  constructor(
    readonly parent: PidsCgroup | null,
    readonly css: Css,
  ) {}
}

const of = (css: Css): PidsCgroup => css.data as PidsCgroup;

function add(p: PidsCgroup, n: number): void {
  for (let q: PidsCgroup | null = p; q !== null; q = q.parent) {
    q.current += n;
    if (q.current > q.watermark) q.watermark = q.current;
  }
}

/** One task more: null, or the group whose limit refuses. Peaks below that one stay. */
function tryAdd(p: PidsCgroup): PidsCgroup | null {
  for (let q: PidsCgroup | null = p; q !== null; q = q.parent) {
    if (q.current + 1 > q.limit) {
      for (let r = p; r !== q; r = r.parent as PidsCgroup) r.current--;
      return q;
    }
    q.current++;
    if (q.current > q.watermark) q.watermark = q.current;
  }
  return null;
}

function files(local: boolean): CgroupFile[] {
  const list: CgroupFile[] = [
    {
      name: "max",
      mode: 0o644,
      notOnRoot: true,
      show: (_c, _g, css) =>
        of(css as Css).limit === Number.POSITIVE_INFINITY ? "max\n" : `${of(css as Css).limit}\n`,
      store(_c, _g, css, text) {
        const s = text.trim();
        const n = s === "max" ? BigInt(PIDS_MAX + 1) : kstrtol(s, 0);
        if (n instanceof Errno) return fail(n.nr);
        if (n < 0n || (n > BigInt(PIDS_MAX) && s !== "max")) return fail(EINVAL);
        of(css as Css).limit = s === "max" ? Number.POSITIVE_INFINITY : Number(n);
      },
    },
    { name: "current", mode: 0o444, notOnRoot: true, show: (_c, _g, css) => `${of(css as Css).current}\n` },
    { name: "peak", mode: 0o444, notOnRoot: true, show: (_c, _g, css) => `${of(css as Css).watermark}\n` },
    {
      name: "events",
      mode: 0o444,
      notOnRoot: true,
      show: (_c, _g, css) => `max ${local ? of(css as Css).total : of(css as Css).local}\n`,
    },
  ];
  if (local)
    list.push({
      name: "events.local",
      mode: 0o444,
      notOnRoot: true,
      show: (_c, _g, css) => `max ${of(css as Css).local}\n`,
    });
  return list;
}

/** `local`: events count where the limit was hit (6.11 and later), else where the fork was. */
export function installPids(k: Core, local: boolean): void {
  k.state.class(PidsCgroup);
  const f = files(local);
  const def: Controller = {
    name: "pids",
    threaded: true,
    cssAlloc(_k, css) {
      css.data = new PidsCgroup(css.parent === null ? null : of(css.parent), css);
    },
    attach(_k, css, _task, old) {
      add(of(old), -1);
      add(of(css), 1);
    },
    files: f,
    legacyFiles: f.filter((x) => x.name !== "events.local"),
  };
  k.state.static("cgroup.pids", def);
  const index = k.cgroup.register(def);
  const mine = (t: Task): PidsCgroup => of(k.cgroup.css(t, index));
  k.hooks.fork.tap(
    110,
    "pids",
    (ev) => {
      if (ev.stage !== "cgroup") return 0;
      const at = mine(ev.parent);
      const hit = tryAdd(at);
      if (hit === null) return 0;
      const where = local ? hit : at;
      if (!where.logged) k.log(6, `cgroup: fork rejected by pids controller in ${where.css.cgroup.path}`);
      where.logged = true;
      where.local++;
      for (let p: PidsCgroup | null = where; p !== null; p = p.parent) {
        p.total++;
        k.cgroup.notify(p.css.cgroup, "pids.events");
      }
      return EAGAIN;
    },
    (ev) => {
      if (ev.stage === "cgroup") add(mine(ev.parent), -1);
    },
  );
  k.hooks.reaped.tap(110, "pids", (t) => add(mine(t), -1));
}
