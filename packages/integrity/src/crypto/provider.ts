/**
 * provider: the port through which this package computes digests and checks signatures.
 *
 * There is no primitive in this package. A `CryptoProvider` is given where something is made (`integrity({ crypto })`,
 * `verifyMeasurementList(bytes, { crypto })`); the default is `nobleCrypto`, which runs anywhere. `@kernelkit/integrity/node`
 * brings `nodeCrypto` on Node's own library, `hashWasmCrypto` wraps the hash-wasm package. All of them are synchronous.
 *
 * Hash algorithms are the kernel's numbers (`abi/hashAlgo.ts`).
 */

/** A digest under construction: for content that does not lie in one piece. */
export interface Hasher {
  update(data: Uint8Array): void;
  /** The digest; the hasher must not be used afterwards. */
  digest(): Uint8Array;
}

export interface RsaPublicKey {
  readonly type: "rsa";
  /** Modulus, big endian, without leading zero. */
  readonly n: Uint8Array;
  /** Public exponent, big endian, without leading zero. */
  readonly e: Uint8Array;
}

export interface EcPublicKey {
  readonly type: "ec";
  readonly curve: "P-256" | "P-384" | "P-521";
  /** 0x04, x, y. */
  readonly point: Uint8Array;
}

export type PublicKey = RsaPublicKey | EcPublicKey;

export interface CryptoProvider {
  /** For benchmarks and messages. */
  readonly name: string;
  /** True if the algorithm can be computed. */
  has(algo: number): boolean;
  /** Digest of data. The result is the caller's. RangeError if `has(algo)` is false. */
  digest(algo: number, data: Uint8Array): Uint8Array;
  /** RangeError if `has(algo)` is false. */
  hasher(algo: number): Hasher;
  /** HMAC with a key of any length; the returned function may be called any number of times. */
  hmac(algo: number, key: Uint8Array): (data: Uint8Array) => Uint8Array;
  /**
   * Checks a signature over a digest: RSASSA-PKCS1-v1_5 with the DigestInfo of `algo` (RFC 8017, 8.2.2) or ECDSA with a DER
   * encoded (r, s) (X9.62). False for whatever does not verify, malformed signatures included; it never throws for foreign bytes.
   */
  verifyDigest(key: PublicKey, algo: number, digest: Uint8Array, signature: Uint8Array): boolean;
}

export interface RsaPrivateKey {
  readonly type: "rsa";
  readonly n: Uint8Array;
  readonly e: Uint8Array;
  /** Private exponent, big endian. */
  readonly d: Uint8Array;
}

export interface EcPrivateKey {
  readonly type: "ec";
  readonly curve: "P-256" | "P-384" | "P-521";
  /** The secret scalar, big endian, as long as the curve's order. */
  readonly d: Uint8Array;
}

export type PrivateKey = RsaPrivateKey | EcPrivateKey;

/** The RangeError of a provider that is asked for an algorithm it lacks. */
export function noSuchHash(provider: string, algo: number): RangeError {
  return new RangeError(`${provider}: no hash algorithm ${algo}; ask has() first`);
}
