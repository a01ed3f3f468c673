import * as nodeCryptoLib from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haveTools, must, readBytes, run, withFolder, writeBytes } from "../../testdata/tools.js";
import { hashAlgoByName } from "../abi/hashAlgo.js";
import { fromHex, toHex, utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { PrivateKey } from "../crypto/provider.js";
import { parseMeasurementList } from "../list/listReader.js";
import { nodeCrypto } from "../node.js";
import { fileIdDigest, integrityDigsigVerify, signV2, verifyImaSignature } from "./digsigVerify.js";
import { findKey, keyringOf } from "./keyring.js";
import { readSignatureHeader, writeSignature } from "./signatureHeader.js";

const data = new URL("../../testdata/", import.meta.url);
const testDer = new Uint8Array(readFileSync(new URL("test-rsa.der", data)));
const list = parseMeasurementList(new Uint8Array(readFileSync(new URL("list-sig.bin", data))));
const sigOf = (path: string): Uint8Array =>
  list.find((e) => e.path === path && e.sig !== null)?.sig ?? new Uint8Array(0);
const p1 = sigOf("/mnt/p1");
const ring = keyringOf(nobleCrypto, testDer);
const vendor = ecKeyFromSeed("vendor", nobleCrypto);
const vendorCert = makeCertificate({ key: vendor, commonName: "vendor", crypto: nobleCrypto });

describe("recorded signatures", () => {
  it.each([
    ["/mnt/p1", "plain 1\n", "sha256"],
    ["/mnt/p3", "plain 3\n", "sha1"],
    ["/mnt/p4", "plain 4\n", "sha512"],
  ])("%s verifies with the content it was made for, by %s", (path, content, algo) => {
    const sig = sigOf(path);
    expect(readSignatureHeader(sig)).toMatchObject({
      type: 3,
      version: 2,
      algo: hashAlgoByName(algo),
      keyId: 0x33e471b9,
    });
    for (const crypto of [nobleCrypto, nodeCrypto]) {
      expect(verifyImaSignature(sig, utf8(content), { keys: [testDer], crypto })).toMatchObject({
        ok: true,
        error: "",
      });
      expect(verifyImaSignature(sig, utf8(`${content}x`), { keys: [testDer], crypto }).error).toBe("EKEYREJECTED");
    }
  });

  it("answer as the kernel does: unknown key, changed bit, size, header only, version, hash", () => {
    const digest = nobleCrypto.digest(4, utf8("plain 1\n"));
    const check = (change: (b: Uint8Array) => Uint8Array | undefined, keys = ring): number => {
      const b = p1.slice();
      return integrityDigsigVerify(keys, change(b) ?? b, digest, nobleCrypto);
    };
    const at = (i: number, v: number) => (b: Uint8Array) => {
      b[i] = v;
      return undefined;
    };
    expect(check(() => undefined)).toBe(0);
    expect(check(() => undefined, [])).toBe(-126);
    expect(check(at(p1.length - 1, p1[p1.length - 1] ^ 1))).toBe(-129);
    expect(check(at(8, p1[8] - 1))).toBe(-74);
    expect(check((b) => b.subarray(0, b.length - 1))).toBe(-74);
    expect(check((b) => b.subarray(0, 9))).toBe(-74);
    expect(check((b) => b.subarray(0, 1))).toBe(-22);
    expect(check(at(1, 1))).toBe(-126);
    expect(check(at(1, 4))).toBe(-95);
    expect(check(at(2, 200))).toBe(-65);
    expect(check(at(2, 5))).toBe(-129);
  });
});

describe("signatures made here", () => {
  it("verify with every hash that has a number, and only with their own file", () => {
    for (const algo of [1, 2, 4, 5, 6, 7, 20]) {
      const sig = signV2(vendor, algo, nobleCrypto.digest(algo, utf8("file")), nobleCrypto);
      expect(verifyImaSignature(sig, utf8("file"), { keys: [vendorCert] }).ok).toBe(true);
      expect(verifyImaSignature(sig, utf8("other"), { keys: [vendorCert] }).error).toBe("EKEYREJECTED");
    }
  });

  it("of version 3 sign type, algorithm and fs-verity digest", () => {
    const verity = nobleCrypto.digest(4, utf8("merkle root"));
    const inner = signV2(vendor, 4, fileIdDigest(6, 4, verity, nobleCrypto), nobleCrypto);
    const hdr = readSignatureHeader(inner);
    if (hdr === null) throw new Error("header");
    const v3 = writeSignature(6, 3, 4, hdr.keyId, hdr.signature);
    expect(verifyImaSignature(v3, { algo: 4, digest: verity }, { keys: [vendorCert] }).ok).toBe(true);
    expect(verifyImaSignature(inner, { algo: 4, digest: verity }, { keys: [vendorCert] }).ok).toBe(false);
    const wrongType = writeSignature(3, 3, 4, hdr.keyId, hdr.signature);
    expect(verifyImaSignature(wrongType, { algo: 4, digest: verity }, { keys: [vendorCert] }).error).toBe("EOPNOTSUPP");
  });

  it("are refused whichever bit is changed, and any other bytes never throw", () => {
    const sig = signV2(vendor, 4, nobleCrypto.digest(4, utf8("file")), nobleCrypto);
    fc.assert(
      fc.property(fc.nat(sig.length - 1), fc.nat(7), (at, bit) => {
        const b = sig.slice();
        b[at] ^= 1 << bit;
        expect(verifyImaSignature(b, utf8("file"), { keys: [vendorCert] }).ok).toBe(false);
      }),
      { numRuns: 150 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (b) => {
        expect(verifyImaSignature(b, utf8("file"), { keys: [vendorCert] }).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("keyrings", () => {
  it("find a key by the last four bytes of its identifier", () => {
    expect(findKey(ring, 0x33e471b9)?.description).toBe("kernelkit test key: 833bde7b57752e9f76c8f816115439ba33e471b9");
    expect(findKey(ring, 0x3603ab1d)).toBe(null);
  });

  it("name a certificate without identifier by serial number and issuer", () => {
    const der = makeCertificate({ key: vendor, commonName: "v", noSkid: true, crypto: nobleCrypto });
    const [key] = keyringOf(nobleCrypto, der);
    expect(toHex(key.id).endsWith(toHex(utf8("v")))).toBe(true);
  });

  it("refuse what is no key with EBADMSG", () => {
    expect(() => keyringOf(nobleCrypto, fromHex("3000"))).toThrow(expect.objectContaining({ code: "EBADMSG" }));
    expect(() => keyringOf(nobleCrypto, "no key")).toThrow(expect.objectContaining({ code: "EBADMSG" }));
  });
});

describe("against evmctl and openssl", () => {
  const bytes = (v: string | undefined): Uint8Array => new Uint8Array(Buffer.from(v ?? "", "base64url"));
  const rsa = nodeCryptoLib.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = nodeCryptoLib.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ours = (pair: { privateKey: nodeCryptoLib.KeyObject }): PrivateKey => {
    const j = pair.privateKey.export({ format: "jwk" });
    return j.kty === "RSA"
      ? { type: "rsa", n: bytes(j.n), e: bytes(j.e), d: bytes(j.d) }
      : { type: "ec", curve: "P-256", d: bytes(j.d) };
  };

  it.skipIf(!haveTools("evmctl")).each([
    ["RSA", rsa],
    ["ECDSA", ec],
  ] as const)(
    "%s: files that evmctl signs verify here, files that we sign verify there, changes fail in both",
    (_, pair) => {
      withFolder((dir) => {
        const priv = writeBytes(`${dir}/k.pem`, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
        const cert = makeCertificate({ key: ours(pair), commonName: "t", crypto: nobleCrypto });
        const der = writeBytes(`${dir}/c.der`, cert);
        const f = writeBytes(`${dir}/f`, "hello\n");
        for (const name of ["sha1", "sha224", "sha256", "sha384", "sha512"]) {
          must("evmctl", ["ima_sign", "--sigfile", "-a", name, "--key", priv, f]);
          const sig = readBytes(`${f}.sig`);
          expect(verifyImaSignature(sig, utf8("hello\n"), { keys: [cert] }), name).toMatchObject({ ok: true });
          expect(verifyImaSignature(sig, utf8("hellO\n"), { keys: [cert] }).ok).toBe(false);
          const algo = hashAlgoByName(name);
          const mine = signV2(ours(pair), algo, nobleCrypto.digest(algo, utf8("hello\n")), nobleCrypto);
          if (pair === rsa) expect(toHex(mine)).toBe(toHex(sig));
          writeBytes(`${f}.sig`, mine);
          expect(run("evmctl", ["ima_verify", "--sigfile", "--key", der, f]), name).toMatchObject({ status: 0 });
          mine[mine.length - 1] ^= 1;
          writeBytes(`${f}.sig`, mine);
          expect(run("evmctl", ["ima_verify", "--sigfile", "--key", der, f]).status).not.toBe(0);
        }
      });
    },
  );

  it.skipIf(!haveTools("openssl"))("a certificate made by openssl is read, and its key id is evmctl's", () => {
    withFolder((dir) => {
      const subject = ["-subj", "/O=o/CN=by openssl", "-addext", "keyUsage=digitalSignature"];
      must("openssl", [
        "req",
        "-new",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "9",
        ...subject,
        "-keyout",
        `${dir}/k`,
        "-outform",
        "DER",
        "-out",
        `${dir}/c`,
      ]);
      const [key] = keyringOf(nobleCrypto, readBytes(`${dir}/c`));
      const [bare] = keyringOf(nobleCrypto, must("openssl", ["rsa", "-in", `${dir}/k`, "-pubout"]));
      expect(toHex(key.id)).toBe(toHex(bare.id));
      expect(key.description.startsWith("by openssl: ")).toBe(true);
    });
  });
});
