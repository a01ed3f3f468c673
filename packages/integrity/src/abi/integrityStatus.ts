/**
 * integrityStatus: the verdicts of IMA and EVM (`enum integrity_status`) and the words in which audit lines show them.
 */

export const INTEGRITY_PASS = 0;
export const INTEGRITY_PASS_IMMUTABLE = 1;
export const INTEGRITY_FAIL = 2;
export const INTEGRITY_FAIL_IMMUTABLE = 3;
export const INTEGRITY_NOLABEL = 4;
export const INTEGRITY_NOXATTRS = 5;
export const INTEGRITY_UNKNOWN = 6;

/** By number. */
export const integrityStatusName: readonly string[] = [
  "pass",
  "pass_immutable",
  "fail",
  "fail_immutable",
  "no_label",
  "no_xattrs",
  "unknown",
];
