/**
 * quote: what a TPM attests about its registers, and the check of it (tpm2_quote(1), tpm2_checkquote(1)).
 *
 *     const q = tpmQuote(ak, pcrs, { select: parsePcrSelection("sha256:10"), nonce, clock: 802n }, crypto);
 *     const r = checkQuote({ ...q, key: publicKeyOf(ak), nonce, pcrs: pcrs.toValues() }, crypto);
 *     r.failure                                // null, or the first thing that does not hold
 */
import { HASH_ALGO_SHA256, hashDigestSize } from "../abi/hashAlgo.js";
import { concatBytes, equalBytes, FormatError, fromHex, utf8 } from "../bytes.js";
import { ecdsaCompact, scalarSize } from "../crypto/ecdsa.js";
import { publicKeyOf, signDigest } from "../crypto/nobleCrypto.js";
import { parsePublicKey } from "../crypto/parsePublicKey.js";
import type { CryptoProvider, PrivateKey, PublicKey } from "../crypto/provider.js";
import { publicKeyBits } from "../crypto/publicKey.js";
import { type PcrBanks, type PcrValues, pcrValue } from "./pcrs.js";
import {
  type PcrSelection,
  parseAttest,
  parseTpmSignature,
  TPM_ALG_ECDSA,
  TPM_ALG_RSASSA,
  TPM_GENERATED,
  TPM_ST_ATTEST_QUOTE,
  type TpmsAttest,
  writeAttest,
  writeTpmSignature,
} from "./tpmsAttest.js";

/** A quote as it travels: the signed structure and its signature. */
export interface Quote {
  /** TPMS_ATTEST. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
}

export interface QuoteOptions {
  readonly select: readonly PcrSelection[];
  /** At most 64 bytes. */
  readonly nonce: Uint8Array;
  /** Milliseconds. */
  readonly clock?: bigint;
  readonly resetCount?: number;
  readonly restartCount?: number;
  readonly firmwareVersion?: bigint;
}

/** Hash over the selected registers, bank after bank, register after register. Null if `read` lacks one of them. */
export function pcrComposite(
  algo: number,
  select: readonly PcrSelection[],
  read: (algo: number, index: number) => Uint8Array | null,
  crypto: CryptoProvider,
): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (const s of select) {
    for (const index of s.pcrs) {
      const v = read(s.algo, index);
      if (v === null) return null;
      parts.push(v);
    }
  }
  return crypto.digest(algo, concatBytes(parts));
}

/** A stand-in for the name of the key's public area: name algorithm SHA-256, hash over the endorsement handle and the key. */
function qualifiedName(key: PublicKey, crypto: CryptoProvider): Uint8Array {
  const handle = Uint8Array.of(0x40, 0, 0, 0x0b);
  const digest = crypto.digest(HASH_ALGO_SHA256, concatBytes([handle, utf8(key.type), publicKeyBits(key)]));
  return concatBytes([Uint8Array.of(0, 0x0b), digest]);
}

/**
 * Quotes registers with an attestation key: SHA-256, RSASSA or ECDSA by the key's type.
 * RangeError for a nonce above 64 bytes, a bank that does not exist or an empty selection.
 */
