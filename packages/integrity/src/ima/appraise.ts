/**
 * appraise: is this the file its label vouches for? (`ima_appraise_measurement`). EVM is asked first, then the label is compared.
 */
import {
  EINVAL,
  ENODATA,
  ENOKEY,
  EOPNOTSUPP,
  FMODE_CREATED,
  type Inode,
  MS_RDONLY,
  type OpenFile,
  S_IMMUTABLE,
} from "@kernelkit/core";
import { hashDigestSize } from "../abi/hashAlgo.js";
import {
  IMA_APPRAISE,
  IMA_DIGSIG_REQUIRED,
  IMA_FUNC_KEXEC_KERNEL_CHECK,
  IMA_VERITY_REQUIRED,
} from "../abi/imaPolicy.js";
import {
  INTEGRITY_FAIL,
  INTEGRITY_FAIL_IMMUTABLE,
  INTEGRITY_NOLABEL,
  INTEGRITY_NOXATTRS,
  INTEGRITY_PASS,
  INTEGRITY_PASS_IMMUTABLE,
  INTEGRITY_UNKNOWN,
} from "../abi/integrityStatus.js";
import {
  EVM_IMA_XATTR_DIGSIG,
  IMA_VERITY_DIGSIG,
  IMA_XATTR_DIGEST,
  IMA_XATTR_DIGEST_NG,
  XATTR_NAME_IMA,
} from "../abi/xattr.js";
import { AUDIT_INTEGRITY_DATA, integrityAudit } from "../audit.js";
import { integrityDigsigVerify } from "../digsig/digsigVerify.js";
import { evmVerifyxattr } from "../evm/evmVerifyxattr.js";
import type { Integrity } from "../integrityCore.js";
import { keyring, reportUnknownKey } from "../keyrings.js";
import { setSecurityXattr } from "../securityXattr.js";
import { type Iint, IMA_APPRAISED, IMA_DIGSIG, IMA_NEW_FILE, verdictOf } from "./iint.js";
import { IMA_APPRAISE_FIX } from "./imaState.js";
import { digestXattr } from "./imaXattr.js";

/** A verdict with its cause, and the number whose being zero the audit record shows as res=1. */
interface Verdict {
  status: number;
  cause: string;
  rc: number;
}

function required(iint: Iint): string {
  return (iint.flags & IMA_VERITY_REQUIRED) !== 0 ? "verity-signature-required" : "IMA-signature-required";
}

function verifyDigest(iint: Iint, xattr: Uint8Array, start: number, v: Verdict): void {
  if (v.status !== INTEGRITY_PASS_IMMUTABLE) {
    if ((iint.flags & IMA_DIGSIG_REQUIRED) !== 0) {
      v.cause = required(iint);
      v.status = INTEGRITY_FAIL;
      v.rc = -EINVAL;
      return;
    }
    iint.atomic &= ~IMA_DIGSIG;
  } else {
    iint.atomic |= IMA_DIGSIG;
  }
  // A label may be longer than its digest: MD5 used to be stored in SHA-1's room.
  const digest = iint.digest ?? new Uint8Array(0);
  let same = xattr.length - start >= digest.length;
  for (let i = 0; same && i < digest.length; i++) same = xattr[start + i] === digest[i];
  if (same) {
    v.status = INTEGRITY_PASS;
    v.rc = 0;
  } else {
    v.cause = "invalid-hash";
    v.status = INTEGRITY_FAIL;
    v.rc = -EINVAL;
  }
}

function verifySignature(g: Integrity, func: number, iint: Iint, xattr: Uint8Array, v: Verdict): void {
  iint.atomic |= IMA_DIGSIG;
  const both = IMA_DIGSIG_REQUIRED | IMA_VERITY_REQUIRED;
  v.status = INTEGRITY_FAIL;
  v.rc = -EINVAL;
  if ((iint.flags & both) === both) {
    v.cause = "verity-signature-required";
    return;
  }
  if (xattr.length > 1 && xattr[1] >= 3) {
    v.cause = "invalid-signature-version";
    return;
  }
  const digest = iint.digest ?? new Uint8Array(0);
  v.rc = integrityDigsigVerify(keyring(g, "ima"), xattr, digest, g.crypto);
  if (v.rc === -ENOKEY) reportUnknownKey(g, "ima", xattr);
  if (v.rc === -EOPNOTSUPP) {
    v.status = INTEGRITY_UNKNOWN;
    return;
  }
  if (v.rc !== 0 && func === IMA_FUNC_KEXEC_KERNEL_CHECK) {
    v.rc = integrityDigsigVerify(keyring(g, "platform"), xattr, digest, g.crypto);
  }
  if (v.rc === 0) v.status = INTEGRITY_PASS;
  else v.cause = "invalid-signature";
}

