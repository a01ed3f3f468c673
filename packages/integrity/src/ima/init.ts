/**
 * init: IMA at boot: parameters, builtin policy, the first measurement (`ima_init`, `ima_init_policy`).
 *
 * Parameters: ima_policy= ima_tcb ima_appraise= ima_appraise_tcb ima_hash= ima_template= ima_template_fmt= integrity_audit= evm=fix
 * (kernel document admin-guide/kernel-parameters). They take effect in the order in which they stand, as their handlers run.
 */
import { HASH_ALGO_MD5, HASH_ALGO_SHA1, hashAlgoByName, hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { evmConfigXattrNames } from "../abi/xattr.js";
import type { Integrity } from "../integrityCore.js";
import { lookupTemplate, parseTemplateFormat, templateNames } from "../list/template.js";
import { appraiseTcbRules, criticalDataRules, legacyTcbRules, secureBootRules, tcbRules } from "../policy/builtin.js";
import { bootAggregate, bootAggregateAlgo } from "../tpm/bootAggregate.js";
import { IMA_APPRAISE_ENFORCE, IMA_APPRAISE_FIX, IMA_APPRAISE_LOG } from "./imaState.js";
import { builtinRule, updatePolicyFlags } from "./policyLoad.js";
import { storeTemplate, templateOf } from "./store.js";

/** What the parameters said. */
interface Setup {
  measure: "" | "tcb" | "original";
  appraiseTcb: boolean;
  secureBoot: boolean;
  criticalData: boolean;
  /** "" until a parameter chose one. */
  template: string;
  hashDone: boolean;
}

function warn(g: Integrity, text: string): void {
  g.k.log(3, `ima: ${text}`);
}

function policySetup(g: Integrity, s: Setup, value: string): void {
  for (const p of value.split(/[ |\n]/)) {
    if (p === "") continue;
    if (p === "tcb" && s.measure === "") s.measure = "tcb";
    else if (p === "appraise_tcb") s.appraiseTcb = true;
    else if (p === "secure_boot") s.secureBoot = true;
    else if (p === "critical_data") s.criticalData = true;
    else if (p === "fail_securely") g.state.failUnverifiable = true;
    else warn(g, `policy "${p}" not found`);
  }
}

function appraiseSetup(g: Integrity, value: string): void {
  const modes: Readonly<Record<string, number>> = {
    off: 0,
    log: IMA_APPRAISE_LOG,
    fix: IMA_APPRAISE_FIX,
    enforce: IMA_APPRAISE_ENFORCE,
  };
  if (!g.o.profile.appraiseBootparam) return;
  if (!Object.hasOwn(modes, value)) {
    warn(g, `invalid "${value}" appraise option`);
    return;
  }
  if (g.o.secureBoot) {
    if (value !== "enforce") g.k.log(6, `ima: Secure boot enabled: ignoring ima_appraise=${value} option`);
    return;
  }
  g.state.appraise = modes[value];
}

function currentTemplate(g: Integrity, s: Setup): string {
  return s.template === "" ? g.o.profile.defaultTemplate : s.template;
}

function hashSetup(g: Integrity, s: Setup, value: string): void {
  if (s.hashDone) return;
  let algo = hashAlgoByName(value);
  if (currentTemplate(g, s) === "ima") {
    algo = value.startsWith("sha1") ? HASH_ALGO_SHA1 : value.startsWith("md5") ? HASH_ALGO_MD5 : -1;
    if (algo < 0) {
      warn(g, `invalid hash algorithm "${value}" for template "ima"`);
      return;
    }
  } else if (algo < 0 || algo >= g.o.profile.hashAlgoLast) {
    warn(g, `invalid hash algorithm "${value}"`);
    return;
  }
  g.state.hashAlgo = algo;
  s.hashDone = true;
}

function templateSetup(g: Integrity, s: Setup, value: string): void {
  if (s.template !== "") return;
  const named = templateNames.includes(value)
    ? value
    : templateNames.find((n) => lookupTemplate(n)?.fields.join("|") === value);
  if (named === undefined) {
    warn(g, `template ${value} not found, using ${g.o.profile.defaultTemplate}`);
    return;
  }
  const { hashAlgo } = g.state;
  if (named === "ima" && hashAlgo !== HASH_ALGO_SHA1 && hashAlgo !== HASH_ALGO_MD5) {
    warn(g, "template does not support hash alg");
    return;
  }
  s.template = named;
}

function formatSetup(g: Integrity, s: Setup, value: string): void {
  if (s.template !== "") return;
  const parsed = parseTemplateFormat(value);
  if ("error" in parsed) {
    if (parsed.error === "unknown") warn(g, `field '${parsed.field}' not found`);
    else warn(g, `format string '${value}' contains too many fields`);
    warn(g, `format string '${value}' not valid, using template ${g.o.profile.defaultTemplate}`);
    return;
  }
  s.template = value;
  g.state.customFormat = value;
}

function readParameters(g: Integrity): Setup {
  const { state } = g;
  const s: Setup = {
    measure: "",
    appraiseTcb: false,
    secureBoot: false,
    criticalData: false,
    template: "",
    hashDone: false,
  };
  // Before ima_hash= is seen the algorithm is SHA-1, which is what lets ima_template=ima stand in front of it.
  state.hashAlgo = HASH_ALGO_SHA1;
  for (const [name, value] of g.k.cmdline.words) {
    const v = value ?? "";
    switch (name) {
      case "ima_policy":
        policySetup(g, s, v);
        break;
      case "ima_tcb":
        if (s.measure === "") s.measure = "original";
        break;
      case "ima_appraise":
        appraiseSetup(g, v);
        break;
      case "ima_appraise_tcb":
        s.appraiseTcb = true;
        break;
      case "ima_hash":
        hashSetup(g, s, v);
        break;
      case "ima_template":
        templateSetup(g, s, v);
        break;
      case "ima_template_fmt":
        formatSetup(g, s, v);
        break;
      case "integrity_audit":
        state.auditInfo = Number(v) !== 0;
        break;
      case "evm":
        if (v.startsWith("fix")) state.evmFix = true;
        break;
      default:
    }
  }
  return s;
}

function initPolicy(g: Integrity, s: Setup): void {
  const { state } = g;
  const { profile } = g.o;
  const lines: string[] = [];
  if (s.measure !== "") lines.push(...(s.measure === "tcb" ? tcbRules : legacyTcbRules));
  if (s.secureBoot) lines.push(...secureBootRules);
  if (s.appraiseTcb) lines.push(...appraiseTcbRules(profile.writePolicy, profile.signedInit));
  if (s.criticalData) lines.push(...criticalDataRules);
  state.defaultRules = lines.map((l) => builtinRule(g, l));
  updatePolicyFlags(g);
}

/** The first entry: a hash over the registers the firmware extended, or zeros without a TPM. */
function addBootAggregate(g: Integrity): void {
  const { state } = g;
  let algo = state.hashAlgo;
  let digest = new Uint8Array(hashDigestSize[algo]);
  const sha1 = (): Uint8Array =>
    (state.tpm === null ? null : bootAggregate(state.tpm, HASH_ALGO_SHA1, g.crypto)) ??
    new Uint8Array(hashDigestSize[HASH_ALGO_SHA1]);
  if (state.tpm !== null) {
    const bank = bootAggregateAlgo(state.tpm, algo);
    const made = bank < 0 ? null : bootAggregate(state.tpm, bank, g.crypto);
    if (made === null) return;
    algo = bank;
    digest = made as Uint8Array<ArrayBuffer>;
  }
  storeTemplate(g, templateOf(g, ""), { name: "boot_aggregate", algo, digest, sha1 }, g.o.profile.pcr);
}

/** Everything before the first program runs. */
export function imaInit(g: Integrity): void {
  const { state, o } = g;
  if (o.tpm !== null) state.tpm?.load(o.tpm.pcrs);
  const s = readParameters(g);
  hashSetup(g, s, o.profile.defaultHash);
  if (!g.hashes.has(state.hashAlgo)) {
    const fallback = hashAlgoByName(o.profile.defaultHash);
    g.k.log(
      6,
      `ima: Allocating ${hashAlgoName[state.hashAlgo]} failed, going to use default hash algorithm ${o.profile.defaultHash}`,
    );
    state.hashAlgo = fallback;
  }
  state.template = currentTemplate(g, s);
  state.evm.names = evmConfigXattrNames.map((name) => ({ name, enabled: o.profile.evmEnabled.includes(name) }));
  initPolicy(g, s);
  if (state.tpm === null) g.k.log(6, "ima: No TPM chip found, activating TPM-bypass!");
  addBootAggregate(g);
}
