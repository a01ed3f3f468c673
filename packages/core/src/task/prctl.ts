/** Attributes of a process or thread: prctl(2). One function per option, in a table. */
import { CAP_LAST_CAP, CAP_SETPCAP } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_IS_SET,
  PR_CAP_AMBIENT_LOWER,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_KEEPCAPS,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_GET_SECUREBITS,
  PR_GET_THP_DISABLE,
  PR_GET_TIMERSLACK,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_SECUREBITS,
  PR_SET_THP_DISABLE,
  PR_SET_TIMERSLACK,
  SECBIT_KEEP_CAPS,
  SECBIT_NO_CAP_AMBIENT_RAISE,
  SECURE_ALL_BITS,
  SECURE_ALL_LOCKS,
} from "../abi/prctl.js";
import type { Core } from "../kernel/core.js";
import { isRt } from "../sched/runQueue.js";
import { nsCapable } from "./capable.js";
import { setComm } from "./comm.js";
import { commitCreds, getDumpable, setDumpable } from "./commitCreds.js";
import { CapSet, type Cred } from "./cred.js";
import { validSignal } from "./sigDefaults.js";
import type { Task } from "./task.js";

const SECBIT_KEEP_CAPS_LOCKED: number = SECBIT_KEEP_CAPS << 1;

type Args = readonly [a: number, b: number, c: number, d: number];
type Option = (k: Core, t: Task, a: Args) => number;

/** Change the credentials of a task: on a copy. */
function changed(t: Task, f: (c: Cred) => void): Cred {
  const c = t.cred.clone();
  f(c);
  return c;
}

/** Every process below `t` has an ancestor that adopts orphans now. */
function markDescendants(t: Task): void {
  const todo = [t];
  for (let p = todo.pop(); p !== undefined; p = todo.pop())
    for (let c = p.signal.childHead; c !== null; c = c.sibNext) {
      if (c.signal.hasChildSubreaper || c.signal.unkillable) continue;
      c.signal.hasChildSubreaper = true;
      todo.push(c);
    }
}

