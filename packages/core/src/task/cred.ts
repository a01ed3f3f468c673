/**
 * Credentials: who a task is. Objects are shared between tasks and open files and never change once a task wears them: a
 * change is made on a copy (`clone`), then installed. Ids are kernel ids (of the initial user namespace). credentials(7),
 * capabilities(7).
 */
import { CAP_LAST_CAP } from "../abi/capability.js";
import type { UserNamespace } from "./userNamespace.js";

/** A set of the 41 capabilities in two words. */
export class CapSet {
  constructor(
    public lo = 0,
    public hi = 0,
  ) {}

  static all(): CapSet {
    return new CapSet(0xffffffff, (2 ** (CAP_LAST_CAP - 31) - 1) >>> 0);
  }
  has(cap: number): boolean {
    return ((cap < 32 ? this.lo >>> cap : this.hi >>> (cap - 32)) & 1) === 1;
  }
  with(cap: number): CapSet {
    return cap < 32
      ? new CapSet((this.lo | (1 << cap)) >>> 0, this.hi)
      : new CapSet(this.lo, (this.hi | (1 << (cap - 32))) >>> 0);
  }
  without(cap: number): CapSet {
    return cap < 32
      ? new CapSet((this.lo & ~(1 << cap)) >>> 0, this.hi)
      : new CapSet(this.lo, (this.hi & ~(1 << (cap - 32))) >>> 0);
  }
  and(o: CapSet): CapSet {
    return new CapSet((this.lo & o.lo) >>> 0, (this.hi & o.hi) >>> 0);
  }
  or(o: CapSet): CapSet {
    return new CapSet((this.lo | o.lo) >>> 0, (this.hi | o.hi) >>> 0);
  }
  minus(o: CapSet): CapSet {
    return new CapSet((this.lo & ~o.lo) >>> 0, (this.hi & ~o.hi) >>> 0);
  }
  subsetOf(o: CapSet): boolean {
    return (this.lo & ~o.lo) === 0 && (this.hi & ~o.hi) === 0;
  }
  equals(o: CapSet): boolean {
    return this.lo === o.lo && this.hi === o.hi;
  }
  get empty(): boolean {
    return this.lo === 0 && this.hi === 0;
  }
  /** The capabilities in it, ascending. */
  list(): number[] {
    const out: number[] = [];
    for (let cap = 0; cap <= CAP_LAST_CAP; cap++) if (this.has(cap)) out.push(cap);
    return out;
  }
  /** 16 hex digits, as /proc/PID/status shows it. */
  hex(): string {
    return this.hi.toString(16).padStart(8, "0") + this.lo.toString(16).padStart(8, "0");
  }
}

export class Cred {
  uid = 0;
  euid = 0;
  suid = 0;
  fsuid = 0;
  gid = 0;
  egid = 0;
  sgid = 0;
  fsgid = 0;
  /** Supplementary groups (kernel gids), ascending. */
  groups: readonly number[] = [];
  inheritable: CapSet = new CapSet();
  permitted: CapSet = new CapSet();
  effective: CapSet = new CapSet();
  bounding: CapSet = CapSet.all();
  ambient: CapSet = new CapSet();
  securebits = 0;

  constructor(public userNs: UserNamespace) {}

  clone(): Cred {
    const c = new Cred(this.userNs);
    c.uid = this.uid;
    c.euid = this.euid;
    c.suid = this.suid;
    c.fsuid = this.fsuid;
    c.gid = this.gid;
    c.egid = this.egid;
    c.sgid = this.sgid;
    c.fsgid = this.fsgid;
    c.groups = this.groups;
    c.inheritable = this.inheritable;
    c.permitted = this.permitted;
    c.effective = this.effective;
    c.bounding = this.bounding;
    c.ambient = this.ambient;
    c.securebits = this.securebits;
    return c;
  }

  /** Is kernel gid `kgid` the fsgid or one of the groups? */
  inGroup(kgid: number): boolean {
    return kgid === this.fsgid || includesSorted(this.groups, kgid);
  }
}

export function includesSorted(a: readonly number[], x: number): boolean {
  let lo = 0;
  let hi = a.length - 1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    if (a[mid] === x) return true;
    if (a[mid] < x) lo = mid + 1;
    else hi = mid - 1;
  }
  return false;
}

/**
 * Does `cred` have `cap` towards `ns`? It must be in the effective set within its own namespace; the owner of a child
 * namespace has all capabilities in it, and so down the tree. Pure: checks by a task go through task/capable.ts.
 * user_namespaces(7), "Capabilities".
 */
export function credCapable(cred: Cred, ns: UserNamespace, cap: number): boolean {
  for (let n: UserNamespace = ns; ; ) {
    if (n === cred.userNs) return cred.effective.has(cap);
    if (n.level <= cred.userNs.level || n.parent === null) return false;
    if (n.parent === cred.userNs && n.owner === cred.euid) return true;
    n = n.parent;
  }
}
