/**
 * policyLoad: rules coming in: from boot parameters, and line by line from the policy file (`ima_parse_add_rule`, `ima_update_policy`).
 *
 * Rules of a session wait in `tempRules`. At close they take the builtin policy's place, or join the administrator's earlier ones, all of
 * them or none.
 */
import { EACCES, EINVAL, type OpenFile } from "@kernelkit/core";
import {
  IMA_APPRAISE,
  IMA_DO_MASK,
  IMA_FUNC_FIRMWARE_CHECK,
  IMA_FUNC_KEXEC_KERNEL_CHECK,
  IMA_FUNC_MODULE_CHECK,
  IMA_FUNC_POLICY_CHECK,
  IMA_FUNC_SETXATTR_CHECK,
  MAY_READ,
} from "../abi/imaPolicy.js";
import { AUDIT_INTEGRITY_POLICY_RULE, AUDIT_INTEGRITY_STATUS, integrityAudit } from "../audit.js";
import type { Integrity } from "../integrityCore.js";
import { lookupTemplate, templateNames } from "../list/template.js";
import { isBlankRule, type PolicyEnv, parseRule } from "../policy/parseRule.js";
import type { ImaRule } from "../policy/rule.js";
import { processQueuedKeys } from "./buffer.js";
import { IMA_APPRAISE_FIRMWARE, IMA_APPRAISE_KEXEC, IMA_APPRAISE_MODULES, IMA_APPRAISE_POLICY } from "./imaState.js";
import { processMeasurement } from "./processMeasurement.js";

/** What one write may bring: a page, without the NUL. */
const PAGE_SIZE = 4096;

/** The template of a name, or of a format that belongs to one. */
function ruleTemplate(g: Integrity, name: string): string | null {
  if (templateNames.includes(name)) return name;
  for (const n of templateNames) if (lookupTemplate(n)?.fields.join("|") === name) return n;
  return name === g.state.customFormat && name !== "" ? name : null;
}

function env(g: Integrity): PolicyEnv {
  const { profile } = g.o;
  return {
    dialect: profile.dialect,
    lookupTemplate: (name) => ruleTemplate(g, name),
    hasHash: (algo) => algo < profile.hashAlgoLast && g.hashes.has(algo),
    lsmRule: () => false,
    lsmStrict: !g.state.customActive,
  };
}

/** IMA_APPRAISE_MODULES... of an appraise rule's hook. */
function appraiseFlag(func: number): number {
  switch (func) {
    case IMA_FUNC_MODULE_CHECK:
      return IMA_APPRAISE_MODULES;
    case IMA_FUNC_FIRMWARE_CHECK:
      return IMA_APPRAISE_FIRMWARE;
    case IMA_FUNC_POLICY_CHECK:
      return IMA_APPRAISE_POLICY;
    case IMA_FUNC_KEXEC_KERNEL_CHECK:
      return IMA_APPRAISE_KEXEC;
    default:
      return 0;
  }
}

/** What the rules in force ask for at all. */
export function updatePolicyFlags(g: Integrity): void {
  const { state } = g;
  let flag = 0;
  state.setxattrAlgos = 0;
  for (const r of state.customActive ? state.customRules : state.defaultRules) {
    if (r.func === IMA_FUNC_SETXATTR_CHECK) {
      // The first such rule counts; it asks for nothing else.
      if (state.setxattrAlgos === 0) state.setxattrAlgos = r.allowedAlgos;
      continue;
    }
    flag |= r.action & IMA_DO_MASK;
    if (r.action === IMA_APPRAISE) state.appraise |= state.appraise === 0 ? 0 : appraiseFlag(r.func);
  }
  state.policyFlag = state.appraise === 0 ? flag & ~IMA_APPRAISE : flag;
}

/** A builtin rule. */
export function builtinRule(g: Integrity, line: string): ImaRule {
  const { rule } = parseRule(line, { ...env(g), lookupTemplate: () => null });
  if (rule === null) throw new RangeError(`builtin rule '${line}' does not parse`);
  return rule;
}