function setSecurebits(k: Core, t: Task, bits: number): number {
  const old = t.cred.securebits;
  const locks = (old & SECURE_ALL_LOCKS) >> 1;
  if (
    (locks & (old ^ bits)) !== 0 || // a locked bit
    (old & SECURE_ALL_LOCKS & ~bits) !== 0 || // a lock taken away
    (bits & ~(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) !== 0 ||
    !nsCapable(k, t, t.cred.userNs, CAP_SETPCAP)
  )
    return fail(EPERM);
  commitCreds(
    k,
    t,
    changed(t, (c) => {
      c.securebits = bits;
    }),
  );
  return 0;
}

function ambient(k: Core, t: Task, op: number, cap: number, rest: boolean): number {
  if (op === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (cap !== 0 || rest) return fail(EINVAL);
    commitCreds(
      k,
      t,
      changed(t, (c) => {
        c.ambient = new CapSet();
      }),
    );
    return 0;
  }
  if (rest || cap > CAP_LAST_CAP) return fail(EINVAL);
  const { cred } = t;
  if (op === PR_CAP_AMBIENT_IS_SET) return cred.ambient.has(cap) ? 1 : 0;
  if (op !== PR_CAP_AMBIENT_RAISE && op !== PR_CAP_AMBIENT_LOWER) return fail(EINVAL);
  const raise = op === PR_CAP_AMBIENT_RAISE;
  if (
    raise &&
    (!cred.permitted.has(cap) || !cred.inheritable.has(cap) || (cred.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) !== 0)
  )
    return fail(EPERM);
  commitCreds(
    k,
    t,
    changed(t, (c) => {
      c.ambient = raise ? c.ambient.with(cap) : c.ambient.without(cap);
    }),
  );
  return 0;
}

const options: ReadonlyMap<number, Option> = /* @__PURE__ */ new Map<number, Option>([
  [
    PR_SET_PDEATHSIG,
    (_k, t, [sig]) => {
      if (!validSignal(sig)) return fail(EINVAL);
      t.pdeathSignal = sig;
      return 0;
    },
  ],
  [PR_GET_PDEATHSIG, (_k, t) => t.pdeathSignal],
  [PR_GET_DUMPABLE, (_k, t) => getDumpable(t)],
  [
    PR_SET_DUMPABLE,
    (_k, t, [v]) => {
      if (v !== 0 && v !== 1) return fail(EINVAL);
      setDumpable(t, v);
      return 0;
    },
  ],
  [PR_GET_KEEPCAPS, (_k, t) => ((t.cred.securebits & SECBIT_KEEP_CAPS) !== 0 ? 1 : 0)],
  [
    PR_SET_KEEPCAPS,
    (k, t, [v]) => {
      if (v !== 0 && v !== 1) return fail(EINVAL);
      if ((t.cred.securebits & SECBIT_KEEP_CAPS_LOCKED) !== 0) return fail(EPERM);
      commitCreds(
        k,
        t,
        changed(t, (c) => {
          c.securebits = v === 1 ? c.securebits | SECBIT_KEEP_CAPS : c.securebits & ~SECBIT_KEEP_CAPS;
        }),
      );
      return 0;
    },
  ],
  [PR_CAPBSET_READ, (_k, t, [cap]) => (cap > CAP_LAST_CAP ? fail(EINVAL) : t.cred.bounding.has(cap) ? 1 : 0)],
  [
    PR_CAPBSET_DROP,
    (k, t, [cap]) => {
      if (!nsCapable(k, t, t.cred.userNs, CAP_SETPCAP)) return fail(EPERM);
      if (cap > CAP_LAST_CAP) return fail(EINVAL);
      commitCreds(
        k,
        t,
        changed(t, (c) => {
          c.bounding = c.bounding.without(cap);
        }),
      );
      return 0;
    },
  ],
  [PR_GET_SECUREBITS, (_k, t) => t.cred.securebits],
  [PR_SET_SECUREBITS, (k, t, [bits]) => setSecurebits(k, t, bits)],
  [PR_GET_TIMERSLACK, (_k, t) => (isRt(t) ? 0 : t.se.timerslackNs)],
  [
    PR_SET_TIMERSLACK,
    (_k, t, [ns]) => {
      if (isRt(t)) return 0;
      t.se.timerslackNs = ns === 0 ? t.se.defaultTimerslackNs : ns;
      return 0;
    },
  ],
  [
    PR_SET_CHILD_SUBREAPER,
    (_k, t, [v]) => {
      t.signal.isChildSubreaper = v !== 0;
      if (v !== 0) markDescendants(t);
      return 0;
    },
  ],
  [PR_GET_CHILD_SUBREAPER, (_k, t) => (t.signal.isChildSubreaper ? 1 : 0)],
  [
    PR_SET_NO_NEW_PRIVS,
    (_k, t, [v, b, c, d]) => {
      if (v !== 1 || b !== 0 || c !== 0 || d !== 0) return fail(EINVAL);
      t.noNewPrivs = true;
      return 0;
    },
  ],
  [
    PR_GET_NO_NEW_PRIVS,
    (_k, t, [a, b, c, d]) => {
      if (a !== 0 || b !== 0 || c !== 0 || d !== 0) return fail(EINVAL);
      return t.noNewPrivs ? 1 : 0;
    },
  ],
  [
    PR_SET_THP_DISABLE,
    (k, t, [v, b, c, d]) => {
      if (b !== 0 || c !== 0 || d !== 0 || t.mm === null) return fail(EINVAL);
      void k;
      t.mm.thpDisabled = v !== 0;
      return 0;
    },
  ],
  [
    PR_GET_THP_DISABLE,
    (_k, t, [a, b, c, d]) => {
      if (a !== 0 || b !== 0 || c !== 0 || d !== 0 || t.mm === null) return fail(EINVAL);
      return t.mm.thpDisabled ? 1 : 0;
    },
  ],
  [PR_CAP_AMBIENT, (k, t, [op, cap, c, d]) => ambient(k, t, op, cap, c !== 0 || d !== 0)],
]);

/** The call: numbers as unsigned 64-bit arguments (small ones exact), the name as text. */
export function prctl(
  k: Core,
  t: Task,
  option: number,
  arg2: number | string,
  a3: number,
  a4: number,
  a5: number,
): number | string {
  if (option === PR_GET_NAME) return t.comm;
  if (option === PR_SET_NAME) {
    if (typeof arg2 !== "string") throw new TypeError("prctl(PR_SET_NAME): the name must be a string");
    setComm(k, t, arg2);
    return 0;
  }
  if (typeof arg2 !== "number") throw new TypeError(`prctl(${option}): arg2 must be a number, not ${typeof arg2}`);
  const f = options.get(option);
  return f === undefined ? fail(EINVAL) : f(k, t, [arg2, a3, a4, a5]);
}
