/**
 * processMeasurement: the one path every measured, appraised and audited file takes (`process_measurement`), in the kernel's order:
 * policy, violations, what is done already, digest, measurement, verdict, audit, allowed algorithms.
 */
import {
  type Cred,
  EACCES,
  EINVAL,
  ETXTBSY,
  FMODE_WRITE,
  type Inode,
  O_DIRECT,
  type OpenFile,
  S_IFMT,
  S_IFREG,
} from "@kernelkit/core";
import { HASH_ALGO_SHA1, hashAlgoName } from "../abi/hashAlgo.js";
import {
  IMA_APPRAISE,
  IMA_AUDIT,
  IMA_DO_MASK,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_MMAP_CHECK,
  IMA_FUNC_MMAP_CHECK_REQPROT,
  IMA_HASH,
  IMA_MEASURE,
  IMA_NONACTION_FLAGS,
  IMA_PERMIT_DIRECTIO,
  MAY_WRITE,
} from "../abi/imaPolicy.js";
import { EVM_IMA_XATTR_DIGSIG, XATTR_NAME_EVM, XATTR_NAME_IMA } from "../abi/xattr.js";
import { AUDIT_INTEGRITY_DATA, AUDIT_INTEGRITY_PCR, auditMeasurement, integrityAudit } from "../audit.js";
import { toHex } from "../bytes.js";
import { evmProtectedXattrs } from "../evm/evmVerifyxattr.js";
import type { Integrity } from "../integrityCore.js";
import { getRawXattr } from "../securityXattr.js";
import { appraiseMeasurement } from "./appraise.js";
import { collectMeasurement } from "./collect.js";
import { getAction } from "./getAction.js";
import {
  type Iint,
  IMA_APPRAISED,
  IMA_AUDITED,
  IMA_CHANGE_ATTR,
  IMA_CHANGE_XATTR,
  IMA_DIGSIG,
  IMA_EMITTED_OPENWRITERS,
  IMA_HASHED,
  IMA_MEASURED,
  IMA_MUST_MEASURE,
  IMA_NEW_FILE,
  IMA_UPDATE_XATTR,
  verdictOf,
} from "./iint.js";
import { IMA_APPRAISE_ENFORCE } from "./imaState.js";
import { imaGetHashAlgo } from "./imaXattr.js";
import { storeTemplate, templateOf } from "./store.js";

function mmapFunc(func: number): boolean {
  return func === IMA_FUNC_MMAP_CHECK || func === IMA_FUNC_MMAP_CHECK_REQPROT;
}

/** An entry of a violation: zeros in the list, ones in the default register, with the default template. */
function addViolation(g: Integrity, file: OpenFile, path: string, cause: string): void {
  const { inode } = file;
  const ev = { name: path, algo: g.state.hashAlgo, digest: null, ...inodeFields(inode) };
  const result = storeTemplate(g, templateOf(g, ""), ev, g.o.profile.pcr, inode);
  integrityAudit(g, AUDIT_INTEGRITY_PCR, { op: "invalid_pcr", cause, name: path, inode, result });
}

function inodeFields(inode: Inode): { inode: { uid: number; gid: number; mode: number } } {
  return { inode: { uid: inode.uid, gid: inode.gid, mode: inode.mode } };
}

/**
 * Readers and writers at once make what was measured uncertain: a writer after a measured reader (ToMToU), a measured reader beside
 * writers (open_writers). An open for reading and writing counts as a writer.
 */
function violationCheck(g: Integrity, file: OpenFile, mustMeasure: boolean): void {
  const { inode } = file;
  const limited = g.o.violations === "limited";
  if ((file.mode & FMODE_WRITE) !== 0) {
    const iint = inode.readcount > 0 ? g.iint(inode) : null;
    if (iint === null || (iint.atomic & IMA_MUST_MEASURE) === 0) return;
    if (limited) iint.atomic &= ~IMA_MUST_MEASURE;
    addViolation(g, file, g.path(file), "ToMToU");
    return;
  }
  if (!mustMeasure) return;
  const iint = g.iintGet(inode);
  iint.atomic |= IMA_MUST_MEASURE;
  if (inode.writecount <= 0) return;
  if (limited) {
    if ((iint.atomic & IMA_EMITTED_OPENWRITERS) !== 0) return;
    iint.atomic |= IMA_EMITTED_OPENWRITERS;
  }
  addViolation(g, file, g.path(file), "open_writers");
}

/** Something else than this mapping may write to what is to be executed. */
function mmapViolation(g: Integrity, func: number, file: OpenFile, path: string): number {
  const { mapping } = file.inode;
  if (!mmapFunc(func) || mapping === null || mapping.iMmapWritable <= 0) return 0;
  const { inode } = file;
  const m = { op: "mmap_file", cause: "mmapped_writers", name: path, inode, result: -ETXTBSY };
  integrityAudit(g, AUDIT_INTEGRITY_DATA, m);
  return -ETXTBSY;
}

