/**
 * imaPolicy: the words and numbers of the IMA policy language (kernel document ABI/testing/ima_policy).
 *
 * Actions come in pairs, the refusal one bit above the order, so that a match of either closes both.
 */

export const IMA_MEASURE = 0x01;
export const IMA_DONT_MEASURE = 0x02;
export const IMA_APPRAISE = 0x04;
export const IMA_DONT_APPRAISE = 0x08;
export const IMA_AUDIT = 0x10;
export const IMA_DONT_AUDIT = 0x20;
export const IMA_HASH = 0x40;
export const IMA_DONT_HASH = 0x80;
/** The orders among the actions. */
export const IMA_DO_MASK: number = IMA_MEASURE | IMA_APPRAISE | IMA_AUDIT | IMA_HASH;

/** Action word by bit number. */
export const imaActionName: readonly string[] = [
  "measure",
  "dont_measure",
  "appraise",
  "dont_appraise",
  "audit",
  "dont_audit",
  "hash",
  "dont_hash",
];

export const IMA_FUNC_NONE = 0;
export const IMA_FUNC_FILE_CHECK = 1;
export const IMA_FUNC_MMAP_CHECK = 2;
export const IMA_FUNC_MMAP_CHECK_REQPROT = 3;
export const IMA_FUNC_BPRM_CHECK = 4;
export const IMA_FUNC_CREDS_CHECK = 5;
export const IMA_FUNC_POST_SETATTR = 6;
export const IMA_FUNC_MODULE_CHECK = 7;
export const IMA_FUNC_FIRMWARE_CHECK = 8;
export const IMA_FUNC_KEXEC_KERNEL_CHECK = 9;
export const IMA_FUNC_KEXEC_INITRAMFS_CHECK = 10;
export const IMA_FUNC_POLICY_CHECK = 11;
export const IMA_FUNC_KEXEC_CMDLINE = 12;
export const IMA_FUNC_KEY_CHECK = 13;
export const IMA_FUNC_CRITICAL_DATA = 14;
export const IMA_FUNC_SETXATTR_CHECK = 15;
/** One more than the last hook number. */
export const IMA_FUNC_MAX = 16;

/** Hook name by number. */
export const imaFuncName: readonly string[] = [
  "NONE",
  "FILE_CHECK",
  "MMAP_CHECK",
  "MMAP_CHECK_REQPROT",
  "BPRM_CHECK",
  "CREDS_CHECK",
  "POST_SETATTR",
  "MODULE_CHECK",
  "FIRMWARE_CHECK",
  "KEXEC_KERNEL_CHECK",
  "KEXEC_INITRAMFS_CHECK",
  "POLICY_CHECK",
  "KEXEC_CMDLINE",
  "KEY_CHECK",
  "CRITICAL_DATA",
  "SETXATTR_CHECK",
];

/** Access wanted, as hooks pass it. */
export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;
export const MAY_APPEND = 8;

/** Mask word by bit number. */
export const imaMaskName: readonly string[] = ["MAY_EXEC", "MAY_WRITE", "MAY_READ", "MAY_APPEND"];

/** Conditions and options a rule has. The order of the bits is the order in which a rule is shown. */
export const RULE_FUNC = 0x1;
/** mask=M: exactly M. */
export const RULE_MASK = 0x2;
/** mask=^M: among others M. */
export const RULE_INMASK = 0x4;
export const RULE_FSMAGIC = 0x8;
export const RULE_FSNAME = 0x10;
export const RULE_FS_SUBTYPE = 0x20;
export const RULE_KEYRINGS = 0x40;
export const RULE_LABEL = 0x80;
export const RULE_PCR = 0x100;
export const RULE_FSUUID = 0x200;
export const RULE_UID = 0x400;
export const RULE_EUID = 0x800;
export const RULE_GID = 0x1000;
export const RULE_EGID = 0x2000;
export const RULE_FOWNER = 0x4000;
export const RULE_FGROUP = 0x8000;
export const RULE_VALIDATE_ALGOS = 0x10000;
/** obj_* and subj_* conditions. */
export const RULE_LSM = 0x20000;

/** What a matching rule hands on besides its action. */
export const IMA_DIGSIG_REQUIRED = 0x100000;
export const IMA_VERITY_REQUIRED = 0x200000;
export const IMA_MODSIG_ALLOWED = 0x400000;
export const IMA_CHECK_BLACKLIST = 0x800000;
export const IMA_PERMIT_DIRECTIO = 0x1000000;
/** From the builtin policy fail_securely: signatures on file systems that cannot vouch for them fail. */
export const IMA_FAIL_UNVERIFIABLE_SIGS = 0x2000000;
/** All of these. */
export const IMA_NONACTION_FLAGS: number =
  IMA_DIGSIG_REQUIRED | IMA_VERITY_REQUIRED | IMA_MODSIG_ALLOWED | IMA_CHECK_BLACKLIST | IMA_PERMIT_DIRECTIO;

/** Number of a hook by its name, with the two older spellings; 0 if it is none a rule may name. */
export function imaFuncByName(name: string, reqprot: boolean): number {
  if (name === "PATH_CHECK") return IMA_FUNC_FILE_CHECK;
  if (name === "FILE_MMAP") return IMA_FUNC_MMAP_CHECK;
  if (name === "NONE" || name === "POST_SETATTR") return 0;
  if (name === "MMAP_CHECK_REQPROT" && !reqprot) return 0;
  const i = imaFuncName.indexOf(name);
  return Math.max(i, 0);
}
