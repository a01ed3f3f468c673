/**
 * keyrings: the keyrings integrity verifies with, by their role.
 *
 * `.ima` and `.evm` take certificates only that a key of `.builtin_trusted_keys` (or `.secondary_trusted_keys`) has signed;
 * kernels without trusted keyrings have `_ima` and `_evm`, which take any. `.platform` holds the firmware's keys, for kexec.
 */
import { EINVAL, ENOKEY } from "@kernelkit/core";
import { FormatError } from "./bytes.js";
import { parseX509, verifyCertificate } from "./crypto/x509.js";
import { type AsymmetricKey, findKey, keyOfCertificate } from "./digsig/keyring.js";
import { readSignatureHeader } from "./digsig/signatureHeader.js";
import { imaKeyAdded } from "./ima/buffer.js";
import type { Integrity } from "./integrityCore.js";

export const KEYRING_BUILTIN = ".builtin_trusted_keys";
export const KEYRING_SECONDARY = ".secondary_trusted_keys";
export const KEYRING_PLATFORM = ".platform";

/** Name of the keyring of a role. */
export function keyringName(g: Integrity, role: "ima" | "evm" | "platform"): string {
  return role === "platform" ? KEYRING_PLATFORM : g.o.profile.trustedKeyrings ? `.${role}` : `_${role}`;
}

/** The keys of a role, in the order in which they came. */
export function keyring(g: Integrity, role: "ima" | "evm" | "platform"): readonly AsymmetricKey[] {
  return g.state.keyrings.get(keyringName(g, role)) ?? [];
}

/** At most so many lines (of one kind) in so many ns (printk_ratelimit's defaults). */
const BURST = 10;
const INTERVAL_NS = 5_000_000_000;

/** Says in the log that a signature's key is not there, if it is not. */
export function reportUnknownKey(g: Integrity, role: "ima" | "evm", sig: Uint8Array): void {
  const hdr = readSignatureHeader(sig);
  if (hdr === null || findKey(keyring(g, role), hdr.keyId) !== null) return;
  const { unknownKeys: r } = g.state;
  const { now } = g.k;
  if (r.printed === 0 || now - r.since > INTERVAL_NS) {
    if (r.missed > 0) g.k.log(4, `request_asymmetric_key: ${r.missed} callbacks suppressed`);
    r.since = now;
    r.printed = 0;
    r.missed = 0;
  }
  if (r.printed >= BURST) {
    r.missed++;
    return;
  }
  r.printed++;
  const id = hdr.keyId.toString(16).padStart(8, "0");
  g.k.log(3, `integrity: Request for unknown key 'id:${id}' in '${keyringName(g, role)}' keyring. err -11`);
}

/** The keys a kernel image may be signed with: builtin and secondary. */
export function secondaryKeyring(g: Integrity): readonly AsymmetricKey[] {
  return [...(g.state.keyrings.get(KEYRING_BUILTIN) ?? []), ...(g.state.keyrings.get(KEYRING_SECONDARY) ?? [])];
}

/** Names that mean the same: a caller may say ".ima" whatever the kernel's keyring is called. */
function canonical(g: Integrity, name: string): string {
  const m = /^[._](ima|evm)$/.exec(name);
  return m === null ? name : keyringName(g, m[1] as "ima" | "evm");
}

/** May this certificate be linked into that keyring? 0 or -ENOKEY. */
function restricted(g: Integrity, keyringTo: string, der: Uint8Array): number {
  if (keyringTo !== ".ima" && keyringTo !== ".evm") return 0;
  const cert = parseX509(der);
  for (const key of secondaryKeyring(g)) if (verifyCertificate(cert, key.publicKey, g.crypto)) return 0;
  return -ENOKEY;
}

/**
 * Adds an X.509 certificate to a keyring: 0, or -errno: -EBADMSG and -ENOPKG for what does not parse, -ENOKEY if a trusted keyring finds no
 * signer, -EINVAL for an empty name. A KEY_CHECK event: the keyring's name and the certificate are measured if the policy asks.
 * @param bypass past the keyring's restriction, as the kernel itself loads keys
 */
export function addX509(g: Integrity, name: string, der: Uint8Array, bypass: boolean): number {
  if (name === "") return -EINVAL;
  const to = canonical(g, name);
  let key: AsymmetricKey;
  try {
    key = keyOfCertificate(parseX509(der.slice()));
    const rc = bypass ? 0 : restricted(g, to, der);
    if (rc !== 0) return rc;
  } catch (e) {
    if (e instanceof FormatError) return e.errno;
    throw e;
  }
  const keys = g.state.keyrings.get(to) ?? [];
  keys.push(key);
  g.state.keyrings.set(to, keys);
  imaKeyAdded(g, to, key.der);
  return 0;
}
