/**
 * parseRule: a line of the IMA policy language into a rule, with the kernel's answers for what is wrong.
 *
 *     const r = parseRule("measure func=FILE_CHECK mask=^MAY_READ uid=0", env);
 *     r.errno                     // 0, or -EINVAL / -ERANGE
 *     r.audit                     // "action=measure func=FILE_CHECK mask=^MAY_READ uid=0 res=1", the body of audit record 1807
 *
 * Words are separated by blanks or tabs and come in any order, but for `template=` (after `measure`) and `appraise_type=sigv3` (after
 * `digest_type=verity`). Kernel document ABI/testing/ima_policy; the corners as observed on 6.1.
 */
import { EINVAL, ERANGE } from "@kernelkit/core";
import { hashAlgoByName } from "../abi/hashAlgo.js";
import {
  IMA_APPRAISE,
  IMA_CHECK_BLACKLIST,
  IMA_DIGSIG_REQUIRED,
  IMA_DONT_MEASURE,
  IMA_FUNC_CRITICAL_DATA,
  IMA_FUNC_KEXEC_CMDLINE,
  IMA_FUNC_KEXEC_INITRAMFS_CHECK,
  IMA_FUNC_KEXEC_KERNEL_CHECK,
  IMA_FUNC_KEY_CHECK,
  IMA_FUNC_MODULE_CHECK,
  IMA_FUNC_SETXATTR_CHECK,
  IMA_MEASURE,
  IMA_MODSIG_ALLOWED,
  IMA_PERMIT_DIRECTIO,
  IMA_VERITY_REQUIRED,
  imaActionName,
  imaFuncByName,
  imaMaskName,
  RULE_EGID,
  RULE_EUID,
  RULE_FGROUP,
  RULE_FOWNER,
  RULE_FS_SUBTYPE,
  RULE_FSMAGIC,
  RULE_FSNAME,
  RULE_FSUUID,
  RULE_FUNC,
  RULE_GID,
  RULE_INMASK,
  RULE_KEYRINGS,
  RULE_LABEL,
  RULE_LSM,
  RULE_MASK,
  RULE_PCR,
  RULE_UID,
  RULE_VALIDATE_ALGOS,
} from "../abi/imaPolicy.js";
import { IMA_MAX_PCR } from "../list/entry.js";
import { type IdOp, ImaRule, type PolicyDialect } from "./rule.js";

export interface PolicyEnv {
  readonly dialect: PolicyDialect;
  /** The template of a name or of a known template's format; null if there is none. */
  readonly lookupTemplate: (name: string) => string | null;
  /** Whether the kernel can compute a hash: appraise_algos= names no other. */
  readonly hasHash: (algo: number) => boolean;
  /** Whether a security module understands an obj_ or subj_ condition. */
  readonly lsmRule: (word: string, value: string) => boolean;
  /** Unknown security labels are an error only until a policy of the administrator's is in force. */
  readonly lsmStrict: boolean;
}

export interface ParsedRule {
  /** 0 or -errno. */
  readonly errno: number;
  /** Null if errno is not 0. */
  readonly rule: ImaRule | null;
  /** Body of the audit record AUDIT_INTEGRITY_POLICY_RULE. */
  readonly audit: string;
}

const UINT_MAX = 0xffffffff;

/** kstrtoul: digits of the base with an optional plus; null for other text, NaN above 2^64-1. */
function strtoul(text: string, base: 10 | 16): number | null {
  const t = base === 16 ? text.replace(/^(\+?)0[xX](?=[0-9a-fA-F])/, "$1") : text;
  if (!(base === 16 ? /^\+?[0-9a-fA-F]+$/ : /^\+?[0-9]+$/).test(t)) return null;
  const digits = t.replace("+", "");
  const v = base === 16 ? BigInt(`0x${digits}`) : BigInt(digits);
  return v > 0xffffffffffffffffn ? Number.NaN : Number(v);
}

/** The state of one parse; each method handles a kind of word and returns 0 or -errno. */
class RuleParser {
  readonly rule: ImaRule = new ImaRule();
  readonly env: PolicyEnv;
  audit: string = "";

  constructor(env: PolicyEnv) {
    this.env = env;
  }

