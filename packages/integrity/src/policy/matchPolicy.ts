/**
 * matchPolicy: which actions does a policy ask for, given what happens to which file?
 *
 *     const m = matchPolicy(rules, event, IMA_DO_MASK);
 *     m.action & IMA_MEASURE
 *
 * Pure: a function of rules and facts. The first rule that matches closes its pair of actions (measure and dont_measure...); flags of
 * matching rules add up; appraisal makes a hash rule pointless. Kernel document ABI/testing/ima_policy.
 */
import {
  IMA_APPRAISE,
  IMA_DO_MASK,
  IMA_FUNC_CRITICAL_DATA,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_KEY_CHECK,
  IMA_FUNC_POST_SETATTR,
  IMA_HASH,
  IMA_NONACTION_FLAGS,
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
  RULE_LSM,
  RULE_MASK,
  RULE_PCR,
  RULE_UID,
  RULE_VALIDATE_ALGOS,
} from "../abi/imaPolicy.js";
import type { IdOp, ImaRule } from "./rule.js";

/** What happens: a hook, by whom, to which file. Callers on a hot path reuse one object. */
export interface PolicyEvent {
  /** `IMA_FUNC_*` */
  func: number;
  /** `MAY_*` bits. */
  mask: number;
  uid: number;
  euid: number;
  suid: number;
  gid: number;
  egid: number;
  sgid: number;
  /** CAP_SETUID is effective: euid= then also looks at the real and the saved id. */
  capSetuid: boolean;
  /** The same for CAP_SETGID and egid=. */
  capSetgid: boolean;
  fowner: number;
  fgroup: number;
  fsmagic: number;
  fsname: string;
  fsSubtype: string;
  /** Lower-case UUID text, "" without one. */
  fsuuid: string;
  /** Keyring name (KEY_CHECK) or label (CRITICAL_DATA); null elsewhere. */
  data: string | null;
  /** Security label conditions; null if no security module is there. */
  lsm: ((condition: string) => boolean) | null;
}

/** An event of uid 0 on nothing in particular, to be filled in. */
export function policyEvent(over: Partial<PolicyEvent> = {}): PolicyEvent {
  return {
    func: IMA_FUNC_FILE_CHECK,
    mask: 0,
    uid: 0,
    euid: 0,
    suid: 0,
    gid: 0,
    egid: 0,
    sgid: 0,
    capSetuid: true,
    capSetgid: true,
    fowner: 0,
    fgroup: 0,
    fsmagic: 0,
    fsname: "",
    fsSubtype: "",
    fsuuid: "",
    data: null,
    lsm: null,
    ...over,
  };
}

function idMatches(id: number, op: IdOp, wanted: number): boolean {
  return op === "=" ? id === wanted : op === ">" ? id > wanted : id < wanted;
}

function ownerMatches(r: ImaRule, e: PolicyEvent): boolean {
  const f = r.flags;
  if ((f & RULE_UID) !== 0 && !idMatches(e.uid, r.uidOp, r.uid)) return false;
  if ((f & RULE_EUID) !== 0 && !idMatches(e.euid, r.uidOp, r.uid)) {
    if (!e.capSetuid) return false;
    if (!idMatches(e.suid, r.uidOp, r.uid) && !idMatches(e.uid, r.uidOp, r.uid)) return false;
  }
  if ((f & RULE_GID) !== 0 && !idMatches(e.gid, r.gidOp, r.gid)) return false;
  if ((f & RULE_EGID) !== 0 && !idMatches(e.egid, r.gidOp, r.gid)) {
    if (!e.capSetgid) return false;
    if (!idMatches(e.sgid, r.gidOp, r.gid) && !idMatches(e.gid, r.gidOp, r.gid)) return false;
  }
  if ((f & RULE_FOWNER) !== 0 && !idMatches(e.fowner, r.fownerOp, r.fowner)) return false;
  return (f & RULE_FGROUP) === 0 || idMatches(e.fgroup, r.fgroupOp, r.fgroup);
}

/** KEY_CHECK and CRITICAL_DATA look at the user and at the keyring's or label's name only. */
function dataMatches(r: ImaRule, e: PolicyEvent): boolean {
  if (r.func !== e.func) return false;
  if ((r.flags & RULE_UID) !== 0 && !idMatches(e.uid, r.uidOp, r.uid)) return false;
  const names = e.func === IMA_FUNC_KEY_CHECK ? r.keyrings : r.label;
  return names.length === 0 || (e.data !== null && names.includes(e.data));
}

