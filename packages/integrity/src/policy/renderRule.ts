/**
 * renderRule: a rule as the policy file shows it (with CONFIG_IMA_READ_POLICY): every word followed by one blank.
 *
 * What is shown parses to the same rule again.
 */
import { hashAlgoName } from "../abi/hashAlgo.js";
import {
  IMA_DIGSIG_REQUIRED,
  IMA_MODSIG_ALLOWED,
  IMA_PERMIT_DIRECTIO,
  IMA_VERITY_REQUIRED,
  imaActionName,
  imaFuncName,
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
  RULE_MASK,
  RULE_PCR,
  RULE_UID,
  RULE_VALIDATE_ALGOS,
} from "../abi/imaPolicy.js";
import type { ImaRule } from "./rule.js";

/** Number of the lowest bit set. */
function bitOf(v: number): number {
  return 31 - Math.clz32(v & -v);
}

/** One line without its line end. */
export function renderRule(r: ImaRule): string {
  const has = (flag: number): boolean => (r.flags & flag) !== 0;
  const out = [imaActionName[bitOf(r.action)]];
  if (has(RULE_FUNC)) out.push(`func=${imaFuncName[r.func]}`);
  if (has(RULE_MASK)) out.push(`mask=${imaMaskName[bitOf(r.mask)]}`);
  if (has(RULE_INMASK)) out.push(`mask=^${imaMaskName[bitOf(r.mask)]}`);
  if (has(RULE_FSMAGIC)) out.push(`fsmagic=0x${r.fsmagic.toString(16)}`);
  if (has(RULE_FSNAME)) out.push(`fsname=${r.fsname}`);
  if (has(RULE_FS_SUBTYPE)) out.push(`fs_subtype=${r.fsSubtype}`);
  if (has(RULE_KEYRINGS)) out.push(`keyrings=${r.keyrings.join("|")}`);
  if (has(RULE_LABEL)) out.push(`label=${r.label.join("|")}`);
  if (has(RULE_PCR)) out.push(`pcr=${r.pcr}`);
  if (has(RULE_FSUUID)) out.push(`fsuuid=${r.fsuuid}`);
  if (has(RULE_UID)) out.push(`uid${r.uidOp}${r.uid}`);
  if (has(RULE_EUID)) out.push(`euid${r.uidOp}${r.uid}`);
  if (has(RULE_GID)) out.push(`gid${r.gidOp}${r.gid}`);
  if (has(RULE_EGID)) out.push(`egid${r.gidOp}${r.gid}`);
  if (has(RULE_FOWNER)) out.push(`fowner${r.fownerOp}${r.fowner}`);
  if (has(RULE_FGROUP)) out.push(`fgroup${r.fgroupOp}${r.fgroup}`);
  if (has(RULE_VALIDATE_ALGOS)) {
    out.push(`appraise_algos=${hashAlgoName.filter((_, i) => (r.allowedAlgos & (1 << i)) !== 0).join(",")}`);
  }
  out.push(...r.lsm);
  if (r.template !== "") out.push(`template=${r.template}`);
  if (has(IMA_VERITY_REQUIRED)) out.push("digest_type=verity");
  if (has(IMA_DIGSIG_REQUIRED)) {
    const plain = has(IMA_VERITY_REQUIRED) ? "sigv3" : "imasig";
    out.push(`appraise_type=${has(IMA_MODSIG_ALLOWED) ? "imasig|modsig" : plain}`);
  }
  if (has(IMA_PERMIT_DIRECTIO)) out.push("permit_directio");
  return `${out.join(" ")} `;
}