  private log(key: string, value: string, op: string = "="): void {
    this.audit += `${key}${op}${value} `;
  }

  word(p: string): number {
    const bit = imaActionName.indexOf(p);
    if (bit >= 0 && (p !== "dont_audit" || this.env.dialect.dontAudit)) return this.action(1 << bit, p);
    if (p === "permit_directio") {
      this.rule.flags |= IMA_PERMIT_DIRECTIO;
      return 0;
    }
    // A word's value has at least one character: "func=" is an unknown word.
    const m = /^([a-z_]+)([=<>])(.+)$/s.exec(p);
    const rc = m === null ? null : this.condition(m[1], m[2] as IdOp, m[3]);
    if (rc !== null) return rc;
    this.log("UNKNOWN", p);
    return -EINVAL;
  }

  private action(action: number, name: string): number {
    this.log("action", name);
    if (this.rule.action !== 0) return -EINVAL;
    this.rule.action = action;
    return 0;
  }

  /** Null if there is no such word. */
  private condition(key: string, op: IdOp, value: string): number | null {
    if (key === "uid" || key === "euid" || key === "gid" || key === "egid" || key === "fowner" || key === "fgroup") {
      return this.id(key, op, value);
    }
    if (op !== "=") return null;
    switch (key) {
      case "func":
        return this.func(value);
      case "mask":
        return this.mask(value);
      case "fsmagic":
        return this.fsmagic(value);
      case "fsname":
        this.log(key, value);
        this.rule.fsname = value;
        this.rule.flags |= RULE_FSNAME;
        return 0;
      case "fs_subtype":
        return this.fsSubtype(value);
      case "fsuuid":
        return this.fsuuid(value);
      case "keyrings":
        return this.list(key, this.rule.keyrings, value, RULE_KEYRINGS);
      case "label":
        return this.list(key, this.rule.label, value, RULE_LABEL);
      case "pcr":
        return this.pcr(value);
      case "template":
        return this.template(value);
      case "digest_type":
        return this.digestType(value);
      case "appraise_type":
        return this.appraiseType(value);
      case "appraise_flag":
        this.log(key, value);
        if (!this.env.dialect.modsig || !value.includes("blacklist")) return -EINVAL;
        this.rule.flags |= IMA_CHECK_BLACKLIST;
        return 0;
      case "appraise_algos":
        return this.appraiseAlgos(value);
      default:
        return /^(obj|subj)_(user|role|type)$/.test(key) ? this.lsm(key, value) : null;
    }
  }

  private func(value: string): number {
    this.log("func", value);
    if (this.rule.func !== 0) return -EINVAL;
    this.rule.func = imaFuncByName(value, this.env.dialect.reqprot);
    if (this.rule.func === 0) return -EINVAL;
    this.rule.flags |= RULE_FUNC;
    return 0;
  }

  private mask(value: string): number {
    this.log("mask", value);
    if (this.rule.mask !== 0) return -EINVAL;
    const among = value.startsWith("^");
    const bit = imaMaskName.indexOf(among ? value.slice(1) : value);
    if (bit < 0) return -EINVAL;
    this.rule.mask = 1 << bit;
    this.rule.flags |= among ? RULE_INMASK : RULE_MASK;
    return 0;
  }

  private fsmagic(value: string): number {
    this.log("fsmagic", value);
    // A magic of 0 does not count as set, so it may be followed by another.
    if (this.rule.fsmagic !== 0) return -EINVAL;
    const v = strtoul(value, 16);
    if (v === null) return -EINVAL;
    if (Number.isNaN(v)) return -ERANGE;
    this.rule.fsmagic = v;
    this.rule.flags |= RULE_FSMAGIC;
    return 0;
  }

  private fsSubtype(value: string): number | null {
    if (!this.env.dialect.fsSubtype) return null;
    this.log("fs_subtype", value);
    if (this.rule.fsSubtype !== "") return -EINVAL;
    this.rule.fsSubtype = value;
    this.rule.flags |= RULE_FS_SUBTYPE;
    return 0;
  }

