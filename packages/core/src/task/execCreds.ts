/**
 * Credentials over execve(2): set-user-ID and set-group-ID bits, file capabilities, the privileges of root, ambient capabilities, and
 * who may not gain any. execve(2), capabilities(7) "Transformation of capabilities during execve()".
 */
import { CAP_SETUID } from "../abi/capability.js";
import { EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from "../abi/prctl.js";
import { S_ISGID, S_ISUID, S_IXGRP } from "../abi/stat.js";
import { CapSet, type Cred, credCapable } from "./cred.js";
import type { FileCaps } from "./fileCaps.js";
import { INVALID_ID, makeKuid, mapIdUp } from "./userNamespace.js";

/** What the file contributes. */
export interface ExecFile {
  readonly mode: number;
  /** Kernel ids of its owner, after the mount's id map. */
  readonly uid: number;
  readonly gid: number;
  readonly caps: FileCaps | null;
  /** Set-id bits and capabilities of the file count (no nosuid mount). */
  readonly maySuid: boolean;
}

/** What keeps a task from gaining privilege. */
export interface ExecUnsafe {
  readonly noNewPrivs: boolean;
  /** Its root directory is shared with another process (CLONE_FS). */
  readonly sharesFs: boolean;
}

export interface ExecCreds {
  readonly cred: Cred;
  /** Privilege was gained: the environment is not to be trusted (AT_SECURE). */
  readonly secure: boolean;
}

/** The new credentials. EPERM: the file's effective capabilities are not all to be had. */
export function execCreds(old: Cred, file: ExecFile, unsafe: ExecUnsafe): ExecCreds {
  const c = old.clone();
  const ns = c.userNs;
  c.securebits = old.securebits & ~SECBIT_KEEP_CAPS;

  if (
    file.maySuid &&
    !unsafe.noNewPrivs &&
    (file.mode & (S_ISUID | S_ISGID)) !== 0 &&
    mapIdUp(ns.uidMap, file.uid) !== INVALID_ID &&
    mapIdUp(ns.gidMap, file.gid) !== INVALID_ID
  ) {
    if ((file.mode & S_ISUID) !== 0) c.euid = file.uid;
    if ((file.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) c.egid = file.gid;
  }

  let effective = false;
  let hasFileCaps = false;
  c.permitted = new CapSet();
  if (file.maySuid && file.caps !== null) {
    const f = file.caps;
    hasFileCaps = true;
    effective = f.effective;
    c.permitted = f.permitted.and(c.bounding).or(f.inheritable.and(c.inheritable));
    // a program that wants capabilities as a set cannot run with some of them
    if (f.effective && !f.permitted.subsetOf(c.permitted)) return fail(EPERM);
  }
  const root = makeKuid(ns, 0);
  if ((c.securebits & SECBIT_NOROOT) === 0 && !(hasFileCaps && c.euid === root && c.uid !== root)) {
    if (c.euid === root || c.uid === root) c.permitted = c.bounding.or(c.inheritable);
    if (c.euid === root) effective = true;
  }

  const isSetid = c.euid !== old.uid || c.egid !== old.gid;
  if ((isSetid || !c.permitted.subsetOf(old.permitted)) && (unsafe.noNewPrivs || unsafe.sharesFs)) {
    if (unsafe.noNewPrivs || !credCapable(old, ns, CAP_SETUID)) {
      c.euid = c.uid;
      c.egid = c.gid;
    }
    c.permitted = c.permitted.and(old.permitted);
  }
  c.suid = c.euid;
  c.fsuid = c.euid;
  c.sgid = c.egid;
  c.fsgid = c.egid;
  if (hasFileCaps || isSetid) c.ambient = new CapSet();
  c.permitted = c.permitted.or(c.ambient);
  c.effective = effective ? c.permitted : c.ambient;
  const secure =
    c.euid !== old.uid || c.egid !== old.gid || (c.uid !== root && (effective || !c.permitted.subsetOf(c.ambient)));
  return { cred: c, secure };
}
