/**
 * The cgroup core: hierarchies, making and removing groups, which controllers are where, and moving tasks. The files are in
 * cgroupFiles.ts, the file system in cgroupfs.ts, freezing in freeze.ts. cgroups(7), Documentation/admin-guide/cgroup-v2.
 *
 * For controllers: `k.cgroup.register(def)`, `k.cgroup.css(task, index)`, `k.cgroup.cssGet/cssPut` for what is charged,
 * `k.cgroup.notify(cgroup, "memory.events")`.
 */
import { EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Cred } from "../task/cred.js";
import type { Task } from "../task/task.js";
import type { OpenFile } from "../vfs/file.js";
import { Cgroup, Css } from "./cgroup.js";
import type { CgroupFs } from "./cgroupfs.js";
import type { Controller } from "./controller.js";
import { canBeThreadRoot, domainOf, isValidDomain } from "./domains.js";
import { updateFrozen } from "./freeze.js";
import { CgroupRoot } from "./hierarchy.js";
import { KNOWN_CONTROLLERS } from "./knownControllers.js";

/** A css has gone offline (1), or is gone for good (-1). */
function countDying(css: Css, n: number): void {
  for (let g: Cgroup | null = css.cgroup; g !== null; g = g.parent)
    g.nrDyingSubsys[css.controller] = (g.nrDyingSubsys[css.controller] ?? 0) + n;
}

export class Cgroups {
  static readonly transient: readonly string[] = [
    "controllers",
    "onNotify",
    "mayWrite",
    "groupOf",
    "onControllers",
    "viewRoot",
    "cpuStat",
    "fs",
  ];
  /** In order of registration; css arrays and masks go by index. */
  readonly controllers: Controller[] = [];
  /** By hierarchy number; 0 is the v2 tree. */
  readonly roots: (CgroupRoot | null)[] = [];
  lastId = 0;
  lastCssId = 0;
  /** Root of /proc/self/cgroup views other than the hierarchy's: set by cgroup namespaces. */
  readonly v2: CgroupRoot;
  /** May a holder of `cred` write this file of the group? Set by the file system. */
  mayWrite: (c: Ctx, g: Cgroup, file: string, cred: Cred) => boolean = () => true;
  /** Where a reader's view of a hierarchy begins: its root, or that of the reader's cgroup namespace. */
  viewRoot: (reader: Task, top: Cgroup) => Cgroup = (_reader, top) => top;
  /** Lines that a cpu controller adds to cpu.stat of a group. */
  cpuStat: ((g: Cgroup) => string) | null = null;
  /** Controllers of a group's children changed. Set by the file system. */
  onControllers: ((g: Cgroup) => void) | null = null;
  /** The file systems that show the groups. */
  fs!: CgroupFs;
  /** The group whose directory this is, or null. Set by the file system. */
  groupOf: (file: OpenFile) => Cgroup | null = () => null;
  /** Told of changes that poll and watchers of a file must see; set by the file system. */
  onNotify: ((cgroup: Cgroup, file: string) => void) | null = null;

  constructor(readonly k: Core) {
    this.v2 = this.makeRoot(true, "", "");
  }

  private makeRoot(v2: boolean, name: string, options: string): CgroupRoot {
    let id = 0;
    while (this.roots[id]) id++;
    const root = new CgroupRoot(id, v2, name, options);
    root.top = new Cgroup(root, null, "", ++this.lastId);
    this.roots[id] = root;
    return root;
  }

  // --- controllers ---

  /** Register a controller before boot; its index. TypeError if the name is taken. */
  register(c: Controller): number {
    if (this.controllers.some((x) => x.name === c.name))
      throw new TypeError(`cgroup controller '${c.name}' is registered twice`);
    const i = this.controllers.length;
    this.controllers.push(c);
    this.v2.controllers |= 1 << i;
    this.makeCss(this.v2.top, i);
    return i;
  }

  index(name: string): number {
    return this.controllers.findIndex((c) => c.name === name || c.legacyName === name);
  }

  /** Controllers that can be enabled below a group (cgroup.controllers), as a mask. */
  available(c: Cgroup): number {
    return c.parent === null ? this.v2Visible() : c.parent.subtreeControl;
  }

