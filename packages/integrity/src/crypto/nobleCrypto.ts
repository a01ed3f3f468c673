/**
 * nobleCrypto: the default `CryptoProvider`: @noble/hashes and @noble/curves (audited) and the modular power of
 * micro-rsa-dsa-dh. Pure JavaScript: it runs in browsers, synchronously.
 */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3.js";
import { pow } from "micro-rsa-dsa-dh/utils.js";
import { equalBytes, toHex } from "../bytes.js";
import { ecdsaCompact, ecdsaDer, scalarSize } from "./ecdsa.js";
import { emsaPkcs1 } from "./pkcs1.js";
import type { CryptoProvider, EcPublicKey, Hasher, PrivateKey, PublicKey, RsaPublicKey } from "./provider.js";
import { noSuchHash } from "./provider.js";

type NobleHash = typeof sha256 | typeof sha512 | typeof sha1 | typeof md5 | typeof ripemd160 | typeof sha3_256;

/** By the kernel's number. */
const hashes: readonly (NobleHash | undefined)[] = [
  undefined,
  md5,
  sha1,
  ripemd160,
  sha256,
  sha384,
  sha512,
  sha224,
  ...new Array<undefined>(12).fill(undefined),
  sha3_256,
  sha3_384,
  sha3_512,
];

const curves = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;

function hashOf(algo: number): NobleHash {
  const h = hashes[algo];
  if (h === undefined) throw noSuchHash("nobleCrypto", algo);
  return h;
}

function number(b: Uint8Array): bigint {
  return b.length === 0 ? 0n : BigInt(`0x${toHex(b)}`);
}

function bytes(v: bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--, v >>= 8n) out[i] = Number(v & 0xffn);
  return out;
}

/** RSA with modular power: the signature is as long as the modulus and below it. */
function rsaVerify(key: RsaPublicKey, algo: number, digest: Uint8Array, signature: Uint8Array): boolean {
  const size = key.n.length;
  if (signature.length !== size) return false;
  const em = emsaPkcs1(algo, digest, size);
  const n = number(key.n);
  const s = number(signature);
  return em !== null && s < n && equalBytes(bytes(pow(s, number(key.e), n), size), em);
}

/** ECDSA over a digest; low and high s are both good, as the kernel takes them. */
export function ecVerifyDigest(key: EcPublicKey, digest: Uint8Array, signature: Uint8Array): boolean {
  const compact = ecdsaCompact(signature, scalarSize(key.curve));
  if (compact === null) return false;
  try {
    return curves[key.curve].verify(compact, digest, key.point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}

/** The default provider. */
export const nobleCrypto: CryptoProvider = {
  name: "noble",
  has: (algo) => hashes[algo] !== undefined,
  digest: (algo, data) => hashOf(algo)(data),
  hasher(algo): Hasher {
    const h = hashOf(algo).create();
    return {
      update(data): void {
        h.update(data);
      },
      digest: () => h.digest(),
    };
  },
  hmac(algo, key) {
    // The state after the padded key is kept: a second message costs two compressions less.
    const keyed = hmac.create(hashOf(algo), key);
    return (data) => keyed._cloneInto().update(data).digest();
  },
  verifyDigest(key: PublicKey, algo, digest, signature): boolean {
    return key.type === "rsa" ? rsaVerify(key, algo, digest, signature) : ecVerifyDigest(key, digest, signature);
  },
};

/**
 * Signs a digest: RSASSA-PKCS1-v1_5, or ECDSA (deterministic, RFC 6979) in DER. For test data, stories and the TPM model:
 * pure JavaScript is slow (11 ms for RSA-2048) and does not run in constant time. RangeError if the digest does not fit the key.
 */
export function signDigest(key: PrivateKey, algo: number, digest: Uint8Array): Uint8Array {
  if (key.type === "ec") {
    return ecdsaDer(curves[key.curve].sign(digest, key.d, { prehash: false, lowS: false }));
  }
  const em = emsaPkcs1(algo, digest, key.n.length);
  if (em === null) throw new RangeError(`signDigest: hash ${algo} does not fit an RSA key of ${key.n.length} bytes`);
  return bytes(pow(number(em), number(key.d), number(key.n)), key.n.length);
}

/** The public half of a private key. */
export function publicKeyOf(key: PrivateKey): PublicKey {
  return key.type === "rsa"
    ? { type: "rsa", n: key.n, e: key.e }
    : { type: "ec", curve: key.curve, point: curves[key.curve].getPublicKey(key.d, false) };
}
