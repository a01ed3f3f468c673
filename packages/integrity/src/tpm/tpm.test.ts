import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haveTools, must, readBytes, run, withFolder, withSwtpm, writeBytes } from "../../testdata/tools.js";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, HASH_ALGO_SHA384, HASH_ALGO_SHA512 } from "../abi/hashAlgo.js";
import { fromHex, toHex, utf8 } from "../bytes.js";
import { ecKeyFromSeed } from "../crypto/makeCertificate.js";
import { nobleCrypto, publicKeyOf } from "../crypto/nobleCrypto.js";
import { encodeSpki } from "../crypto/publicKey.js";
import { bootAggregate, bootAggregateAlgo } from "./bootAggregate.js";
import { PcrBanks, type PcrValues } from "./pcrs.js";
import { checkQuote, tpmQuote } from "./quote.js";
import { parseAttest, parsePcrSelection, writeAttest } from "./tpmsAttest.js";

const data = new URL("../../testdata/", import.meta.url);
const q1 = JSON.parse(readFileSync(new URL("quote.json", data), "utf8")) as Record<
  "key" | "attest" | "signature" | "nonce",
  string
> & {
  pcrs: PcrValues;
};
const recorded = {
  key: q1.key,
  attest: fromHex(q1.attest),
  signature: fromHex(q1.signature),
  nonce: q1.nonce,
  pcrs: q1.pcrs,
};
const boot = JSON.parse(readFileSync(new URL("pcr-boot.json", data), "utf8")) as PcrValues;
const allBanks = [HASH_ALGO_SHA1, HASH_ALGO_SHA256, HASH_ALGO_SHA384, HASH_ALGO_SHA512];
const ak = ecKeyFromSeed("ak", nobleCrypto);

