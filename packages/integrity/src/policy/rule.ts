/**
 * rule: one rule of an IMA policy, as plain data.
 *
 * Made by `parseRule`, shown by `renderRule`, asked by `ruleMatches`. A field counts only if its bit is in `flags`.
 */

/** How an id is compared: "=" equal, ">" the task's or file's id is above, "<" below. */
export type IdOp = "=" | ">" | "<";

export class ImaRule {
  /** One `IMA_*` action bit; 0 while the rule has none. */
  action: number = 0;
  /** `RULE_*` conditions, and the options `IMA_DIGSIG_REQUIRED`... */
  flags: number = 0;
  func: number = 0;
  mask: number = 0;
  fsmagic: number = 0;
  fsname: string = "";
  fsSubtype: string = "";
  /** Lower-case UUID text. */
  fsuuid: string = "";
  /** uid= or euid=; -1 unset. */
  uid: number = -1;
  uidOp: IdOp = "=";
  /** gid= or egid=; -1 unset. */
  gid: number = -1;
  gidOp: IdOp = "=";
  fowner: number = -1;
  fownerOp: IdOp = "=";
  fgroup: number = -1;
  fgroupOp: IdOp = "=";
  pcr: number = 0;
  /** Template name, "" for the default. */
  template: string = "";
  keyrings: string[] = [];
  label: string[] = [];
  /** Bit by kernel hash number. */
  allowedAlgos: number = 0;
  /** obj_user=... conditions, "word=value". */
  lsm: string[] = [];
}

/** What the parser accepts beyond Linux 6.1: kernels differ in words, not in meaning. */
export interface PolicyDialect {
  /** MMAP_CHECK_REQPROT (6.2). */
  readonly reqprot: boolean;
  /** A blank and `#` end a rule (6.15); before, that is an unknown word. */
  readonly suffixComment: boolean;
  /** dont_audit (after 6.18). */
  readonly dontAudit: boolean;
  /** fs_subtype= (after 6.18). */
  readonly fsSubtype: boolean;
  /** Appended module signatures: appraise_type=imasig|modsig, appraise_flag=check_blacklist. Not built here. */
  readonly modsig: boolean;
}

/** As observed on Debian's 6.1. */
export const policyDialect61: PolicyDialect = {
  reqprot: false,
  suffixComment: false,
  dontAudit: false,
  fsSubtype: false,
  modsig: false,
};

/** Linux 6.18. */
export const policyDialect618: PolicyDialect = { ...policyDialect61, reqprot: true, suffixComment: true };
