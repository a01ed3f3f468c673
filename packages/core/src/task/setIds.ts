/**
 * Changing user and group ids: setuid(2), setreuid(2), setresuid(2), setfsuid(2) and the same for groups, with what that does to
 * capabilities. Ids here are kernel ids; -1 is "as it is". credentials(7), capabilities(7) "Effect of user ID changes".
 */
import {
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
  CAP_SETGID,
  CAP_SETUID,
} from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from "../abi/prctl.js";
import type { Core } from "../kernel/core.js";
import { nsCapable } from "./capable.js";
import { commitCreds } from "./commitCreds.js";
import { CapSet, type Cred } from "./cred.js";
import type { Task } from "./task.js";
import { INVALID_ID, makeKgid, makeKuid } from "./userNamespace.js";

/** Capabilities that go with the file system uid. */
const CAP_FS_SET: CapSet = /* @__PURE__ */ [
  CAP_CHOWN,
  CAP_MKNOD,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_MAC_OVERRIDE,
  CAP_LINUX_IMMUTABLE,
].reduce((s, cap) => s.with(cap), new CapSet());

/** uid_t -1. */
const KEEP = 0xffffffff;

/** An id argument as a kernel id, KEEP for -1; EINVAL if the namespace does not map it. */
export function argUid(t: Task, uid: number): number {
  return idArg(uid >>> 0, makeKuid(t.cred.userNs, uid >>> 0));
}
export function argGid(t: Task, gid: number): number {
  return idArg(gid >>> 0, makeKgid(t.cred.userNs, gid >>> 0));
}
function idArg(id: number, kid: number): number {
  if (id === KEEP) return KEEP;
  return kid === INVALID_ID ? fail(EINVAL) : kid;
}

/** Capabilities follow the uids: none are left when no uid is 0 any more, effective follows euid 0. */
function fixCaps(c: Cred, old: Cred): void {
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) !== 0) return;
  const root = makeKuid(old.userNs, 0);
  const had = old.uid === root || old.euid === root || old.suid === root;
  const has = c.uid === root || c.euid === root || c.suid === root;
  if (had && !has) {
    if ((old.securebits & SECBIT_KEEP_CAPS) === 0) {
      c.permitted = new CapSet();
      c.effective = new CapSet();
    }
    c.ambient = new CapSet();
  }
  if (old.euid === root && c.euid !== root) c.effective = new CapSet();
  if (old.euid !== root && c.euid === root) c.effective = c.permitted;
}

export function setresuid(k: Core, t: Task, ruid: number, euid: number, suid: number): void {
  const old = t.cred;
  const same = (id: number, now: number): boolean => id === KEEP || id === now;
  if (same(ruid, old.uid) && same(euid, old.euid) && (euid === KEEP || euid === old.fsuid) && same(suid, old.suid))
    return;
  const foreign = (id: number): boolean => id !== KEEP && id !== old.uid && id !== old.euid && id !== old.suid;
  if ((foreign(ruid) || foreign(euid) || foreign(suid)) && !nsCapable(k, t, old.userNs, CAP_SETUID)) fail(EPERM);
  const c = old.clone();
  if (ruid !== KEEP) c.uid = ruid;
  if (euid !== KEEP) c.euid = euid;
  if (suid !== KEEP) c.suid = suid;
  c.fsuid = c.euid;
  fixCaps(c, old);
  commitCreds(k, t, c);
}

export function setreuid(k: Core, t: Task, ruid: number, euid: number): void {
  const old = t.cred;
  const c = old.clone();
  if (ruid !== KEEP) {
    if (ruid !== old.uid && ruid !== old.euid && !nsCapable(k, t, old.userNs, CAP_SETUID)) fail(EPERM);
    c.uid = ruid;
  }
  if (euid !== KEEP) {
    if (euid !== old.uid && euid !== old.euid && euid !== old.suid && !nsCapable(k, t, old.userNs, CAP_SETUID))
      fail(EPERM);
    c.euid = euid;
  }
  if (ruid !== KEEP || (euid !== KEEP && euid !== old.uid)) c.suid = c.euid;
  c.fsuid = c.euid;
  fixCaps(c, old);
  commitCreds(k, t, c);
}

