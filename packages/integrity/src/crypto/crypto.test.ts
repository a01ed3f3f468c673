import * as nodeCryptoLib from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as hashWasm from "hash-wasm";
import { describe, expect, it } from "vitest";
import { hashAlgoByName, hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { toHex, utf8 } from "../bytes.js";
import { nodeCrypto } from "../node.js";
import { hashWasmCrypto } from "./hashWasmCrypto.js";
import { ecKeyFromSeed, makeCertificate } from "./makeCertificate.js";
import { nobleCrypto, publicKeyOf, signDigest } from "./nobleCrypto.js";
import { parsePublicKey } from "./parsePublicKey.js";
import type { PrivateKey, RsaPrivateKey } from "./provider.js";
import { keyId } from "./publicKey.js";
import { parseX509, verifyCertificate } from "./x509.js";

const data = new URL("../../testdata/", import.meta.url);
const testDer = new Uint8Array(readFileSync(new URL("test-rsa.der", data)));

const wasm = await hashWasmCrypto(hashWasm);
const providers = [nobleCrypto, nodeCrypto, wasm];

function jwkBytes(v: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(v ?? "", "base64url"));
}

const rsaPair = nodeCryptoLib.generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaJwk = rsaPair.privateKey.export({ format: "jwk" });
const rsaKey: RsaPrivateKey = { type: "rsa", n: jwkBytes(rsaJwk.n), e: jwkBytes(rsaJwk.e), d: jwkBytes(rsaJwk.d) };
const ecKey = ecKeyFromSeed("crypto.test", nobleCrypto);