function measure(
  g: Integrity,
  iint: Iint,
  file: OpenFile,
  path: string,
  xattr: Uint8Array | null,
  template: string,
  pcr: number,
): void {
  if (iint.isMeasured(pcr)) return;
  const { inode } = file;
  const ev = {
    name: path,
    algo: iint.algo,
    digest: iint.digest,
    sha1: () => g.crypto.digest(HASH_ALGO_SHA1, g.contents(inode)),
    imaXattr: xattr,
    evmXattr: getRawXattr(inode, XATTR_NAME_EVM),
    xattrs: evmProtectedXattrs(g, inode),
    ...inodeFields(inode),
  };
  storeTemplate(g, templateOf(g, template), ev, pcr, inode);
  if ((file.flags & O_DIRECT) === 0) {
    iint.flags |= IMA_MEASURED;
    iint.setMeasured(pcr);
  }
}

/** The actions that are still to do: orders without the done ones, and the verdict bit if that verdict is not there yet. */
interface Work {
  action: number;
  appraise: boolean;
}

function workLeft(iint: Iint, action: number, pcr: number, verdict: number): Work {
  iint.flags |= action;
  if ((action & IMA_APPRAISE) !== 0) iint.appraise |= 1 << verdict;
  let left = action & (IMA_AUDIT | IMA_HASH);
  if ((iint.flags & IMA_AUDITED) !== 0) left &= ~IMA_AUDIT;
  if ((iint.flags & IMA_HASHED) !== 0) left &= ~IMA_HASH;
  if ((action & IMA_MEASURE) !== 0 && !iint.isMeasured(pcr)) left |= IMA_MEASURE;
  return { action: left, appraise: (action & IMA_APPRAISE) !== 0 && (iint.appraised & (1 << verdict)) === 0 };
}

/** A `hash` rule only marks the file: its label is written when it closes. */
function hashAction(iint: Iint, inode: Inode, w: Work): void {
  if ((w.action & IMA_HASH) === 0 || (iint.atomic & IMA_DIGSIG) !== 0) return;
  const xattr = getRawXattr(inode, XATTR_NAME_IMA);
  if (xattr !== null && xattr.length > 2 && xattr[0] === EVM_IMA_XATTR_DIGSIG) iint.atomic |= IMA_DIGSIG;
  iint.flags |= IMA_HASHED;
  iint.atomic |= IMA_UPDATE_XATTR;
  w.action &= ~IMA_HASH;
}

/** Everything from the digest on. Returns 0, an errno or a verdict: what is not 0 is refused if the file is appraised. */
function carryOut(g: Integrity, file: OpenFile, iint: Iint, w: Work, m: Plan, buf: Uint8Array | null): number {
  const { inode } = file;
  const readXattr = w.appraise || templateOf(g, m.template).legacy === false;
  const xattr = readXattr ? getRawXattr(inode, XATTR_NAME_IMA) : null;
  const algo = imaGetHashAlgo(xattr, g.state.hashAlgo, g.o.profile.hashAlgoLast);
  let rc = collectMeasurement(g, iint, file, buf, algo);
  if (rc !== 0 && rc !== -EINVAL) return rc;
  const path = g.path(file);
  if ((w.action & IMA_MEASURE) !== 0) measure(g, iint, file, path, xattr, m.template, m.pcr);
  if (rc === 0 && w.appraise) {
    rc = appraiseMeasurement(g, m.func, iint, file, path, xattr);
    if (rc === 0) rc = mmapViolation(g, m.func, file, path);
  }
  if ((w.action & IMA_AUDIT) !== 0) {
    auditMeasurement(g, path, `${hashAlgoName[iint.algo]}:${toHex(iint.digest ?? new Uint8Array(0))}`);
    iint.flags |= IMA_AUDITED;
  }
  if ((file.flags & O_DIRECT) !== 0 && (iint.flags & IMA_PERMIT_DIRECTIO) !== 0) rc = 0;
  if (rc === 0 && m.mustAppraise && m.allowedAlgos !== 0 && (m.allowedAlgos & (1 << algo)) === 0) {
    rc = -EACCES;
    const cause = "denied-hash-algorithm";
    integrityAudit(g, AUDIT_INTEGRITY_DATA, { op: "collect_data", cause, name: path, inode, result: rc });
  }
  return rc;
}

/** What the policy said, kept over calls that ask it again. */
interface Plan {
  readonly func: number;
  readonly pcr: number;
  readonly template: string;
  readonly allowedAlgos: number;
  readonly mustAppraise: boolean;
}