  private fsuuid(value: string): number {
    this.log("fsuuid", value);
    // The nil UUID does not count as set.
    if (this.rule.fsuuid !== "" && /[1-9a-f]/.test(this.rule.fsuuid)) return -EINVAL;
    if (!/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/.test(value)) return -EINVAL;
    this.rule.fsuuid = value.slice(0, 36).toLowerCase();
    this.rule.flags |= RULE_FSUUID;
    return 0;
  }

  private id(key: string, op: IdOp, value: string): number {
    this.log(key, value, op);
    const r = this.rule;
    const user = key === "uid" || key === "euid";
    const group = key === "gid" || key === "egid";
    // uid= and euid= share their place, and so do gid= and egid=: one of each pair, once.
    const old = user ? r.uid : group ? r.gid : key === "fowner" ? r.fowner : r.fgroup;
    // The comparison is noted even if the number turns out to be bad; the rule is then dropped as a whole.
    if (old !== -1) return -EINVAL;
    const v = strtoul(value, 10);
    if (v === null || Number.isNaN(v)) return v === null ? -EINVAL : -ERANGE;
    if (v >= UINT_MAX) return -EINVAL;
    if (user) {
      r.uid = v;
      r.uidOp = op;
      r.flags |= key === "uid" ? RULE_UID : RULE_EUID;
    } else if (group) {
      r.gid = v;
      r.gidOp = op;
      r.flags |= key === "gid" ? RULE_GID : RULE_EGID;
    } else if (key === "fowner") {
      r.fowner = v;
      r.fownerOp = op;
      r.flags |= RULE_FOWNER;
    } else {
      r.fgroup = v;
      r.fgroupOp = op;
      r.flags |= RULE_FGROUP;
    }
    return 0;
  }

  private list(key: string, into: string[], value: string, flag: number): number {
    this.log(key, value);
    if (into.length > 0) return -EINVAL;
    const items = value.split("|");
    if (items.includes("")) return -EINVAL;
    into.push(...items);
    this.rule.flags |= flag;
    return 0;
  }

  private pcr(value: string): number {
    this.log("pcr", value);
    const v = strtoul(value, 10);
    if (v === null || !(v < IMA_MAX_PCR)) return -EINVAL;
    this.rule.pcr = v;
    this.rule.flags |= RULE_PCR;
    return 0;
  }

  private template(value: string): number {
    this.log("template", value);
    if (this.rule.action !== IMA_MEASURE || this.rule.template !== "") return -EINVAL;
    const name = this.env.lookupTemplate(value);
    if (name === null) return -EINVAL;
    this.rule.template = name;
    return 0;
  }

  private digestType(value: string): number {
    this.log("digest_type", value);
    if ((this.rule.flags & IMA_DIGSIG_REQUIRED) !== 0 || value !== "verity") return -EINVAL;
    this.rule.flags |= IMA_VERITY_REQUIRED;
    return 0;
  }

  private appraiseType(value: string): number {
    this.log("appraise_type", value);
    const verity = (this.rule.flags & IMA_VERITY_REQUIRED) !== 0;
    if ((value === "imasig" && !verity) || (value === "sigv3" && verity)) {
      this.rule.flags |= IMA_DIGSIG_REQUIRED | IMA_CHECK_BLACKLIST;
      return 0;
    }
    if (value === "imasig|modsig" && this.env.dialect.modsig && !verity) {
      this.rule.flags |= IMA_DIGSIG_REQUIRED | IMA_MODSIG_ALLOWED | IMA_CHECK_BLACKLIST;
      return 0;
    }
    return -EINVAL;
  }

  private appraiseAlgos(value: string): number {
    this.log("appraise_algos", value);
    if (this.rule.allowedAlgos !== 0) return -EINVAL;
    let allowed = 0;
    for (const name of value.split(",")) {
      const algo = hashAlgoByName(name);
      if (algo < 0 || !this.env.hasHash(algo)) return -EINVAL;
      allowed |= 1 << algo;
    }
    this.rule.allowedAlgos = allowed;
    this.rule.flags |= RULE_VALIDATE_ALGOS;
    return 0;
  }

  private lsm(key: string, value: string): number {
    this.log(key, value);
    const word = `${key}=`;
    if (this.rule.lsm.some((c) => c.startsWith(word))) return -EINVAL;
    if (!this.env.lsmRule(key, value) && this.env.lsmStrict) return -EINVAL;
    this.rule.lsm.push(word + value);
    this.rule.flags |= RULE_LSM;
    return 0;
  }
}

