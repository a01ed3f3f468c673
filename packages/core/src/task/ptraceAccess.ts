/**
 * May one task look into another (PTRACE_MODE_READ) or take hold of it (ATTACH)? Asked by /proc/PID files, process_vm calls, setns
 * by pidfd, kcmp. ptrace(2), "Ptrace access mode checking".
 */
import { CAP_SYS_PTRACE } from "../abi/capability.js";
import { SUID_DUMP_USER } from "../abi/prctl.js";
import type { Core } from "../kernel/core.js";
import { nsCapable } from "./capable.js";
import { getDumpable } from "./commitCreds.js";
import type { Task } from "./task.js";

export const PTRACE_MODE_READ = 0x01;
export const PTRACE_MODE_ATTACH = 0x02;
/** No audit record of a failed capability check. */
export const PTRACE_MODE_NOAUDIT = 0x04;
/** The caller's file system ids and effective capabilities count ... */
export const PTRACE_MODE_FSCREDS = 0x08;
/** ... or the real ids and permitted capabilities. */
export const PTRACE_MODE_REALCREDS = 0x10;
export const PTRACE_MODE_READ_FSCREDS: number = PTRACE_MODE_READ | PTRACE_MODE_FSCREDS;
export const PTRACE_MODE_READ_REALCREDS: number = PTRACE_MODE_READ | PTRACE_MODE_REALCREDS;
export const PTRACE_MODE_ATTACH_FSCREDS: number = PTRACE_MODE_ATTACH | PTRACE_MODE_FSCREDS;
export const PTRACE_MODE_ATTACH_REALCREDS: number = PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS;

/** Within one process always. Else: same ids (or CAP_SYS_PTRACE), dumpable (or CAP_SYS_PTRACE), no capabilities the caller lacks. */
export function ptraceMayAccess(k: Core, caller: Task, target: Task, mode: number): boolean {
  if (caller.tgid === target.tgid) return true;
  const c = caller.cred;
  const tc = target.cred;
  const fs = (mode & PTRACE_MODE_FSCREDS) !== 0;
  const uid = fs ? c.fsuid : c.uid;
  const gid = fs ? c.fsgid : c.gid;
  const same =
    uid === tc.euid && uid === tc.suid && uid === tc.uid && gid === tc.egid && gid === tc.sgid && gid === tc.gid;
  if (!same && !nsCapable(k, caller, tc.userNs, CAP_SYS_PTRACE)) return false;
  if (!target.isKthread && getDumpable(target) !== SUID_DUMP_USER) {
    const ns = target.mm !== null ? target.mm.userNs : tc.userNs;
    if (!nsCapable(k, caller, ns, CAP_SYS_PTRACE)) return false;
  }
  const caps = fs ? c.effective : c.permitted;
  if (c.userNs === tc.userNs && tc.permitted.subsetOf(caps)) return true;
  return nsCapable(k, caller, tc.userNs, CAP_SYS_PTRACE);
}