  private v2Visible(): number {
    let m = 0;
    this.controllers.forEach((x, i) => {
      if (x.only !== "v1" && (this.v2.controllers >>> i) & 1) m |= 1 << i;
    });
    return m;
  }

  /** Names of a mask's controllers, in Linux's order; those it does not have last. */
  names(mask: number): string[] {
    const place = (name: string): number => (KNOWN_CONTROLLERS.indexOf(name) + NOT_KNOWN) % NOT_KNOWN;
    return this.controllers
      .filter((_, i) => (mask >>> i) & 1)
      .map((c) => c.name)
      .sort((a, b) => place(a) - place(b));
  }

  // --- css ---

  /** A controller's part of a group. */
  makeCss(c: Cgroup, i: number): Css {
    const parent = c.parent === null ? null : c.parent.effective(i);
    const css = new Css(c, i, parent, ++this.lastCssId);
    const def = this.controllers[i];
    def.cssAlloc(this.k, css);
    if (parent !== null) parent.refs++;
    c.css[i] = css;
    def.cssOnline?.(this.k, css);
    return css;
  }

  /** The part ends when nothing is charged to it any more. */
  killCss(css: Css): void {
    css.online = false;
    css.cgroup.css[css.controller] = null;
    this.controllers[css.controller].cssOffline?.(this.k, css);
    css.cgroup.nrDyingCss++;
    countDying(css, 1);
    this.cssPut(css);
  }

  /** Something charged to the css keeps it. */
  cssGet(css: Css, n = 1): void {
    css.refs += n;
  }

  cssPut(css: Css, n = 1): void {
    css.refs -= n;
    if (css.refs > 0) return;
    this.controllers[css.controller].cssFree?.(this.k, css);
    const c = css.cgroup;
    c.nrDyingCss--;
    countDying(css, -1);
    if (css.parent !== null) this.cssPut(css.parent);
    this.released(c);
  }

  /** A dead group whose last css has gone leaves the counts of its ancestors. */
  private released(c: Cgroup): void {
    if (!c.dead || c.nrDyingCss > 0 || c.tasks.size > 0) return;
    for (let p = c.parent; p !== null; p = p.parent) p.nrDyingDescendants--;
  }

  /** The task's css of a controller. */
  css(t: Task, controller: number): Css {
    for (const c of t.cgroups) {
      if (!((c.root.controllers >>> controller) & 1)) continue;
      return c.effective(controller) as Css;
    }
    return this.v2.top.css[controller] as Css;
  }

  /** The css of a cgroup (or the nearest ancestor with one). */
  cssOf(c: Cgroup, controller: number): Css {
    return c.effective(controller) as Css;
  }

  // --- groups ---

  /** mkdir: EEXIST, ENOENT (dead parent), EINVAL (newline), EAGAIN (limits), a controller's errno. */
  mkdir(parent: Cgroup, name: string): Cgroup {
    if (parent.dead) return fail(ENOENT);
    if (name.includes("\n")) return fail(EINVAL);
    if (parent.children.has(name)) return fail(EEXIST);
    let depth = 1;
    for (let p: Cgroup | null = parent; p !== null; p = p.parent, depth++)
      if (p.nrDescendants >= p.maxDescendants || depth > p.maxDepth) return fail(EAGAIN);
    const c = new Cgroup(parent.root, parent, name, ++this.lastId);
    const { hooks } = this.k;
    const e = hooks.mkdirCgroup.on === null ? 0 : hooks.mkdirCgroup.on(c, undefined);
    if (e !== 0) return fail(e);
    const want = parent.root.v2 ? parent.subtreeControl : parent.root.controllers;
    try {
      for (let i = 0; i < this.controllers.length; i++) if ((want >>> i) & 1) this.makeCss(c, i);
    } catch (x) {
      for (const s of c.css) if (s) this.killCss(s);
      hooks.mkdirCgroup.undo(c, undefined);
      throw x;
    }
    parent.children.set(name, c);
    c.cloneChildren = parent.cloneChildren;
    c.notifyOnRelease = parent.notifyOnRelease;
    for (let p: Cgroup | null = parent; p !== null; p = p.parent) p.nrDescendants++;
    c.frozenEffective = parent.frozenEffective;
    if (c.frozenEffective) c.freezeSince = this.k.now;
    updateFrozen(this.k, c);
    this.trace("cgroup_mkdir", c);
    return c;
  }

