/**
 * node: `nodeCrypto`, the `CryptoProvider` on Node's own library: RSA five times and long digests nine times as fast as pure JavaScript.
 *
 *     import { nodeCrypto } from "@kernelkit/integrity/node";
 *     createKernel().use(integrity({ crypto: nodeCrypto })).boot();
 *
 * ECDSA over a finished digest is not to be had from node:crypto, so that part stays with `nobleCrypto`.
 */
import * as crypto from "node:crypto";
import { hashAlgoName } from "./abi/hashAlgo.js";
import { equalBytes } from "./bytes.js";
import { ecVerifyDigest } from "./crypto/nobleCrypto.js";
import { digestInfo } from "./crypto/pkcs1.js";
import type { CryptoProvider, Hasher, PublicKey, RsaPublicKey } from "./crypto/provider.js";
import { noSuchHash } from "./crypto/provider.js";

const available: ReadonlySet<string> = new Set(crypto.getHashes());

/** OpenSSL's name by the kernel's number. */
const names: readonly (string | undefined)[] = hashAlgoName.map((name) => {
  if (available.has(name)) return name;
  return name === "rmd160" && available.has("ripemd160") ? "ripemd160" : undefined;
});

/** Parsed keys by key object: parsing costs more than a verification. */
const keyObjects: WeakMap<RsaPublicKey, crypto.KeyObject> = new WeakMap();

function nameOf(algo: number): string {
  const name = names[algo];
  if (name === undefined) throw noSuchHash("nodeCrypto", algo);
  return name;
}

function plain(b: Buffer): Uint8Array {
  return new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
}

function rsaKey(key: RsaPublicKey): crypto.KeyObject {
  let k = keyObjects.get(key);
  if (k === undefined) {
    const jwk = {
      kty: "RSA",
      n: Buffer.from(key.n).toString("base64url"),
      e: Buffer.from(key.e).toString("base64url"),
    };
    k = crypto.createPublicKey({ key: jwk, format: "jwk" });
    keyObjects.set(key, k);
  }
  return k;
}

/** Digests, HMAC and RSA by node:crypto. */
export const nodeCrypto: CryptoProvider = {
  name: "node:crypto",
  has: (algo) => names[algo] !== undefined,
  digest: (algo, data) => plain(crypto.createHash(nameOf(algo)).update(data).digest()),
  hasher(algo): Hasher {
    const h = crypto.createHash(nameOf(algo));
    return {
      update(data): void {
        h.update(data);
      },
      digest: () => plain(h.digest()),
    };
  },
  hmac(algo, key) {
    const name = nameOf(algo);
    const k = crypto.createSecretKey(key);
    return (data) => plain(crypto.createHmac(name, k).update(data).digest());
  },
  verifyDigest(key: PublicKey, algo, digest, signature): boolean {
    if (key.type === "ec") return ecVerifyDigest(key, digest, signature);
    const expected = digestInfo(algo, digest);
    if (expected === null || signature.length !== key.n.length) return false;
    try {
      const padding = crypto.constants.RSA_PKCS1_PADDING;
      return equalBytes(plain(crypto.publicDecrypt({ key: rsaKey(key), padding }, signature)), expected);
    } catch {
      return false;
    }
  },
};