export function setuid(k: Core, t: Task, uid: number): void {
  if (uid === KEEP) fail(EINVAL);
  const old = t.cred;
  const c = old.clone();
  if (nsCapable(k, t, old.userNs, CAP_SETUID)) {
    c.uid = uid;
    c.suid = uid;
  } else if (uid !== old.uid && uid !== old.suid) fail(EPERM);
  c.euid = uid;
  c.fsuid = uid;
  fixCaps(c, old);
  commitCreds(k, t, c);
}

/** setfsuid(2): true if it is set now. The file system capabilities follow it. */
export function setfsuid(k: Core, t: Task, uid: number): boolean {
  const old = t.cred;
  if (uid === old.fsuid) return true;
  const own = uid === old.uid || uid === old.euid || uid === old.suid;
  if (!own && !nsCapable(k, t, old.userNs, CAP_SETUID)) return false;
  const c = old.clone();
  c.fsuid = uid;
  if ((old.securebits & SECBIT_NO_SETUID_FIXUP) === 0) {
    const root = makeKuid(old.userNs, 0);
    if (old.fsuid === root && uid !== root) c.effective = c.effective.minus(CAP_FS_SET);
    if (old.fsuid !== root && uid === root) c.effective = c.effective.or(CAP_FS_SET.and(c.permitted));
  }
  commitCreds(k, t, c);
  return true;
}

export function setresgid(k: Core, t: Task, rgid: number, egid: number, sgid: number): void {
  const old = t.cred;
  const same = (id: number, now: number): boolean => id === KEEP || id === now;
  if (same(rgid, old.gid) && same(egid, old.egid) && (egid === KEEP || egid === old.fsgid) && same(sgid, old.sgid))
    return;
  const foreign = (id: number): boolean => id !== KEEP && id !== old.gid && id !== old.egid && id !== old.sgid;
  if ((foreign(rgid) || foreign(egid) || foreign(sgid)) && !nsCapable(k, t, old.userNs, CAP_SETGID)) fail(EPERM);
  const c = old.clone();
  if (rgid !== KEEP) c.gid = rgid;
  if (egid !== KEEP) c.egid = egid;
  if (sgid !== KEEP) c.sgid = sgid;
  c.fsgid = c.egid;
  commitCreds(k, t, c);
}

export function setregid(k: Core, t: Task, rgid: number, egid: number): void {
  const old = t.cred;
  const c = old.clone();
  if (rgid !== KEEP) {
    if (rgid !== old.gid && rgid !== old.egid && !nsCapable(k, t, old.userNs, CAP_SETGID)) fail(EPERM);
    c.gid = rgid;
  }
  if (egid !== KEEP) {
    if (egid !== old.gid && egid !== old.egid && egid !== old.sgid && !nsCapable(k, t, old.userNs, CAP_SETGID))
      fail(EPERM);
    c.egid = egid;
  }
  if (rgid !== KEEP || (egid !== KEEP && egid !== old.gid)) c.sgid = c.egid;
  c.fsgid = c.egid;
  commitCreds(k, t, c);
}

export function setgid(k: Core, t: Task, gid: number): void {
  if (gid === KEEP) fail(EINVAL);
  const old = t.cred;
  const c = old.clone();
  if (nsCapable(k, t, old.userNs, CAP_SETGID)) {
    c.gid = gid;
    c.sgid = gid;
  } else if (gid !== old.gid && gid !== old.sgid) fail(EPERM);
  c.egid = gid;
  c.fsgid = gid;
  commitCreds(k, t, c);
}

/** setfsgid(2). */
export function setfsgid(k: Core, t: Task, gid: number): boolean {
  const old = t.cred;
  if (gid === old.fsgid) return true;
  const own = gid === old.gid || gid === old.egid || gid === old.sgid;
  if (!own && !nsCapable(k, t, old.userNs, CAP_SETGID)) return false;
  const c = old.clone();
  c.fsgid = gid;
  commitCreds(k, t, c);
  return true;
}

/** setgroups(2): kernel gids, sorted. */
export function setGroups(k: Core, t: Task, groups: readonly number[]): void {
  const c = t.cred.clone();
  c.groups = [...groups].sort((a, b) => a - b);
  commitCreds(k, t, c);
}