/** Has everything been done that the policy asks for, and nothing changed since? The hot path. */
function isDone(iint: Iint, action: number, pcr: number, verdict: number): boolean {
  if ((iint.atomic & (IMA_CHANGE_ATTR | IMA_CHANGE_XATTR)) !== 0 || (iint.flags & action) !== action) return false;
  if ((action & IMA_MEASURE) !== 0 && !iint.isMeasured(pcr)) return false;
  if ((action & IMA_APPRAISE) !== 0 && (iint.appraise & iint.appraised & (1 << verdict)) === 0) return false;
  // The done bit of an order is the one above it.
  return (((action & (IMA_AUDIT | IMA_HASH)) << 1) & ~iint.flags) === 0;
}

/** The verdict of before; what is mapped for execution must still have no other writer. */
function cachedVerdict(g: Integrity, file: OpenFile, iint: Iint, func: number, verdict: number): number {
  const rc = mmapFunc(func) ? mmapViolation(g, func, file, g.path(file)) : 0;
  return rc !== 0 ? rc : iint.status[verdict];
}

/** 0, or EACCES: from the outcome, by the mode and by what the file is opened for. */
function conclude(
  g: Integrity,
  file: OpenFile,
  iint: Iint,
  mask: number,
  mustAppraise: boolean,
  outcome: number,
): number {
  let rc = outcome;
  // Whatever the label says: what is signed is not written to.
  if ((mask & MAY_WRITE) !== 0 && (iint.atomic & IMA_DIGSIG) !== 0 && (iint.flags & IMA_NEW_FILE) === 0) rc = -EACCES;
  if (!mustAppraise) return 0;
  if (rc !== 0 && (g.state.appraise & IMA_APPRAISE_ENFORCE) !== 0) return EACCES;
  if ((file.mode & FMODE_WRITE) !== 0) iint.atomic |= IMA_UPDATE_XATTR;
  return 0;
}

/**
 * 0, or EACCES if the file is appraised, not good, and the mode is enforce.
 * @param mask `MAY_*`: what is wanted
 * @param func `IMA_FUNC_*`
 * @param buf content that the kernel has read already
 * @param cred who, if not the running task (execve: the credentials to come)
 */
export function processMeasurement(
  g: Integrity,
  file: OpenFile,
  mask: number,
  func: number,
  buf: Uint8Array | null = null,
  cred?: Cred,
): number {
  const { state } = g;
  const { inode } = file;
  if (state.policyFlag === 0 || (inode.mode & S_IFMT) !== S_IFREG) return 0;
  const match = getAction(g, inode, mask, func, null, cred);
  const { action } = match;
  if ((state.policyFlag & IMA_MEASURE) !== 0 && (func === IMA_FUNC_FILE_CHECK || mmapFunc(func)))
    violationCheck(g, file, (action & IMA_MEASURE) !== 0);
  if (action === 0) return 0;
  const iint = g.iintGet(inode);
  const mustAppraise = (action & IMA_APPRAISE) !== 0;
  const judged = mustAppraise ? match.appraiseFunc : func;
  const verdict = verdictOf(judged);
  const pcr = match.pcr < 0 ? g.o.profile.pcr : match.pcr;
  if (isDone(iint, action, pcr, verdict)) {
    const outcome = mustAppraise ? cachedVerdict(g, file, iint, judged, verdict) : 0;
    return conclude(g, file, iint, mask, mustAppraise, outcome);
  }
  const { template, allowedAlgos } = match;
  const outcome = judge(g, file, iint, action, { func: judged, pcr, template, allowedAlgos, mustAppraise }, buf);
  return conclude(g, file, iint, mask, mustAppraise, outcome);
}

/** Does what is still to do, or gives the verdict of before. */
function judge(g: Integrity, file: OpenFile, iint: Iint, action: number, m: Plan, buf: Uint8Array | null): number {
  const verdict = verdictOf(m.func);
  if (iint.testAndClear(IMA_CHANGE_ATTR)) {
    iint.flags &= ~(IMA_APPRAISE | IMA_APPRAISED | IMA_NONACTION_FLAGS);
    iint.appraise = 0;
    iint.appraised = 0;
  }
  if (iint.testAndClear(IMA_CHANGE_XATTR)) iint.reset();
  const w = workLeft(iint, action & (IMA_DO_MASK | IMA_NONACTION_FLAGS), m.pcr, verdict);
  hashAction(iint, file.inode, w);
  if (w.action !== 0 || w.appraise) return carryOut(g, file, iint, w, m, buf);
  return m.mustAppraise ? cachedVerdict(g, file, iint, m.func, verdict) : 0;
}