export function tpmQuote(ak: PrivateKey, pcrs: PcrBanks, o: QuoteOptions, crypto: CryptoProvider): Quote {
  if (o.nonce.length > 64) throw new RangeError(`nonce of ${o.nonce.length} bytes: at most 64 are allowed`);
  if (o.select.length === 0) throw new RangeError("select: at least one bank is needed");
  const algo = HASH_ALGO_SHA256;
  const read = (bankAlgo: number, index: number): Uint8Array | null => {
    const bank = pcrs.bank(bankAlgo);
    return bank === null ? null : pcrs.read(bank, index);
  };
  const pcrDigest = pcrComposite(algo, o.select, read, crypto);
  if (pcrDigest === null) throw new RangeError("select: names a bank that this TPM does not have");
  const key = publicKeyOf(ak);
  const attest = writeAttest({
    magic: TPM_GENERATED,
    type: TPM_ST_ATTEST_QUOTE,
    qualifiedSigner: qualifiedName(key, crypto),
    extraData: o.nonce,
    clock: o.clock ?? 0n,
    resetCount: o.resetCount ?? 1,
    restartCount: o.restartCount ?? 0,
    safe: true,
    firmwareVersion: o.firmwareVersion ?? 0x2019_1023_0016_3636n,
    select: o.select,
    pcrDigest,
  });
  const sig = signDigest(ak, algo, crypto.digest(algo, attest));
  if (ak.type === "rsa") return { attest, signature: writeTpmSignature(TPM_ALG_RSASSA, algo, sig) };
  const compact = ecdsaCompact(sig, scalarSize(ak.curve));
  return { attest, signature: writeTpmSignature(TPM_ALG_ECDSA, algo, compact ?? sig) };
}

/** Why a quote does not hold. `malformed`: the structures do not parse; the others are named after what differs. */
export type QuoteFailure = "malformed" | "signature" | "nonce" | "pcr-select" | "pcr-digest";

export interface QuoteCheck {
  readonly failure: QuoteFailure | null;
  /** In words, "" if nothing failed. */
  readonly reason: string;
  /** Null if malformed. */
  readonly attest: TpmsAttest | null;
  /** Kernel hash number of the signature and of the composite; -1 if malformed. */
  readonly algo: number;
}

export interface QuoteInput extends Quote {
  /** The attestation key: parsed, PEM or DER. */
  readonly key: PublicKey | Uint8Array | string;
  /** Compared if given: bytes or hexadecimal. */
  readonly nonce?: Uint8Array | string;
  /** Compared if given: must hold every register the quote selects. */
  readonly pcrs?: PcrValues;
}

function isKey(key: QuoteInput["key"]): key is PublicKey {
  return typeof key === "object" && "type" in key;
}

/** Checks a quote in the order signature, nonce, selection, digest and returns the first failure. Throws for a malformed key only. */
export function checkQuote(q: QuoteInput, crypto: CryptoProvider): QuoteCheck {
  const key = isKey(q.key) ? q.key : parsePublicKey(q.key);
  let attest: TpmsAttest;
  let sig: ReturnType<typeof parseTpmSignature>;
  try {
    attest = parseAttest(q.attest);
    sig = parseTpmSignature(q.signature);
  } catch (e) {
    if (e instanceof FormatError) return { failure: "malformed", reason: e.message, attest: null, algo: -1 };
    throw e;
  }
  const fail = (failure: QuoteFailure, reason: string): QuoteCheck => ({ failure, reason, attest, algo: sig.algo });
  if (!crypto.has(sig.algo)) return fail("signature", `hash ${sig.algo} is not available`);
  if ((sig.sigAlg === TPM_ALG_RSASSA) !== (key.type === "rsa")) return fail("signature", "scheme and key do not fit");
  if (!crypto.verifyDigest(key, sig.algo, crypto.digest(sig.algo, q.attest), sig.signature)) {
    return fail("signature", "the signature does not verify with this key");
  }
  const nonce = typeof q.nonce === "string" ? fromHex(q.nonce) : q.nonce;
  if (nonce !== undefined && !equalBytes(nonce, attest.extraData)) return fail("nonce", "extraData is not the nonce");
  if (attest.pcrDigest.length !== hashDigestSize[sig.algo]) {
    return fail("pcr-digest", "pcrDigest has not the size of the signature's hash");
  }
  const pcrs = q.pcrs;
  if (pcrs !== undefined) {
    const digest = pcrComposite(sig.algo, attest.select, (a, i) => pcrValue(pcrs, a, i), crypto);
    if (digest === null) return fail("pcr-select", "the quote selects registers that were not given");
    if (!equalBytes(digest, attest.pcrDigest))
      return fail("pcr-digest", "the registers are not those that were quoted");
  }
  return { failure: null, reason: "", attest, algo: sig.algo };
}