  /** rmdir: EBUSY with live tasks or children. */
  rmdir(c: Cgroup): void {
    if (c.parent === null || c.populated || c.children.size > 0) fail(EBUSY);
    const { parent } = c;
    c.dead = true;
    parent.goneUtimeNs += c.goneUtimeNs;
    parent.goneStimeNs += c.goneStimeNs;
    parent.children.delete(c.name);
    for (let p: Cgroup | null = parent; p !== null; p = p.parent) {
      p.nrDescendants--;
      p.nrDyingDescendants++;
    }
    this.trace("cgroup_rmdir", c);
    const { hooks } = this.k;
    if (hooks.rmdirCgroup.on !== null) hooks.rmdirCgroup.on(c, undefined);
    // held until the last of its css is told, or the first to go would count for all
    c.nrDyingCss++;
    for (const s of c.css) if (s) this.killCss(s);
    c.nrDyingCss--;
    this.released(c);
    updateFrozen(this.k, parent);
  }

  // --- tasks ---

  /** May these tasks be moved to `dst` at all? EOPNOTSUPP, EBUSY; permissions are the file's. */
  checkMigrate(dst: Cgroup): void {
    if (!dst.root.v2) return;
    if (!isValidDomain(this, domainOf(dst))) fail(EOPNOTSUPP);
    if (dst.threaded || canBeThreadRoot(this, dst)) return;
    if (dst.subtreeControl !== 0) fail(EBUSY);
  }

  /** Move tasks to a group of its hierarchy. A controller may refuse (its errno). */
  migrate(tasks: readonly Task[], dst: Cgroup): void {
    const { root } = dst;
    const moving = tasks.filter((t) => t.cgroups[root.id] !== dst);
    if (moving.length === 0) return;
    const changed: [number, Css][] = [];
    for (let i = 0; i < this.controllers.length; i++) {
      if (!((root.controllers >>> i) & 1)) continue;
      const to = dst.effective(i);
      if (to !== null && moving.some((t) => t.cgroups[root.id].effective(i) !== to)) changed.push([i, to]);
    }
    for (let n = 0; n < changed.length; n++) {
      const [i, to] = changed[n];
      const e = this.controllers[i].canAttach?.(this.k, to, moving) ?? 0;
      if (e === 0) continue;
      for (let m = n - 1; m >= 0; m--) this.controllers[changed[m][0]].cancelAttach?.(this.k, changed[m][1], moving);
      fail(e);
    }
    for (const t of moving) {
      const src = t.cgroups[root.id];
      const old = changed.map(([i]) => src.effective(i) as Css);
      this.leave(t, src);
      this.enter(t, dst);
      changed.forEach(([i, to], n) => {
        if (old[n] !== to) this.controllers[i].attach?.(this.k, to, t, old[n]);
      });
    }
  }

  private enter(t: Task, c: Cgroup): void {
    t.cgroups[c.root.id] = c;
    c.tasks.add(t);
    if (t.exiting) return;
    if (c.nrLive++ === 0) this.populate(c, true);
    updateFrozen(this.k, c, t);
  }

  private leave(t: Task, c: Cgroup): void {
    c.tasks.delete(t);
    if (t.exiting) return;
    if (--c.nrLive === 0) this.populate(c, false);
    updateFrozen(this.k, c);
  }

  /** The subtree of `c` got or lost its first live task. */
  private populate(c: Cgroup, now: boolean): void {
    const { hooks } = this.k;
    for (let g: Cgroup | null = c; g !== null; g = g.parent) {
      // unchanged if another part of the subtree is populated
      if (g !== c) {
        const before = g.populated;
        g.nrPopulatedChildren += now ? 1 : -1;
        if (before === g.populated) return;
      } else if (g.nrPopulatedChildren > 0) return;
      this.notify(g, "cgroup.events");
      if (hooks.populated.on !== null) hooks.populated.on(g, undefined);
      this.trace("cgroup_notify_populated", g, now ? 1 : 0);
    }
  }

  /** At fork, after all vetoes: the child starts in its parent's groups, or (clone3) in v2 group `into`. */
  fork(parent: Task, child: Task, into: Cgroup | null = null): void {
    child.cgroups = parent.cgroups.slice();
    if (into !== null) child.cgroups[0] = into;
    for (const c of child.cgroups) this.enter(child, c);
  }