const CONDITIONS =
  RULE_FUNC |
  RULE_FSMAGIC |
  RULE_FSNAME |
  RULE_FS_SUBTYPE |
  RULE_PCR |
  RULE_FSUUID |
  RULE_UID |
  RULE_EUID |
  RULE_GID |
  RULE_EGID |
  RULE_FOWNER |
  RULE_FGROUP |
  RULE_LSM;
const FILE_OPTIONS =
  CONDITIONS |
  RULE_MASK |
  RULE_INMASK |
  RULE_VALIDATE_ALGOS |
  IMA_DIGSIG_REQUIRED |
  IMA_PERMIT_DIRECTIO |
  IMA_CHECK_BLACKLIST;
const DATA_OPTIONS = RULE_FUNC | RULE_UID | RULE_GID | RULE_PCR;
const APPRAISE_ONLY = IMA_DIGSIG_REQUIRED | IMA_MODSIG_ALLOWED | IMA_CHECK_BLACKLIST | RULE_VALIDATE_ALGOS;

/** The conditions and options a hook allows. */
function allowedFlags(func: number): number {
  switch (func) {
    case IMA_FUNC_MODULE_CHECK:
    case IMA_FUNC_KEXEC_KERNEL_CHECK:
    case IMA_FUNC_KEXEC_INITRAMFS_CHECK:
      return FILE_OPTIONS | IMA_MODSIG_ALLOWED;
    case IMA_FUNC_KEXEC_CMDLINE:
      return CONDITIONS;
    case IMA_FUNC_KEY_CHECK:
      return DATA_OPTIONS | RULE_KEYRINGS;
    case IMA_FUNC_CRITICAL_DATA:
      return DATA_OPTIONS | RULE_LABEL;
    case IMA_FUNC_SETXATTR_CHECK:
      return RULE_FUNC | RULE_VALIDATE_ALGOS;
    default:
      return FILE_OPTIONS | IMA_VERITY_REQUIRED;
  }
}

/** Do action, hook, conditions and options fit together? */
function validRule(r: ImaRule): boolean {
  if (r.action === 0) return false;
  if (r.action !== IMA_MEASURE && (r.flags & RULE_PCR) !== 0) return false;
  if (r.action !== IMA_APPRAISE && (r.flags & APPRAISE_ONLY) !== 0) return false;
  if ((r.flags & ~allowedFlags(r.func)) !== 0) return false;
  switch (r.func) {
    case IMA_FUNC_KEXEC_CMDLINE:
    case IMA_FUNC_KEY_CHECK:
    case IMA_FUNC_CRITICAL_DATA:
      if ((r.action & (IMA_MEASURE | IMA_DONT_MEASURE)) === 0) return false;
      break;
    case IMA_FUNC_SETXATTR_CHECK:
      if (r.action !== IMA_APPRAISE || (r.flags & RULE_VALIDATE_ALGOS) === 0) return false;
      break;
    default:
  }
  const signed = (r.flags & IMA_DIGSIG_REQUIRED) !== 0;
  if ((r.flags & IMA_CHECK_BLACKLIST) !== 0 && !signed) return false;
  return r.action !== IMA_APPRAISE || (r.flags & IMA_VERITY_REQUIRED) === 0 || signed;
}

/** One rule without its line end. Comments and empty lines are the caller's (`isBlankRule`). */
export function parseRule(line: string, env: PolicyEnv): ParsedRule {
  const p = new RuleParser(env);
  let errno = 0;
  for (const w of line.split(/[ \t]/)) {
    if (w === "") continue;
    if (env.dialect.suffixComment && w.startsWith("#")) break;
    errno = p.word(w);
    if (errno !== 0) break;
  }
  if (errno === 0 && !validRule(p.rule)) errno = -EINVAL;
  return { errno, rule: errno === 0 ? p.rule : null, audit: `${p.audit}res=${errno === 0 ? 1 : 0}` };
}

/** True for a line that is no rule: empty, blanks only, or a comment. */
export function isBlankRule(line: string): boolean {
  return /^[ \t]*(#|$)/.test(line);
}