function pem(der: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${Buffer.from(der).toString("base64")}\n-----END PUBLIC KEY-----\n`;
}

describe("PCR banks", () => {
  it("start as zeros, the dynamic ones as ones", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA1]);
    expect(toHex(tpm.read(tpm.banks[0], 10))).toBe("00".repeat(20));
    expect(toHex(tpm.read(tpm.banks[0], 17))).toBe("ff".repeat(20));
    expect(toHex(tpm.read(tpm.banks[0], 23))).toBe("00".repeat(20));
  });

  it("extend by H(old || digest)", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA256]);
    const d = nobleCrypto.digest(HASH_ALGO_SHA256, utf8("x"));
    tpm.extend(tpm.banks[0], 23, d, nobleCrypto);
    const expected = nobleCrypto.digest(HASH_ALGO_SHA256, fromHex("00".repeat(32) + toHex(d)));
    expect(toHex(tpm.read(tpm.banks[0], 23))).toBe(toHex(expected));
  });

  it("refuse registers that do not exist and values of another size", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA1]);
    expect(() => tpm.read(tpm.banks[0], 24)).toThrow(RangeError);
    expect(() => tpm.load({ sha1: { "0": "00" } })).toThrow(RangeError);
    expect(() => tpm.load({ sha256: { "0": "00" } })).toThrow(RangeError);
  });
});

describe("boot_aggregate", () => {
  it("covers PCR 0-7 with SHA-1 and PCR 0-9 with SHA-256, as a real machine recorded it", () => {
    const tpm = new PcrBanks(allBanks);
    tpm.load(boot);
    expect(toHex(bootAggregate(tpm, HASH_ALGO_SHA1, nobleCrypto) ?? utf8(""))).toBe(
      "bd69e2d1aaeec5d5d2666a3e4f7c7ed02908e316",
    );
    expect(toHex(bootAggregate(tpm, HASH_ALGO_SHA256, nobleCrypto) ?? utf8(""))).toBe(
      "c1890f84fd09b5293fa7f5a05ee4c5b6095f4417b1e4ebd7902d7c0687818074",
    );
  });

  it("takes ima_hash's bank, else SHA-256, else SHA-1", () => {
    expect(bootAggregateAlgo(new PcrBanks(allBanks), HASH_ALGO_SHA384)).toBe(HASH_ALGO_SHA384);
    expect(bootAggregateAlgo(new PcrBanks(allBanks), 1)).toBe(HASH_ALGO_SHA256);
    expect(bootAggregateAlgo(new PcrBanks([HASH_ALGO_SHA1]), 1)).toBe(HASH_ALGO_SHA1);
    expect(bootAggregateAlgo(new PcrBanks([]), 1)).toBe(-1);
  });
});

describe("quotes", () => {
  it("of a real TPM verify with their nonce and registers", () => {
    const r = checkQuote(recorded, nobleCrypto);
    expect(r.failure).toBe(null);
    expect(r.attest?.select).toEqual([{ algo: HASH_ALGO_SHA256, pcrs: [10] }]);
    expect(toHex(r.attest?.extraData ?? utf8(""))).toBe("0123456789abcdef0123");
  });

  it("fail by name: signature, nonce, selection, registers", () => {
    const bad = recorded.signature.slice();
    bad[bad.length - 1] ^= 1;
    expect(checkQuote({ ...recorded, signature: bad }, nobleCrypto).failure).toBe("signature");
    expect(checkQuote({ ...recorded, nonce: "00" }, nobleCrypto).failure).toBe("nonce");
    expect(checkQuote({ ...recorded, pcrs: { sha256: { "11": "00".repeat(32) } } }, nobleCrypto).failure).toBe(
      "pcr-select",
    );
    expect(checkQuote({ ...recorded, pcrs: { sha256: { "10": "00".repeat(32) } } }, nobleCrypto).failure).toBe(
      "pcr-digest",
    );
    expect(checkQuote({ ...recorded, attest: recorded.attest.subarray(1) }, nobleCrypto).failure).toBe("malformed");
  });

  it("are written as they were read", () => {
    expect(toHex(writeAttest(parseAttest(recorded.attest)))).toBe(q1.attest);
  });

  it("are refused whichever bit of the attestation or the signature is changed", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat(100000), fc.nat(7), (inAttest, at, bit) => {
        const attest = recorded.attest.slice();
        const signature = recorded.signature.slice();
        const target = inAttest ? attest : signature;
        target[at % target.length] ^= 1 << bit;
        expect(checkQuote({ ...recorded, attest, signature }, nobleCrypto).failure).not.toBe(null);
      }),
      { numRuns: 150 },
    );
  });

  it("of any bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (attest, signature) => {
        expect(checkQuote({ ...recorded, attest, signature }, nobleCrypto).failure).toBe("malformed");
      }),
      { numRuns: 300 },
    );
    for (let n = 0; n < recorded.attest.length; n++) {
      expect(checkQuote({ ...recorded, attest: recorded.attest.subarray(0, n) }, nobleCrypto).failure).toBe(
        "malformed",
      );
    }
  });

  it("of our TPM verify, and no longer after an extend", () => {
    const tpm = new PcrBanks(allBanks);
    const select = parsePcrSelection("sha1:0,10+sha256:10");
    const nonce = utf8("nonce");
    const q = tpmQuote(ak, tpm, { select, nonce }, nobleCrypto);
    const input = { ...q, key: publicKeyOf(ak), nonce };
    expect(checkQuote({ ...input, pcrs: tpm.toValues() }, nobleCrypto).failure).toBe(null);
    tpm.extend(tpm.banks[1], 10, new Uint8Array(32), nobleCrypto);
    expect(checkQuote({ ...input, pcrs: tpm.toValues() }, nobleCrypto).failure).toBe("pcr-digest");
  });

  it.skipIf(!haveTools("tpm2_checkquote"))(
    "of our TPM are accepted by tpm2_checkquote, and refused with a wrong nonce or a changed byte",
    () => {
      const tpm = new PcrBanks(allBanks);
      const q = tpmQuote(
        ak,
        tpm,
        { select: parsePcrSelection("sha256:10,11"), nonce: fromHex("c0ffee"), clock: 5n },
        nobleCrypto,
      );
      withFolder((dir) => {
        const key = writeBytes(`${dir}/ak.pem`, pem(encodeSpki(publicKeyOf(ak))));
        const msg = writeBytes(`${dir}/msg`, q.attest);
        const sig = writeBytes(`${dir}/sig`, q.signature);
        const args = ["-u", key, "-m", msg, "-s", sig, "-g", "sha256", "-q"];
        expect(run("tpm2_checkquote", [...args, "c0ffee"])).toMatchObject({ status: 0 });
        expect(run("tpm2_checkquote", [...args, "c0ffef"]).status).not.toBe(0);
        const changed = q.attest.slice();
        changed[changed.length - 1] ^= 1;
        writeBytes(msg, changed);
        expect(run("tpm2_checkquote", [...args, "c0ffee"]).status).not.toBe(0);
      });
    },
  );

  it.skipIf(!haveTools("swtpm", "tpm2_quote")).each(["rsa", "ecc"])(
    "of a software TPM with an %s key are accepted here",
    (kind) => {
      withSwtpm((env, dir) => {
        must("tpm2_createek", ["-c", `${dir}/ek.ctx`, "-G", "rsa", "-u", `${dir}/ek.pub`], env);
        const scheme = kind === "rsa" ? "rsassa" : "ecdsa";
        const akArgs = ["-C", `${dir}/ek.ctx`, "-c", `${dir}/ak.ctx`, "-G", kind, "-g", "sha256", "-s", scheme];
        must("tpm2_createak", [...akArgs, "-u", `${dir}/ak.pem`, "-f", "pem", "-n", `${dir}/ak.name`], env);
        must("tpm2_pcrextend", [`16:sha256=${"ab".repeat(32)}`], env);
        must("tpm2_flushcontext", ["-t"], env);
        const out = ["-m", `${dir}/msg`, "-s", `${dir}/sig`, "-o", `${dir}/pcrs`];
        must("tpm2_quote", ["-c", `${dir}/ak.ctx`, "-l", "sha256:0,16", "-q", "c0ffee", "-g", "sha256", ...out], env);
        const text = must("tpm2_pcrread", ["sha256:0,16"], env);
        const reg = (n: number): string => new RegExp(`${n} *: 0x([0-9A-F]+)`).exec(text)?.[1] ?? "";
        const input = {
          key: readBytes(`${dir}/ak.pem`),
          attest: readBytes(`${dir}/msg`),
          signature: readBytes(`${dir}/sig`),
        };
        const pcrs = { sha256: { "0": reg(0), "16": reg(16) } };
        expect(checkQuote({ ...input, nonce: "c0ffee", pcrs }, nobleCrypto)).toMatchObject({ failure: null });
        const expected = new PcrBanks([HASH_ALGO_SHA256]);
        expected.extend(expected.banks[0], 16, fromHex("ab".repeat(32)), nobleCrypto);
        expect(toHex(expected.read(expected.banks[0], 16))).toBe(reg(16).toLowerCase());
        expect(checkQuote({ ...input, nonce: "c0ff", pcrs }, nobleCrypto).failure).toBe("nonce");
      });
    },
  );
});