describe("crypto providers", () => {
  it("agree on every digest they have, whole or in pieces", () => {
    for (const p of providers) {
      hashAlgoName.forEach((_, algo) => {
        if (!p.has(algo)) return;
        for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000]) {
          const m = Uint8Array.from({ length: n }, (_, i) => i * 7);
          const d = p.digest(algo, m);
          expect(d.length).toBe(hashDigestSize[algo]);
          if (nobleCrypto.has(algo)) expect(toHex(d)).toBe(toHex(nobleCrypto.digest(algo, m)));
          const h = p.hasher(algo);
          h.update(m.subarray(0, n >> 1));
          h.update(m.subarray(n >> 1));
          expect(toHex(h.digest())).toBe(toHex(d));
        }
      });
    }
  });

  it("refuse an algorithm they lack with a RangeError", () => {
    for (const p of providers) {
      expect(p.has(hashAlgoByName("tgr192"))).toBe(false);
      expect(() => p.digest(hashAlgoByName("tgr192"), utf8("x"))).toThrow(RangeError);
    }
  });

  it("agree on HMAC for keys shorter and longer than a block, call after call", () => {
    for (const keySize of [1, 64, 128, 200]) {
      const key = new Uint8Array(keySize).fill(keySize);
      const macs = providers.map((p) => p.hmac(2, key));
      for (const m of ["", "a", "b".repeat(300)]) {
        const all = macs.map((mac) => toHex(mac(utf8(m))));
        expect(new Set(all).size).toBe(1);
      }
    }
  });

  it.each<[string, PrivateKey]>([
    ["RSA", rsaKey],
    ["ECDSA", ecKey],
  ])("%s signatures made here verify in every provider and in node:crypto, and no bit may change", (_, key) => {
    const digest = nobleCrypto.digest(4, utf8("message"));
    const sig = signDigest(key, 4, digest);
    const pub = publicKeyOf(key);
    for (const p of providers) {
      expect(p.verifyDigest(pub, 4, digest, sig)).toBe(true);
      expect(p.verifyDigest(pub, 4, nobleCrypto.digest(4, utf8("other")), sig)).toBe(false);
      expect(p.verifyDigest(pub, 4, digest, sig.subarray(1))).toBe(false);
      for (const at of [0, 8, sig.length - 1]) {
        const flipped = sig.slice();
        flipped[at] ^= 1;
        expect(p.verifyDigest(pub, 4, digest, flipped)).toBe(false);
      }
    }
    const spki = makeCertificate({ key, commonName: "x", crypto: nobleCrypto });
    const nodeKey = new nodeCryptoLib.X509Certificate(spki).publicKey;
    expect(nodeCryptoLib.verify("sha256", Buffer.from("message"), nodeKey, sig)).toBe(true);
  });

  it("verify RSA signatures of node:crypto with every hash that has a DigestInfo", () => {
    for (const [algo, name] of [
      [1, "md5"],
      [2, "sha1"],
      [7, "sha224"],
      [4, "sha256"],
      [5, "sha384"],
      [6, "sha512"],
      [20, "sha3-256"],
      [22, "sha3-512"],
    ] as const) {
      const sig = new Uint8Array(nodeCryptoLib.sign(name, Buffer.from("m"), rsaPair.privateKey));
      for (const p of providers) {
        expect(p.verifyDigest(publicKeyOf(rsaKey), algo, p.digest(algo, utf8("m")), sig), `${p.name} ${name}`).toBe(
          true,
        );
      }
    }
  });

  it("never throw for foreign signatures", () => {
    const digest = nobleCrypto.digest(4, utf8("m"));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (sig) => {
        for (const p of providers) {
          for (const key of [rsaKey, ecKey]) expect(p.verifyDigest(publicKeyOf(key), 4, digest, sig)).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("x509", () => {
  it("reads a real certificate: names, key identifiers, key id and self-signature", () => {
    const cert = parseX509(testDer);
    expect(cert.commonName).toBe("kernelkit test key");
    expect(toHex(cert.skid ?? new Uint8Array())).toBe("833bde7b57752e9f76c8f816115439ba33e471b9");
    expect(cert.isCa).toBe(false);
    expect(cert.keyUsage).toBe(1);
    expect(keyId(cert.publicKey, nobleCrypto).toString(16)).toBe("33e471b9");
    for (const p of providers) expect(verifyCertificate(cert, cert.publicKey, p)).toBe(true);
    expect(verifyCertificate(cert, publicKeyOf(rsaKey), nobleCrypto)).toBe(false);
  });

  it("makes certificates that OpenSSL's parser accepts, with a chain", () => {
    const ca = { key: ecKeyFromSeed("ca", nobleCrypto), commonName: "ca" };
    const caDer = makeCertificate({ ...ca, ca: true, crypto: nobleCrypto });
    const leafDer = makeCertificate({ key: rsaKey, commonName: "leaf", issuer: ca, serial: 77, crypto: nobleCrypto });
    const caNode = new nodeCryptoLib.X509Certificate(caDer);
    const leafNode = new nodeCryptoLib.X509Certificate(leafDer);
    expect(leafNode.verify(caNode.publicKey)).toBe(true);
    expect(caNode.ca).toBe(true);
    expect(leafNode.ca).toBe(false);
    expect(leafNode.subject).toBe("CN=leaf");
    const leaf = parseX509(leafDer);
    const root = parseX509(caDer);
    expect(toHex(leaf.akid ?? new Uint8Array())).toBe(toHex(root.skid ?? new Uint8Array()));
    expect(verifyCertificate(leaf, root.publicKey, nobleCrypto)).toBe(true);
    expect(root.keyUsage & (1 << 5)).not.toBe(0);
  });

  it("takes keys as PEM, SubjectPublicKeyInfo, PKCS#1 and certificate", () => {
    const forms = [
      rsaPair.publicKey.export({ type: "spki", format: "pem" }),
      rsaPair.publicKey.export({ type: "spki", format: "der" }),
      rsaPair.publicKey.export({ type: "pkcs1", format: "pem" }),
      rsaPair.publicKey.export({ type: "pkcs1", format: "der" }),
      makeCertificate({ key: rsaKey, commonName: "x", crypto: nobleCrypto }),
    ];
    for (const f of forms) {
      const key = parsePublicKey(typeof f === "string" ? f : new Uint8Array(f));
      expect(key.type === "rsa" && toHex(key.n)).toBe(toHex(rsaKey.n));
    }
    for (const curve of ["P-256", "P-384", "P-521"] as const) {
      const pair = nodeCryptoLib.generateKeyPairSync("ec", { namedCurve: curve });
      const key = parsePublicKey(new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" })));
      expect(key.type === "ec" && key.curve).toBe(curve);
      const sig = new Uint8Array(nodeCryptoLib.sign("sha256", Buffer.from("m"), pair.privateKey));
      expect(nobleCrypto.verifyDigest(key, 4, nobleCrypto.digest(4, utf8("m")), sig)).toBe(true);
    }
  });

  it("refuses malformed certificates with EBADMSG or ENOPKG and nothing else, wherever a byte is changed or cut", () => {
    const check = (bytes: Uint8Array): void => {
      try {
        parseX509(bytes);
      } catch (e) {
        expect(["EBADMSG", "ENOPKG"]).toContain((e as { code: string }).code);
      }
    };
    for (let n = 0; n < testDer.length; n += 7) check(testDer.subarray(0, n));
    fc.assert(
      fc.property(fc.nat(testDer.length - 1), fc.integer({ min: 1, max: 255 }), (at, x) => {
        const b = testDer.slice();
        b[at] ^= x;
        check(b);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 300 });
  });
});
