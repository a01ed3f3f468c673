/**
 * Control groups: one group of a hierarchy, and a controller's state in it. cgroups(7), Documentation/admin-guide/cgroup-v2.
 *
 * A `Css` is what a controller has in a group where it is enabled; in groups where it is not, the nearest ancestor's counts
 * (`Cgroup.effective`). A removed group lives on (dying) while anything still refers to one of its css (a page, a zombie).
 */
import type { Task } from "../task/task.js";
import type { CgroupRoot } from "./hierarchy.js";

/** A controller's state in one cgroup. */
export class Css {
  /** The controller's own: plain state or an instance of a class it registered. */
  data: unknown = null;
  /** Charges that keep it alive after its cgroup is removed, and its children. */
  refs = 1;
  online = true;

  constructor(
    readonly cgroup: Cgroup,
    /** Index of the controller in `Cgroups.controllers`. */
    readonly controller: number,
    /** The css of the nearest ancestor where the controller is enabled; null at the root of the hierarchy. */
    readonly parent: Css | null,
    /** Never reused. */
    readonly id: number,
  ) {}
}

export class Cgroup {
  readonly children: Map<string, Cgroup> = new Map();
  readonly level: number;
  /** Own css by controller index; undefined or null: not enabled here. */
  readonly css: (Css | null)[] = [];
  /** v2: controllers enabled for the children, bit by controller index. */
  subtreeControl = 0;
  /** Tasks attached here, zombies too; in order of arrival. */
  readonly tasks: Set<Task> = new Set();
  /** CPU time of tasks that were reaped here, and of removed children. */
  goneUtimeNs = 0;
  goneStimeNs = 0;
  /** Tasks here that have not exited. */
  nrLive = 0;
  /** Child cgroups with live tasks in their subtree. */
  nrPopulatedChildren = 0;
  nrDescendants = 0;
  nrDyingDescendants = 0;
  /** Dying css's of each controller here and below. */
  readonly nrDyingSubsys: number[] = [];
  /** Infinity: no limit. */
  maxDescendants: number = Number.POSITIVE_INFINITY;
  maxDepth: number = Number.POSITIVE_INFINITY;
  /** Written to cgroup.freeze here; and whether it or an ancestor is. */
  freezeSelf = false;
  frozenEffective = false;
  /** ns in which it was to be frozen, up to `freezeSince`; that is when it began, -1: it is not. */
  frozenNs = 0;
  freezeSince = -1;
  /** All live tasks of the subtree are frozen, as cgroup.events shows. */
  frozenShown = false;
  /** v2: root of a threaded domain's thread part: "threaded" groups take threads of one process. */
  threaded = false;
  /** v1 */
  notifyOnRelease = false;
  cloneChildren = false;
  /** Removed: no file shows it any more. */
  dead = false;
  /** Its css that still live after removal. */
  nrDyingCss = 0;
  /** Who owns directory and files (kernel ids), by file name; "" is the directory. Kept by the file system. */
  dir: unknown = null;

  constructor(
    readonly root: CgroupRoot,
    readonly parent: Cgroup | null,
    public name: string,
    /** Inode number of its directory. */
    readonly id: number,
  ) {
    this.level = parent === null ? 0 : parent.level + 1;
  }

  get populated(): boolean {
    return this.nrLive > 0 || this.nrPopulatedChildren > 0;
  }

  /** The css that counts here for a controller; null if no ancestor has one (another hierarchy does). */
  effective(controller: number): Css | null {
    for (let c: Cgroup | null = this; c !== null; c = c.parent) {
      const s = c.css[controller];
      if (s) return s;
    }
    return null;
  }

  /** Path from the root of the hierarchy: "/", "/a/b". */
  get path(): string {
    return this.parent === null
      ? "/"
      : this.parent.parent === null
        ? `/${this.name}`
        : `${this.parent.path}/${this.name}`;
  }

  isDescendantOf(ancestor: Cgroup): boolean {
    for (let c: Cgroup | null = this; c !== null; c = c.parent) if (c === ancestor) return true;
    return false;
  }

  /** CPU time of the tasks here and below, those that are gone too, as far as it has been charged, ns. */
  cpuTime(): { user: number; system: number } {
    let user = 0;
    let system = 0;
    for (const d of this.subtree()) {
      user += d.goneUtimeNs;
      system += d.goneStimeNs;
      for (const t of d.tasks) {
        user += t.utimeNs;
        system += t.stimeNs;
      }
    }
    return { user, system };
  }

  /** It and its descendants, parents first. */
  *subtree(): Generator<Cgroup> {
    yield this;
    for (const c of this.children.values()) yield* c.subtree();
  }
}