/** Compares the label with the digest. */
function xattrVerify(g: Integrity, func: number, iint: Iint, xattr: Uint8Array, v: Verdict): void {
  switch (xattr[0]) {
    case IMA_XATTR_DIGEST_NG:
      verifyDigest(iint, xattr, 2, v);
      break;
    case IMA_XATTR_DIGEST:
      verifyDigest(iint, xattr, 1, v);
      break;
    case EVM_IMA_XATTR_DIGSIG:
      verifySignature(g, func, iint, xattr, v);
      break;
    case IMA_VERITY_DIGSIG:
      // Without fs-verity no file has the digest that such a signature covers.
      iint.atomic |= IMA_DIGSIG;
      v.status = INTEGRITY_FAIL;
      v.cause = (iint.flags & IMA_VERITY_REQUIRED) !== 0 ? "invalid-verity-signature" : "IMA-signature-required";
      v.rc = -EINVAL;
      break;
    default:
      v.status = INTEGRITY_UNKNOWN;
      v.cause = "unknown-ima-data";
      v.rc = -EINVAL;
  }
}

/** A file without a label: good only if it was just made. */
function noLabel(iint: Iint, file: OpenFile): Verdict {
  const signed = (iint.flags & IMA_DIGSIG_REQUIRED) !== 0;
  if ((file.mode & FMODE_CREATED) !== 0) iint.flags |= IMA_NEW_FILE;
  const fresh = (iint.flags & IMA_NEW_FILE) !== 0 && (!signed || file.inode.size === 0);
  return {
    status: fresh ? INTEGRITY_PASS : INTEGRITY_NOLABEL,
    cause: signed ? required(iint) : "missing-hash",
    rc: -ENODATA,
  };
}

/** EVM's verdict over the label. False: that decides, with `v` filled. */
function evmAgrees(g: Integrity, iint: Iint, inode: Inode, v: Verdict): boolean {
  v.status = evmVerifyxattr(g, inode, XATTR_NAME_IMA, iint);
  switch (v.status) {
    case INTEGRITY_NOXATTRS:
    case INTEGRITY_NOLABEL:
      v.cause = "missing-HMAC";
      return false;
    case INTEGRITY_FAIL_IMMUTABLE:
      iint.atomic |= IMA_DIGSIG;
      v.cause = "invalid-fail-immutable";
      return false;
    case INTEGRITY_FAIL:
      v.cause = "invalid-HMAC";
      return false;
    default:
      return true;
  }
}

/** Can the label be written at all? */
function mayFix(inode: Inode): boolean {
  return (inode.sb.flags & MS_RDONLY) === 0 && (inode.flags & S_IMMUTABLE) === 0 && inode.sb.xattr !== null;
}

/** Writes the collected digest as the label, past all permission. */
export function imaFixXattr(g: Integrity, file: OpenFile, iint: Iint): boolean {
  const { inode } = file;
  if (iint.digest === null || iint.digest.length !== hashDigestSize[iint.algo] || !mayFix(inode)) return false;
  setSecurityXattr(g, file.dentry, XATTR_NAME_IMA, digestXattr(iint.algo, iint.digest));
  return true;
}

/**
 * The verdict over a file with a collected digest, kept with the inode, with its audit record.
 * @param func the hook whose verdict it is (FILE_CHECK for rules without func=)
 */
export function appraiseMeasurement(
  g: Integrity,
  func: number,
  iint: Iint,
  file: OpenFile,
  path: string,
  xattr: Uint8Array | null,
): number {
  const { inode } = file;
  if (inode.sb.xattr === null) return INTEGRITY_UNKNOWN;
  let v: Verdict;
  if (xattr === null || xattr.length === 0) {
    v = noLabel(iint, file);
  } else {
    v = { status: INTEGRITY_UNKNOWN, cause: "unknown", rc: xattr.length };
    if (evmAgrees(g, iint, inode, v)) xattrVerify(g, func, iint, xattr, v);
  }
  const verdict = verdictOf(func);
  if (v.status === INTEGRITY_PASS) {
    iint.flags |= IMA_APPRAISED | IMA_APPRAISE;
    iint.appraised |= 1 << verdict;
  } else {
    const fix = (g.state.appraise & IMA_APPRAISE_FIX) !== 0;
    if (fix && (xattr === null || xattr[0] !== EVM_IMA_XATTR_DIGSIG) && imaFixXattr(g, file, iint)) {
      v.status = INTEGRITY_PASS;
    }
    // A new file may have its signature before its first byte.
    if (inode.size === 0 && (iint.flags & IMA_NEW_FILE) !== 0 && (iint.atomic & IMA_DIGSIG) !== 0)
      v.status = INTEGRITY_PASS;
    const { cause, rc } = v;
    integrityAudit(g, AUDIT_INTEGRITY_DATA, { op: "appraise_data", cause, name: path, inode, result: rc });
  }
  iint.status[verdict] = v.status;
  return v.status;
}
