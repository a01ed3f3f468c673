/**
 * Attributes of processes that only their files in /proc know: coredump_filter, loginuid and sessionid. Few processes have other
 * values than the first; only those are kept. Children inherit them. core(5), proc_pid_loginuid(5).
 */
import { CAP_AUDIT_CONTROL } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import { kstrtou64, kstrtouint } from "../lib/numberParsers.js";
import { capable } from "../task/capable.js";
import type { Task } from "../task/task.js";
import { fromKuidMunged, INVALID_ID, makeKuid } from "../task/userNamespace.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";

const DEFAULT_FILTER = 0x33;
/** Kinds of mappings that a core dump can leave out or take in: bits 0..8. */
const FILTER_MASK = 0x1ff;

interface Attributes {
  coreFilter: number;
  /** Kernel id; INVALID_ID: nobody has logged in. */
  loginuid: number;
  session: number;
}

export class Inherited {
  readonly of: Map<Task, Attributes> = new Map();
  lastSession = 0;

  constructor(readonly k: Core) {
    k.state.root("inherited", this);
    k.hooks.forked.tap(950, "proc", (parent, child) => {
      const a = this.of.size === 0 ? undefined : this.of.get(parent);
      if (a !== undefined) this.of.set(child, { ...a });
    });
    k.hooks.reaped.tap(951, "proc.inherited", (t) => {
      if (this.of.size > 0) this.of.delete(t);
    });
  }

  get(t: Task): Attributes {
    return this.of.get(t) ?? { coreFilter: DEFAULT_FILTER, loginuid: INVALID_ID, session: INVALID_ID };
  }

  change(t: Task, a: Partial<Attributes>): void {
    this.of.set(t, { ...this.get(t), ...a });
  }

  coredumpFilter(): PseudoFile<Task> {
    return {
      mode: 0o644,
      plain: true,
      show: (_c, t) => (t.mm === null ? "" : `${this.get(t).coreFilter.toString(16).padStart(8, "0")}\n`),
      store: (_c, t, text) => {
        const v = kstrtouint(text, 0);
        if (typeof v !== "number") return fail(EINVAL);
        for (const x of t.signal.threads) this.change(x, { coreFilter: v & FILTER_MASK });
        return undefined;
      },
    };
  }

  loginuid(): PseudoFile<Task> {
    return {
      mode: 0o644,
      plain: true,
      show: (c, t) => {
        const { loginuid } = this.get(t);
        return String(loginuid === INVALID_ID ? INVALID_ID : fromKuidMunged(c.task.cred.userNs, loginuid));
      },
      // each sets its own, once; again only with CAP_AUDIT_CONTROL
      store: (c, t, text) => {
        if (t !== c.task) return fail(EPERM);
        const v = kstrtou64(text, 10);
        if (typeof v !== "bigint" || v > 0xffffffffn) return fail(EINVAL);
        const uid = Number(v);
        const kuid = uid === INVALID_ID ? INVALID_ID : makeKuid(c.task.cred.userNs, uid);
        if (kuid === INVALID_ID && uid !== INVALID_ID) return fail(EINVAL);
        if (this.get(t).loginuid !== INVALID_ID && !capable(this.k, c.task, CAP_AUDIT_CONTROL)) return fail(EPERM);
        this.change(t, { loginuid: kuid, session: kuid === INVALID_ID ? INVALID_ID : ++this.lastSession });
        return undefined;
      },
    };
  }
}
