/**
 * options: what `integrity({...})` takes, checked.
 */
import { hashAlgoByName } from "./abi/hashAlgo.js";
import { nobleCrypto } from "./crypto/nobleCrypto.js";
import type { CryptoProvider, PrivateKey } from "./crypto/provider.js";
import { type IntegrityProfile, resolveProfile } from "./profile.js";
import type { PcrValues } from "./tpm/pcrs.js";

export interface TpmOptions {
  /** PCR banks by kernel hash name. Default: those of `pcrs`, or SHA-1 and SHA-256. */
  readonly banks?: readonly string[];
  /** Registers as firmware and boot loader left them. Default: as after power on. */
  readonly pcrs?: PcrValues;
  /** Attestation key. Default: a P-256 key that follows from the kernel's seed. */
  readonly ak?: PrivateKey;
}

export interface IntegrityOptions {
  /** Which kernel. Default "6.18". */
  readonly profile?: "6.18" | "debian-6.1" | IntegrityProfile;
  /** Digests and signatures. Default `nobleCrypto`. */
  readonly crypto?: CryptoProvider;
  /** "none": no TPM, and IMA says so. Default "2.0". */
  readonly tpm?: "2.0" | "none" | TpmOptions;
  /**
   * When the last fput of a file takes effect, and with it the update of its label: "task_work" (Linux: before the task returns to user
   * mode), "inline" (under whatever lock munmap holds) or "deferred" (by an event of its own, as the 2012 patches had it).
   */
  readonly fput?: "task_work" | "inline" | "deferred";
  /** Which inodes have a change counter: "always" (Linux since 6.1), "mount-option" (before), "none". "change-cookie" (6.18's name) is "always". */
  readonly iversion?: "always" | "mount-option" | "none" | "change-cookie";
  /** Instead of the profile's. */
  readonly violations?: "every" | "limited";
  /** The firmware verified the boot: ima_appraise= may not relax, and the kernel is locked down to integrity. Default false. */
  readonly secureBoot?: boolean;
  /** Certificates that are there at boot, DER or PEM. */
  readonly keys?: {
    /** .builtin_trusted_keys: compiled into the kernel. */
    readonly builtin?: readonly (Uint8Array | string)[];
    /** .platform: from the firmware's db, for kexec. */
    readonly platform?: readonly (Uint8Array | string)[];
    /** Loaded by the kernel itself (CONFIG_IMA_LOAD_X509, CONFIG_EVM_LOAD_X509). */
    readonly ima?: readonly (Uint8Array | string)[];
    readonly evm?: readonly (Uint8Array | string)[];
  };
}

export interface ResolvedOptions {
  readonly profile: IntegrityProfile;
  readonly crypto: CryptoProvider;
  /** Null: no TPM. `banks` are hash numbers. */
  readonly tpm: { readonly banks: readonly number[]; readonly pcrs: PcrValues; readonly ak: PrivateKey | null } | null;
  readonly fput: "task_work" | "inline" | "deferred" | null;
  readonly iversion: "always" | "mount-option" | "none" | null;
  readonly violations: "every" | "limited";
  readonly secureBoot: boolean;
  readonly keys: NonNullable<IntegrityOptions["keys"]>;
}

function oneOf<T extends string>(name: string, v: T | undefined, allowed: readonly T[]): T | undefined {
  if (v !== undefined && !allowed.includes(v)) {
    throw new RangeError(`${name}: '${String(v)}'; ${allowed.map((a) => `"${a}"`).join(", ")} are allowed`);
  }
  return v;
}

const known: readonly string[] = ["profile", "crypto", "tpm", "fput", "iversion", "violations", "secureBoot", "keys"];

function resolveTpm(o: IntegrityOptions["tpm"]): ResolvedOptions["tpm"] {
  if (o === "none") return null;
  if (typeof o === "string") oneOf("tpm", o, ["2.0"]);
  const t: TpmOptions = typeof o === "object" ? o : {};
  const banks = (t.banks ?? (t.pcrs === undefined ? ["sha1", "sha256"] : Object.keys(t.pcrs))).map((name) => {
    const algo = hashAlgoByName(name);
    if (algo < 0) throw new RangeError(`tpm.banks: '${name}' is no hash algorithm`);
    return algo;
  });
  if (banks.length === 0 || new Set(banks).size !== banks.length) {
    throw new RangeError("tpm.banks: at least one bank, and each once, is needed");
  }
  return { banks, pcrs: t.pcrs ?? {}, ak: t.ak ?? null };
}

/** Options with their defaults. TypeError for an unknown one, RangeError for a value that is not allowed. */
export function resolveIntegrityOptions(o: IntegrityOptions): ResolvedOptions {
  for (const k of Object.keys(o)) {
    if (!known.includes(k)) throw new TypeError(`integrity: unknown option '${k}'; allowed are ${known.join(", ")}`);
  }
  const profile = resolveProfile(o.profile);
  const iversion = oneOf("iversion", o.iversion, ["always", "mount-option", "none", "change-cookie"]);
  return {
    profile,
    crypto: o.crypto ?? nobleCrypto,
    tpm: resolveTpm(o.tpm),
    fput: oneOf<"task_work" | "inline" | "deferred">("fput", o.fput, ["task_work", "inline", "deferred"]) ?? null,
    iversion: iversion === undefined ? null : iversion === "change-cookie" ? "always" : iversion,
    violations: oneOf("violations", o.violations, ["every", "limited"]) ?? profile.violations,
    secureBoot: o.secureBoot ?? false,
    keys: o.keys ?? {},
  };
}
