/**
 * frame: what all types of namespaces share: inode numbers, ids, limits, and the making and ending of one. A type's part calls
 * `frame.define` in its install.
 */
import {
  CAP_SYS_ADMIN,
  type Core,
  EPERM,
  fail,
  giveBack,
  type Namespace,
  type NsCopy,
  type NsSet,
  type NsType,
  nsCapable,
  putNs,
  type Task,
  takeLowest,
  type UserNamespace,
} from "@kernelkit/core";
import type { ResolvedOptions } from "./options.js";
import { decUcount, incUcount, Ucounts, type UcountType, UserNsCounts } from "./ucounts.js";

/** First inode number of namespaces that are made. */
const PROC_DYNAMIC_FIRST = 4026531840;

/** What is known of a living namespace. */
export class NsRecord {
  constructor(
    /** Never given again. */
    readonly id: number,
    readonly ucounts: Ucounts | null,
  ) {}
}

/** State root "namespaces". */
export class NsState {
  readonly live: Map<Namespace, NsRecord> = new Map();
  /** Inode numbers given back, ascending, and the lowest never given. */
  readonly freeInums: number[] = [];
  nextInum: number = PROC_DYNAMIC_FIRST;
  lastId = 0;
  /** Peer groups of mounts: the same. */
  readonly freeGroups: number[] = [];
  nextGroup = 1;
}

/** How a type makes and ends its namespaces. */
export interface NsOps<N extends Namespace> {
  readonly ucount: UcountType;
  /** A new one with one reference; may fail(errno). References to `of.userNs` are taken by the frame. */
  make(old: N, of: NsCopy, ino: number): N;
  /** The last reference has gone. */
  ended?(ns: N): void;
}

export class NsFrame {
  readonly st: NsState = new NsState();

  constructor(
    readonly k: Core,
    readonly o: ResolvedOptions,
  ) {
    k.state.class(NsState, NsRecord, Ucounts, UserNsCounts);
    k.state.root("namespaces", this.st);
    k.tasks.initUserNs.data.ucounts = new UserNsCounts(Math.floor(k.tasks.sysctl.threadsMax / 2), null);
  }

  allocInum(): number {
    const { st } = this;
    return takeLowest(st.freeInums, () => st.nextInum++);
  }

  /** A namespace lives from now on. */
  born(ns: Namespace, ucounts: Ucounts | null): void {
    this.st.live.set(ns, new NsRecord(++this.st.lastId, ucounts));
  }

  /** It is gone: its number is free again, its creator may have one more. */
  gone(ns: Namespace, type: UcountType): void {
    const r = this.st.live.get(ns);
    this.st.live.delete(ns);
    giveBack(this.st.freeInums, ns.ino);
    if (r?.ucounts) decUcount(r.ucounts, type);
  }

  /** The id that is never given again; 0: it has gone. */
  idOf(ns: Namespace): number {
    return this.st.live.get(ns)?.id ?? 0;
  }

  charge(ns: UserNamespace, uid: number, type: UcountType): Ucounts {
    return incUcount(ns, uid, type, this.o.features.UCOUNTS);
  }

  /** Give a type its making and its end; `owned`: it is owned by a user namespace (all but user itself). */
  define<N extends Namespace>(type: NsType, ops: NsOps<N>): void {
    type.copy = (old, of) => {
      const uc = this.charge(of.userNs, of.by.cred.euid, ops.ucount);
      const ino = this.allocInum();
      let ns: N;
      try {
        ns = ops.make(old as N, of, ino);
      } catch (e) {
        giveBack(this.st.freeInums, ino);
        decUcount(uc, ops.ucount);
        throw e;
      }
      of.userNs.refs++;
      this.born(ns, uc);
      return ns;
    };
    type.put = (ns) => {
      ops.ended?.(ns as N);
      this.gone(ns, ops.ucount);
      putNs(ns.userNs);
    };
  }

  /** setns(2) into a type that asks for CAP_SYS_ADMIN over its owner and over the caller's (joined) user namespace. EPERM. */
  installPlain(type: NsType): void {
    type.install = (set, ns) => {
      this.mayInstall(set, ns);
      set.ns[type.index] = ns;
    };
  }

  mayInstall(set: NsSet, ns: Namespace): void {
    const { k } = this;
    if (!nsCapable(k, set.task, ns.userNs, CAP_SYS_ADMIN) || !nsCapable(k, set.task, set.cred.userNs, CAP_SYS_ADMIN))
      fail(EPERM);
  }

  /** The task's namespace of a type that is in its proxy. */
  of<N extends Namespace>(t: Task, type: NsType): N {
    return t.nsproxy.ns[type.index] as N;
  }
}