  /** The group of CLONE_INTO_CGROUP: EBADF no v2 group's directory, ENODEV removed, EACCES, EBUSY, EOPNOTSUPP. */
  forkInto(c: Ctx, fd: number): Cgroup {
    const file = c.task.files?.get(fd) ?? null;
    const g = file === null ? null : this.groupOf(file);
    if (g === null || !g.root.v2) return fail(EBADF);
    if (g.dead) return fail(ENODEV);
    if (!this.mayWrite(c, g, "cgroup.procs", c.task.cred)) return fail(EACCES);
    this.checkMigrate(g);
    return g;
  }

  /** The task has exited: a zombie does not populate its group. */
  exit(t: Task): void {
    for (const c of t.cgroups) {
      if (--c.nrLive === 0) this.populate(c, false);
      updateFrozen(this.k, c);
    }
  }

  /** The task has frozen (or thawed): cgroup.events may change. */
  froze(t: Task): void {
    if (t.cgroups.length > 0) updateFrozen(this.k, t.cgroups[0]);
  }

  /** The zombie is gone. */
  release(t: Task): void {
    for (const c of t.cgroups) {
      c.tasks.delete(t);
      c.goneUtimeNs += t.utimeNs;
      c.goneStimeNs += t.stimeNs;
      this.released(c);
    }
  }

  /** A task that exists before the part is installed, or when a hierarchy is made: into the root groups. */
  adopt(t: Task): void {
    for (const r of this.roots) if (r !== null && t.cgroups[r.id] === undefined) this.enter(t, r.top);
  }

  // --- v1 ---

  /**
   * The v1 hierarchy of these controllers and this name, made if it is not there. EBUSY: a controller is in use elsewhere (in
   * v2: enabled somewhere, in v1: with others); ENOENT for a name nobody has and no controllers... EINVAL nothing asked for.
   */
  legacyRoot(mask: number, name: string, options: string): CgroupRoot {
    for (const r of this.roots) {
      if (r === null || r.v2) continue;
      if (mask !== 0 && r.controllers === mask) return r;
      if (mask === 0 && name !== "" && r.name === name) return r;
      if ((r.controllers & mask) !== 0) return fail(EBUSY);
    }
    if (mask === 0 && name === "") return fail(EINVAL);
    for (let i = 0; i < this.controllers.length; i++) {
      if (!((mask >>> i) & 1)) continue;
      if (this.controllers[i].only === "v2") return fail(ENODEV);
      for (const g of this.v2.top.subtree()) if ((g.subtreeControl >>> i) & 1) return fail(EBUSY);
    }
    const root = this.makeRoot(false, name, options);
    root.controllers = mask;
    for (let i = 0; i < this.controllers.length; i++) {
      if (!((mask >>> i) & 1)) continue;
      this.v2.controllers &= ~(1 << i);
      // the root css moves: what is counted in it stays
      const css = this.v2.top.css[i] as Css;
      this.v2.top.css[i] = null;
      const moved = new Css(root.top, i, null, css.id);
      moved.data = css.data;
      moved.refs = css.refs;
      root.top.css[i] = moved;
    }
    for (const t of this.k.tasks.all()) this.adopt(t);
    return root;
  }

  // --- telling ---

  /** A file's content changed: poll wakes up (at most once per 10 ms a file). */
  notify(c: Cgroup, file: string): void {
    this.onNotify?.(c, file);
  }

  trace(event: string, c: Cgroup, val?: number): void {
    const tp = this.k.trace.points.get(`cgroup:${event}`) as { on: boolean; emit(...a: unknown[]): void } | undefined;
    if (tp?.on) tp.emit(c, val);
  }

  /** Path of a group as a reader whose view starts at `from` sees it: `/../x` for what is outside. */
  pathFrom(c: Cgroup, from: Cgroup): string {
    let base: Cgroup = from;
    let up = "";
    while (!c.isDescendantOf(base)) {
      up += "/..";
      base = base.parent as Cgroup;
    }
    let down = "";
    for (let g: Cgroup = c; g !== base; g = g.parent as Cgroup) down = `/${g.name}${down}`;
    const path = up + down;
    return path === "" ? "/" : path;
  }
}

/** Where a name stands that is not among them: behind all. */
const NOT_KNOWN = 1000;
