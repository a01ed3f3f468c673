/**
 * imaHooks: where the VFS meets IMA: open, mmap, mprotect, execve, the last close, changes of labels and owners.
 */
import {
  CAP_SYS_ADMIN,
  type Cred,
  capable,
  type Dentry,
  EACCES,
  EINVAL,
  EPERM,
  eqIversion,
  FMODE_EXEC,
  FMODE_WRITE,
  type Inode,
  isIversion,
  type OpenFile,
  PROT_EXEC,
  S_IFMT,
  S_IFREG,
  VM_EXEC,
  type Vma,
} from "@kernelkit/core";
import { hashAlgoName } from "../abi/hashAlgo.js";
import {
  IMA_APPRAISE,
  IMA_FUNC_BPRM_CHECK,
  IMA_FUNC_CREDS_CHECK,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_MMAP_CHECK,
  IMA_FUNC_MMAP_CHECK_REQPROT,
  IMA_FUNC_POST_SETATTR,
  IMA_HASH,
  IMA_MEASURE,
  MAY_EXEC,
} from "../abi/imaPolicy.js";
import { INTEGRITY_PASS } from "../abi/integrityStatus.js";
import {
  EVM_IMA_XATTR_DIGSIG,
  EVM_XATTR_PORTABLE_DIGSIG,
  IMA_XATTR_LAST,
  XATTR_NAME_EVM,
  XATTR_NAME_IMA,
} from "../abi/xattr.js";
import { AUDIT_INTEGRITY_DATA, integrityAudit } from "../audit.js";
import { evmKeyLoaded, evmProtectedXattr } from "../evm/evmVerifyxattr.js";
import type { Integrity } from "../integrityCore.js";
import { imaFixXattr } from "./appraise.js";
import { collectMeasurement } from "./collect.js";
import { getAction } from "./getAction.js";
import {
  type Iint,
  IMA_CHANGE_ATTR,
  IMA_CHANGE_XATTR,
  IMA_DIGSIG,
  IMA_EMITTED_OPENWRITERS,
  IMA_NEW_FILE,
  IMA_UPDATE_XATTR,
  VERDICT_FILE,
} from "./iint.js";
import { imaGetHashAlgo } from "./imaXattr.js";
import { processMeasurement } from "./processMeasurement.js";

/** open(2), after permission and before truncation. `mask`: MAY_READ, MAY_WRITE, MAY_APPEND as asked for. */
export function imaFileCheck(g: Integrity, file: OpenFile, mask: number): number {
  const exec = (file.mode & FMODE_EXEC) !== 0 ? MAY_EXEC : 0;
  return processMeasurement(g, file, mask | exec, IMA_FUNC_FILE_CHECK);
}

/** mmap(2): what becomes executable. */
export function imaFileMmap(g: Integrity, file: OpenFile | null, prot: number): number {
  if (file === null || (prot & PROT_EXEC) === 0 || g.state.policyFlag === 0) return 0;
  if (g.o.profile.dialect.reqprot) {
    const e = processMeasurement(g, file, MAY_EXEC, IMA_FUNC_MMAP_CHECK_REQPROT);
    if (e !== 0) return e;
  }
  return processMeasurement(g, file, MAY_EXEC, IMA_FUNC_MMAP_CHECK);
}

/** mprotect(2): a mapping that the policy would have looked at must not become executable behind its back. Nothing is hashed. */
export function imaFileMprotect(g: Integrity, vma: Vma, prot: number): number {
  const { state } = g;
  const file = vma.file;
  if ((state.policyFlag & IMA_APPRAISE) === 0 || file === null) return 0;
  if ((prot & PROT_EXEC) === 0 || (vma.flags & VM_EXEC) !== 0) return 0;
  const { inode } = file;
  let action = getAction(g, inode, MAY_EXEC, IMA_FUNC_MMAP_CHECK).action;
  if (g.o.profile.dialect.reqprot) action |= getAction(g, inode, MAY_EXEC, IMA_FUNC_MMAP_CHECK_REQPROT).action;
  if ((action & (IMA_MEASURE | IMA_APPRAISE)) === 0) return 0;
  const result = (action & IMA_APPRAISE) !== 0 ? -EPERM : 0;
  const m = { op: "collect_data", cause: "failed-mprotect", name: g.path(file), inode, result };
  integrityAudit(g, AUDIT_INTEGRITY_DATA, m);
  return -result;
}

/** execve(2), for each file: the script, then its interpreter. `next`: the credentials it will run with. */
export function imaBprmCheck(g: Integrity, file: OpenFile, next: Cred): number {
  const e = processMeasurement(g, file, MAY_EXEC, IMA_FUNC_BPRM_CHECK);
  return e !== 0 ? e : processMeasurement(g, file, MAY_EXEC, IMA_FUNC_CREDS_CHECK, null, next);
}

/** The last writer has gone: what was written is hashed into the label, if the file was good before. */
function updateXattr(g: Integrity, iint: Iint, file: OpenFile): void {
  if ((iint.atomic & IMA_DIGSIG) !== 0) return;
  if (iint.status[VERDICT_FILE] !== INTEGRITY_PASS && (iint.flags & IMA_HASH) === 0) return;
  if (collectMeasurement(g, iint, file, null, g.state.hashAlgo) < 0) return;
  imaFixXattr(g, file, iint);
}

