/**
 * profile: which kernel this is: the build options and the version that make a difference.
 *
 *     integrity({ profile: "debian-6.1" })
 *     integrity({ profile: { ...profile618, writePolicy: true } })
 *
 * The names follow the kernel's configuration: `writePolicy` is CONFIG_IMA_WRITE_POLICY, and so on.
 */
import { HASH_ALGO__LAST, hashAlgoByName } from "./abi/hashAlgo.js";
import { type PolicyDialect, policyDialect61, policyDialect618 } from "./policy/rule.js";

export interface IntegrityProfile {
  readonly name: string;
  /** CONFIG_IMA_DEFAULT_TEMPLATE */
  readonly defaultTemplate: string;
  /** CONFIG_IMA_DEFAULT_HASH */
  readonly defaultHash: string;
  /** CONFIG_IMA_MEASURE_PCR_IDX, 8..14. */
  readonly pcr: number;
  /** Rules may be added again and again. */
  readonly writePolicy: boolean;
  /** The policy file can be read. */
  readonly readPolicy: boolean;
  /** Keyrings are `.ima` and `.evm`, and take certificates only that a builtin key has signed; else `_ima` and `_evm`. */
  readonly trustedKeyrings: boolean;
  /** HMACs and local signatures cover the file system's UUID. */
  readonly evmAttrFsuuid: boolean;
  /** Names can be added to those EVM protects (`evm_xattrs`). */
  readonly evmAddXattrs: boolean;
  /** ima_appraise= is heeded. */
  readonly appraiseBootparam: boolean;
  /** The first program is asked for a signature already. */
  readonly signedInit: boolean;
  /** "every": each offending open is an entry; "limited" (6.15): once per open writer, once per measured reader. */
  readonly violations: "every" | "limited";
  /** Hashes files can be hashed with, kernel names. */
  readonly hashes: readonly string[];
  /** Hashes that are there when the TPM's banks are looked at; a bank without one gets padded SHA-1. */
  readonly bankHashes: readonly string[];
  /** One more than the last hash number (`HASH_ALGO__LAST`). */
  readonly hashAlgoLast: number;
  /** A pair of list files for each bank (6.10). */
  readonly perBankLists: boolean;
  /** kexec_file_load(2) flags that exist. */
  readonly kexecFileFlags: number;
  /** kexec_load(2) flags that exist. */
  readonly kexecLoadFlags: number;
  /** Unsigned kernels are refused always, with the reason (CONFIG_KEXEC_SIG_FORCE). */
  readonly kexecSigForce: boolean;
  /** The measurement list is copied for the next kernel: not at all, when it is loaded, or at the jump as well (6.16). */
  readonly kexecList: "none" | "load" | "execute";
  /** Protected attributes that count for HMACs. */
  readonly evmEnabled: readonly string[];
  readonly dialect: PolicyDialect;
}

/** As the recorded runs had it. */
export const profileDebian61: IntegrityProfile = {
  name: "debian-6.1",
  defaultTemplate: "ima-sig",
  defaultHash: "sha256",
  pcr: 10,
  writePolicy: false,
  readPolicy: false,
  trustedKeyrings: false,
  evmAttrFsuuid: true,
  evmAddXattrs: false,
  appraiseBootparam: true,
  signedInit: false,
  violations: "every",
  hashes: ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
  bankHashes: ["md5", "sha1", "sha224", "sha256"],
  hashAlgoLast: 20,
  perBankLists: false,
  kexecFileFlags: 7,
  kexecLoadFlags: 3,
  kexecSigForce: false,
  kexecList: "load",
  evmEnabled: ["security.selinux", "security.apparmor", "security.ima", "security.capability"],
  dialect: policyDialect61,
};

/** Linux 6.18, built as distributions build it. (Linux's own default template is "ima-ng": `ima_template=ima-ng`.) */
export const profile618: IntegrityProfile = {
  ...profileDebian61,
  name: "6.18",
  trustedKeyrings: true,
  violations: "limited",
  hashAlgoLast: HASH_ALGO__LAST,
  perBankLists: true,
  kexecFileFlags: 0x3f,
  kexecLoadFlags: 0xf,
  kexecList: "execute",
  dialect: policyDialect618,
};

/** The profile of a name, or the profile itself. RangeError for an unknown name. */
export function resolveProfile(p: "6.18" | "debian-6.1" | IntegrityProfile | undefined): IntegrityProfile {
  if (p === undefined || p === "6.18") return profile618;
  if (p === "debian-6.1") return profileDebian61;
  if (typeof p !== "object")
    throw new RangeError(`profile: '${String(p)}'; "6.18", "debian-6.1" or an object is allowed`);
  for (const name of [p.defaultHash, ...p.hashes, ...p.bankHashes]) {
    if (hashAlgoByName(name) < 0) throw new RangeError(`profile: '${name}' is no hash algorithm`);
  }
  return p;
}