/** One line into the session's rules: its length with the newline, or -errno (EINVAL, ERANGE). */
export function parseAddRule(g: Integrity, text: string): number {
  const nl = text.indexOf("\n");
  const line = nl < 0 ? text : text.slice(0, nl);
  if (isBlankRule(line)) return line.length + 1;
  const r = parseRule(line, env(g));
  g.k.audit(AUDIT_INTEGRITY_POLICY_RULE, r.audit);
  if (r.rule === null) {
    const m = { op: "update_policy", cause: "invalid-policy", result: r.errno };
    integrityAudit(g, AUDIT_INTEGRITY_STATUS, m);
    return r.errno;
  }
  g.state.tempRules.push(r.rule);
  return line.length + 1;
}

/** The lines of a policy file, which must end in a newline. 0 or -errno. */
export function parseRules(g: Integrity, text: string): number {
  let size = text.length;
  let at = 0;
  while (size > 0 && at <= text.length) {
    const n = parseAddRule(g, text.slice(at));
    if (n < 0) return n;
    size -= n;
    at += n;
  }
  return size === 0 ? 0 : -EINVAL;
}

/**
 * A policy by path: the file is a POLICY_CHECK event before its rules count for anything. 0 or -errno.
 * @param open opens the path for reading as the writing task: the file, or -errno
 */
export function readPolicy(g: Integrity, path: string, open: (path: string) => OpenFile | number): number {
  const file = open(path);
  if (typeof file === "number") {
    g.k.log(3, `ima: Unable to open file: ${path} (${file})`);
    return file;
  }
  const { inode } = file;
  const bytes = g.contents(inode);
  if (bytes.length === 0) return -EINVAL;
  const e = processMeasurement(g, file, MAY_READ, IMA_FUNC_POLICY_CHECK, bytes);
  if (e !== 0) return -e;
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return parseRules(g, text.split("\0")[0]);
}

/**
 * One write to the policy file: how many bytes it took, or -errno. Only the first line counts; a path (from `/` on) loads that file.
 * A failure spoils the session.
 */
export function writePolicy(
  g: Integrity,
  data: Uint8Array,
  pos: number,
  open: (path: string) => OpenFile | number,
): number {
  const { state } = g;
  const n = Math.min(data.length, PAGE_SIZE - 1);
  let text = "";
  for (let i = 0; i < n && data[i] !== 0; i++) text += String.fromCharCode(data[i]);
  let rc: number;
  if (pos !== 0) {
    rc = -EINVAL;
  } else if (text.startsWith("/")) {
    rc = readPolicy(g, text.split("\n")[0], open);
    if (rc === 0) rc = text.length;
  } else if ((state.appraise & IMA_APPRAISE_POLICY) !== 0) {
    g.k.log(3, "ima: signed policy file (specified as an absolute pathname) required");
    integrityAudit(g, AUDIT_INTEGRITY_STATUS, { op: "policy_update", cause: "signed policy required", result: 1 });
    rc = -EACCES;
  } else {
    rc = parseAddRule(g, text);
  }
  if (rc < 0) state.policyValid = false;
  return rc;
}

/** The session's end. True if its rules are in force now. */
export function releasePolicy(g: Integrity): boolean {
  const { state } = g;
  const good = state.policyValid && state.tempRules.length > 0;
  const cause = good ? "completed" : "failed";
  g.k.log(6, `ima: policy update ${cause}`);
  integrityAudit(g, AUDIT_INTEGRITY_STATUS, { op: "policy_update", cause, result: good ? 0 : 1 });
  const rules = state.tempRules;
  state.tempRules = [];
  state.policyValid = true;
  state.policyBusy = false;
  if (!good) return false;
  state.customRules.push(...rules);
  state.customActive = true;
  updatePolicyFlags(g);
  processQueuedKeys(g);
  return true;
}