/** The end of an open file: with the last writer, what was known about a changed file is forgotten. */
export function imaFileFree(g: Integrity, file: OpenFile): void {
  const { inode } = file;
  if (g.state.policyFlag === 0 || (file.mode & FMODE_WRITE) === 0 || (inode.mode & S_IFMT) !== S_IFREG) return;
  const iint = g.iint(inode);
  if (iint === null) return;
  if (g.onInodeLock !== null) g.onInodeLock(inode);
  if (inode.writecount !== 1) return;
  iint.atomic &= ~IMA_EMITTED_OPENWRITERS;
  const update = iint.testAndClear(IMA_UPDATE_XATTR);
  const same = isIversion(inode) && eqIversion(inode, iint.version) && (iint.flags & IMA_NEW_FILE) === 0;
  if (same) return;
  iint.reset();
  iint.flags &= ~IMA_NEW_FILE;
  if (update) updateXattr(g, iint, file);
}

/** A label or seal is about to change: the verdict must be made anew. */
function resetAppraiseFlags(g: Integrity, inode: Inode, digsig: boolean): void {
  if ((g.state.policyFlag & IMA_APPRAISE) === 0 || (inode.mode & S_IFMT) !== S_IFREG) return;
  const iint = g.iint(inode);
  if (iint === null) return;
  iint.measured0 = 0;
  iint.measured1 = 0;
  iint.atomic |= IMA_CHANGE_XATTR;
  if (digsig) iint.atomic |= IMA_DIGSIG;
  else iint.atomic &= ~IMA_DIGSIG;
}

/** Is the algorithm of a new label allowed by a SETXATTR_CHECK rule, or known at all? 0 or EACCES. */
function validateHashAlgo(g: Integrity, dentry: Dentry, xattr: Uint8Array): number {
  const { state } = g;
  const algo = imaGetHashAlgo(xattr, state.hashAlgo, g.o.profile.hashAlgoLast);
  let cause = "denied-hash-algorithm";
  if (state.setxattrAlgos !== 0) {
    if ((state.setxattrAlgos & (1 << algo)) !== 0) return 0;
  } else {
    if (algo === state.hashAlgo || (hashAlgoName[algo] !== undefined && g.hashes.has(algo))) return 0;
    cause = "unavailable-hash-algorithm";
  }
  const inode = dentry.inode as Inode;
  integrityAudit(g, AUDIT_INTEGRITY_DATA, { op: "set_data", cause, name: g.fsPath(dentry), inode, result: -EACCES });
  return EACCES;
}

/** Does a change of this attribute concern the verdict? */
function revalidates(g: Integrity, name: string): boolean {
  return evmKeyLoaded(g) && (name === XATTR_NAME_EVM || evmProtectedXattr(g, name));
}

/** Before setxattr(2). 0 or errno: EPERM without CAP_SYS_ADMIN, EINVAL for an empty value or unknown type, EACCES for its algorithm. */
export function imaInodeSetxattr(g: Integrity, dentry: Dentry, name: string, value: Uint8Array): number {
  let digsig = false;
  if (name === XATTR_NAME_IMA) {
    const t = g.k.current;
    if (t !== null && !capable(g.k, t, CAP_SYS_ADMIN)) return EPERM;
    if (value.length === 0 || value[0] >= IMA_XATTR_LAST) return EINVAL;
    const e = validateHashAlgo(g, dentry, value);
    if (e !== 0) return e;
    digsig = value[0] === EVM_IMA_XATTR_DIGSIG;
  } else if (!revalidates(g, name)) {
    return 0;
  } else if (name === XATTR_NAME_EVM && value.length > 0) {
    digsig = value[0] === EVM_XATTR_PORTABLE_DIGSIG;
  }
  resetAppraiseFlags(g, dentry.inode as Inode, digsig);
  return 0;
}

/** Before removexattr(2). 0 or EPERM. */
export function imaInodeRemovexattr(g: Integrity, dentry: Dentry, name: string): number {
  if (name === XATTR_NAME_IMA) {
    const t = g.k.current;
    if (t !== null && !capable(g.k, t, CAP_SYS_ADMIN)) return EPERM;
  } else if (!revalidates(g, name)) {
    return 0;
  }
  resetAppraiseFlags(g, dentry.inode as Inode, false);
  return 0;
}

/** Owner, group or mode changed: other rules may apply now. */
export function imaInodePostSetattr(g: Integrity, dentry: Dentry): void {
  const inode = dentry.inode as Inode;
  if ((g.state.policyFlag & IMA_APPRAISE) === 0 || (inode.mode & S_IFMT) !== S_IFREG || inode.sb.xattr === null) return;
  const action = getAction(g, inode, 0, IMA_FUNC_POST_SETATTR).action & IMA_APPRAISE;
  const iint = g.iint(inode);
  if (iint === null) return;
  iint.atomic |= IMA_CHANGE_ATTR;
  if (action === 0) iint.atomic &= ~IMA_UPDATE_XATTR;
}
