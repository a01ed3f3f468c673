/**
 * iint: what integrity remembers about an inode (`struct ima_iint_cache`): its digest, which actions are done, and the verdicts.
 *
 * Made at the first rule that matches, kept with the inode, forgotten with it: hard links and renames never measure again. Plain data.
 */

import {
  IMA_APPRAISE,
  IMA_AUDIT,
  IMA_FUNC_BPRM_CHECK,
  IMA_FUNC_CREDS_CHECK,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_MMAP_CHECK,
  IMA_FUNC_MMAP_CHECK_REQPROT,
  IMA_FUNC_POST_SETATTR,
  IMA_HASH,
  IMA_MEASURE,
} from "../abi/imaPolicy.js";
import { INTEGRITY_UNKNOWN } from "../abi/integrityStatus.js";

/** Bit of "done" for each order bit: the refusal bits of the policy have no use here. */
export const IMA_MEASURED: number = IMA_MEASURE << 1;
export const IMA_APPRAISED: number = IMA_APPRAISE << 1;
export const IMA_AUDITED: number = IMA_AUDIT << 1;
export const IMA_HASHED: number = IMA_HASH << 1;
/** `digest` is that of the content at `version`. */
export const IMA_COLLECTED = 0x100;
/** Made by the open that is still writing it: no label is expected yet. */
export const IMA_NEW_FILE = 0x200;
/** Everything that a change of the file undoes. */
export const IMA_DONE_MASK: number = IMA_MEASURED | IMA_APPRAISED | IMA_AUDITED | IMA_HASHED | IMA_COLLECTED;

/** `atomic` bits. The label changed: judge anew. */
export const IMA_CHANGE_XATTR = 1;
/** The last writer's close writes the label. */
export const IMA_UPDATE_XATTR = 2;
/** Owner or mode changed: the policy may say something else. */
export const IMA_CHANGE_ATTR = 4;
/** Labelled with a signature: immutable. */
export const IMA_DIGSIG = 8;
/** Measured for reading: a writer makes a violation (6.15: one). */
export const IMA_MUST_MEASURE = 16;
/** A violation for reading beside writers was recorded, until the last of them closes. */
export const IMA_EMITTED_OPENWRITERS = 32;

/** Which of the five verdicts a hook uses. */
export const VERDICT_FILE = 0;
export const VERDICT_MMAP = 1;
export const VERDICT_BPRM = 2;
export const VERDICT_READ = 3;
export const VERDICT_CREDS = 4;

/** Verdict index of a hook. */
export function verdictOf(func: number): number {
  switch (func) {
    case IMA_FUNC_FILE_CHECK:
    case IMA_FUNC_POST_SETATTR:
      return VERDICT_FILE;
    case IMA_FUNC_MMAP_CHECK:
    case IMA_FUNC_MMAP_CHECK_REQPROT:
      return VERDICT_MMAP;
    case IMA_FUNC_BPRM_CHECK:
      return VERDICT_BPRM;
    case IMA_FUNC_CREDS_CHECK:
      return VERDICT_CREDS;
    default:
      return VERDICT_READ;
  }
}

export class Iint {
  /** `ImaState.epoch` when it was made. */
  epoch: number = 0;
  /** Kernel hash number of `digest`, -1 before the first collection. */
  algo: number = -1;
  digest: Uint8Array | null = null;
  /** i_version when the digest was made. */
  version: number = 0;
  /** Registers it was measured into: bits 0..31, 32..63. */
  measured0: number = 0;
  measured1: number = 0;
  /** Order and done bits, IMA_COLLECTED, IMA_NEW_FILE, IMA_DIGSIG_REQUIRED... */
  flags: number = 0;
  /** Verdicts asked for and given, a bit each. */
  appraise: number = 0;
  appraised: number = 0;
  atomic: number = 0;
  /** The five verdicts. */
  readonly status: number[] = [
    INTEGRITY_UNKNOWN,
    INTEGRITY_UNKNOWN,
    INTEGRITY_UNKNOWN,
    INTEGRITY_UNKNOWN,
    INTEGRITY_UNKNOWN,
  ];
  /** EVM's cached verdict: only a pass is kept. */
  evmStatus: number = INTEGRITY_UNKNOWN;
  /** security.evm is a portable signature: never replaced. */
  evmImmutable: boolean = false;

  isMeasured(pcr: number): boolean {
    return ((pcr < 32 ? this.measured0 >>> pcr : this.measured1 >>> (pcr - 32)) & 1) === 1;
  }

  setMeasured(pcr: number): void {
    if (pcr < 32) this.measured0 |= 1 << pcr;
    else this.measured1 |= 1 << (pcr - 32);
  }

  /** The file or its label changed: nothing holds any more. */
  reset(): void {
    this.flags &= ~IMA_DONE_MASK;
    this.appraised = 0;
    this.measured0 = 0;
    this.measured1 = 0;
  }

  /** Clears an atomic bit and says whether it was set. */
  testAndClear(bit: number): boolean {
    const was = (this.atomic & bit) !== 0;
    this.atomic &= ~bit;
    return was;
  }
}