const FILE_SYSTEM = RULE_FSMAGIC | RULE_FSNAME | RULE_FS_SUBTYPE | RULE_FSUUID;
const OWNER = RULE_UID | RULE_EUID | RULE_GID | RULE_EGID | RULE_FOWNER | RULE_FGROUP;

/** Does a rule's every condition hold? Its action is not looked at. */
export function ruleMatches(r: ImaRule, e: PolicyEvent): boolean {
  const f = r.flags;
  const any = e.func === IMA_FUNC_POST_SETATTR;
  if ((f & RULE_FUNC) !== 0 && r.func !== e.func && !any) return false;
  if (e.func === IMA_FUNC_KEY_CHECK || e.func === IMA_FUNC_CRITICAL_DATA) return dataMatches(r, e);
  if ((f & RULE_MASK) !== 0 && r.mask !== e.mask && !any) return false;
  if ((f & RULE_INMASK) !== 0 && (r.mask & e.mask) === 0 && !any) return false;
  if ((f & FILE_SYSTEM) !== 0) {
    if ((f & RULE_FSMAGIC) !== 0 && r.fsmagic !== e.fsmagic) return false;
    if ((f & RULE_FSNAME) !== 0 && r.fsname !== e.fsname) return false;
    if ((f & RULE_FS_SUBTYPE) !== 0 && r.fsSubtype !== e.fsSubtype) return false;
    if ((f & RULE_FSUUID) !== 0 && r.fsuuid !== e.fsuuid) return false;
  }
  if ((f & OWNER) !== 0 && !ownerMatches(r, e)) return false;
  if ((f & RULE_LSM) !== 0) for (const c of r.lsm) if (e.lsm === null || !e.lsm(c)) return false;
  return true;
}

/** What a policy says; callers on a hot path reuse one object. */
export interface PolicyMatch {
  /** `IMA_*` orders and `IMA_DIGSIG_REQUIRED`...; 0: leave the file alone. */
  action: number;
  /** pcr= of the rule, -1 for the default. */
  pcr: number;
  /** template= of the rule, "" for the default. */
  template: string;
  /** appraise_algos= as bits by hash number, 0: all. */
  allowedAlgos: number;
  /** The hook whose verdict counts: that of the appraise rule's func=, or FILE_CHECK for a rule without one. */
  appraiseFunc: number;
}

export function policyMatch(): PolicyMatch {
  return { action: 0, pcr: -1, template: "", allowedAlgos: 0, appraiseFunc: 0 };
}

/** Nothing matched yet. */
export function clearMatch(out: PolicyMatch): void {
  out.action = 0;
  out.pcr = -1;
  out.template = "";
  out.allowedAlgos = 0;
  out.appraiseFunc = 0;
}

/** Adds what a rule that matches says. */
export function mergeRule(r: ImaRule, event: PolicyEvent, out: PolicyMatch): void {
  out.action |= (r.flags & IMA_NONACTION_FLAGS) | (r.action & IMA_DO_MASK);
  if (r.action === IMA_APPRAISE) {
    out.action &= ~IMA_HASH;
    out.appraiseFunc = (r.flags & RULE_FUNC) === 0 ? IMA_FUNC_FILE_CHECK : event.func;
    if ((r.flags & RULE_VALIDATE_ALGOS) !== 0) out.allowedAlgos = r.allowedAlgos;
  }
  if ((r.flags & RULE_PCR) !== 0) out.pcr = r.pcr;
  if (r.template !== "") out.template = r.template;
}

/** The orders that are still open after a rule: its own and its opposite are not. */
export function closePair(r: ImaRule, open: number): number {
  const order = (r.action & IMA_DO_MASK) !== 0 ? r.action : r.action >> 1;
  return open & ~(order | (order << 1));
}

/**
 * Walks the rules.
 * @param orders which of IMA_MEASURE, IMA_APPRAISE, IMA_AUDIT, IMA_HASH are of interest; the others are not looked for
 * @param out filled and returned
 */
export function matchPolicy(
  rules: readonly ImaRule[],
  event: PolicyEvent,
  orders: number,
  out: PolicyMatch = policyMatch(),
): PolicyMatch {
  let open = orders | (orders << 1);
  clearMatch(out);
  for (let i = 0; i < rules.length && open !== 0; i++) {
    const r = rules[i];
    if ((r.action & open) === 0 || !ruleMatches(r, event)) continue;
    mergeRule(r, event, out);
    open = closePair(r, open);
  }
  return out;
}
