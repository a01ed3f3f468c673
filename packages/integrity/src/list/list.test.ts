import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, HASH_ALGO_SHA384, HASH_ALGO_SHA512, hashAlgoName } from "../abi/hashAlgo.js";
import { concatBytes, fromHex, putU32be, putU32le, toHex, utf8 } from "../bytes.js";
import { ecKeyFromSeed } from "../crypto/makeCertificate.js";
import { nobleCrypto, publicKeyOf } from "../crypto/nobleCrypto.js";
import { nodeCrypto } from "../node.js";
import { PcrBanks, type PcrValues } from "../tpm/pcrs.js";
import { tpmQuote } from "../tpm/quote.js";
import { parsePcrSelection } from "../tpm/tpmsAttest.js";
import { asciiMeasurements } from "./asciiList.js";
import { parseMeasurementList } from "./listReader.js";
import { imaReplay } from "./replay.js";
import { lookupTemplate } from "./template.js";
import { ByteWriter, templateHash, writeTemplateData } from "./templateData.js";
import { MeasurementListVerifier, verifyAttestation, verifyMeasurementList } from "./verifyMeasurementList.js";

const data = new URL("../../testdata/", import.meta.url);
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, data)));
interface Recorded {
  pcrs: PcrValues;
  count: string;
  violations: string;
}
const pcrsOf = (name: string): Recorded =>
  JSON.parse(readFileSync(new URL(`list-${name}.pcrs.json`, data), "utf8")) as Recorded;
const lists = ["tcb", "ima", "sig", "notpm"];
const banks = [HASH_ALGO_SHA1, HASH_ALGO_SHA256, HASH_ALGO_SHA384, HASH_ALGO_SHA512];
const quote = JSON.parse(readFileSync(new URL("quote.json", data), "utf8")) as Record<
  "key" | "attest" | "signature" | "nonce",
  string
>;
const tcb = bytesOf("list-tcb.bin");

/** A list of our own: entries of a template, with the registers a TPM would hold. */
function makeList(names: readonly string[], template: string, tpm: PcrBanks): Uint8Array {
  const t = lookupTemplate(template);
  if (t === null) throw new Error(template);
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const w = new ByteWriter();
    const digest = nobleCrypto.digest(HASH_ALGO_SHA256, utf8(name));
    writeTemplateData(t, { name, algo: HASH_ALGO_SHA256, digest, inode: { uid: 1000, gid: 5, mode: 0o100644 } }, w);
    const body = w.bytes().slice();
    const head = new Uint8Array(4 + 20 + 4);
    putU32le(head, 0, 10);
    head.set(templateHash(t, body, HASH_ALGO_SHA1, nobleCrypto), 4);
    putU32le(head, 24, template.length);
    const size = new Uint8Array(4);
    putU32le(size, 0, body.length);
    parts.push(head, utf8(template), size, body);
    for (const bank of tpm.banks) tpm.extend(bank, 10, templateHash(t, body, bank.algo, nobleCrypto), nobleCrypto);
  }
  return concatBytes(parts);
}

describe("recorded measurement lists", () => {
  it.each(lists)("%s: the ascii form is the kernel's, byte for byte", (name) => {
    expect(toHex(asciiMeasurements(bytesOf(`list-${name}.bin`)))).toBe(toHex(bytesOf(`list-${name}.ascii`)));
  });

  it.each(lists)("%s: every template hash is right and the counts are the kernel's", (name) => {
    const r = imaReplay(bytesOf(`list-${name}.bin`));
    expect(r.badTemplateHashes).toBe(0);
    expect(String(r.entries)).toBe(pcrsOf(name).count);
    expect(String(r.violations)).toBe(pcrsOf(name).violations);
  });

  it.each(["tcb", "ima", "sig"])(
    "%s: the replay gives PCR 10 of all four banks; SHA-1 padded where the kernel lacked the hash",
    (name) => {
      const kernelHashes = [1, HASH_ALGO_SHA1, HASH_ALGO_SHA256];
      const r = imaReplay(bytesOf(`list-${name}.bin`), { banks, kernelHashes });
      for (const algo of banks) {
        expect(toHex(r.read(algo, 10) ?? utf8(""))).toBe(pcrsOf(name).pcrs[hashAlgoName[algo]]["10"]);
      }
    },
  );

  it.each(["tcb", "ima", "sig"])("%s: the verifier finds out by itself which banks were padded", (name) => {
    const v = verifyMeasurementList(bytesOf(`list-${name}.bin`), { pcrs: pcrsOf(name).pcrs });
    expect(v.failure).toBe(null);
    expect(v.attested).toBe(true);
    expect(v.attestedEntries).toBe(v.entries);
  });

  it("a signature in the list is checked against the keys given; the first bad one is named", () => {
    const v = verifyMeasurementList(bytesOf("list-sig.bin"), {
      pcrs: pcrsOf("sig").pcrs,
      keys: [bytesOf("test-rsa.der")],
    });
    expect(v.files.get("/mnt/p1")?.signature).toBe("good");
    expect(v.files.get("/mnt/p4")?.signature).toBe("good");
    expect(v.files.get("/mnt/p5")?.signature).toBe("ENOKEY");
    expect(v.files.get("/mnt/p10")?.signature).toBe("none");
    expect(v.failure).toMatchObject({ kind: "bad-signature", path: "/mnt/p2", entry: 8 });
  });

  it("a list verifies against a real TPM's quote alone", () => {
    const q = { attest: fromHex(quote.attest), signature: fromHex(quote.signature) };
    const v = verifyMeasurementList(tcb, { quote: q, key: quote.key, nonce: quote.nonce });
    expect(v).toMatchObject({ ok: true, attested: true, entries: 58, violations: 10 });
    expect(v.files.get("/mnt/v3")).toMatchObject({ entries: 4, violations: 3 });
    expect(verifyAttestation({ list: tcb, quote: q.attest, sig: q.signature, ak: quote.key, nonce: quote.nonce })).toBe(
      "violation@28",
    );
    expect(verifyAttestation({ list: tcb, quote: q.attest, sig: q.signature, ak: quote.key, nonce: "00" })).toBe(
      "nonce",
    );
  });
});

describe("tampering", () => {
  it("a changed byte of an entry is that entry's template hash", () => {
    const t = tcb.slice();
    t[t.length - 1] ^= 0xff;
    expect(imaReplay(t).badTemplateHashes).toBe(1);
    const v = verifyMeasurementList(t, { pcrs: pcrsOf("tcb").pcrs });
    expect(v.failure).toMatchObject({ kind: "template-hash", entry: 57 });
    expect(v.failure?.offset).toBe(parseMeasurementList(tcb)[57].offset);
  });

  it("a dropped entry shows in the registers only", () => {
    const entries = parseMeasurementList(tcb);
    const without = concatBytes([tcb.subarray(0, entries[1].offset), tcb.subarray(entries[2].offset)]);
    const v = verifyMeasurementList(without, { pcrs: pcrsOf("tcb").pcrs });
    expect(v.badTemplateHashes).toBe(0);
    expect(v.failure?.kind).toBe("pcr-mismatch");
    expect(v.attested).toBe(false);
  });

  it("a cut list is EINVAL with the offset of the unfinished entry, at every length", () => {
    const offsets = new Set(parseMeasurementList(tcb).map((e) => e.offset));
    offsets.add(tcb.length);
    for (let n = 0; n < tcb.length; n += n < 300 ? 1 : 7) {
      const cut = tcb.subarray(0, n);
      if (offsets.has(n)) continue;
      const v = verifyMeasurementList(cut, { files: false, crypto: nodeCrypto });
      expect(v.failure?.kind).toBe("list-truncated");
      expect(offsets.has(v.failure?.offset ?? -1)).toBe(true);
      if (n % 49 === 0) expect(() => imaReplay(cut)).toThrow(expect.objectContaining({ code: "EINVAL" }));
    }
  });

  it("any flipped bit of a quoted list is found, but for what no register covers: templates' names, and the words of a violation", () => {
    // A template's name is not part of the hash, and a violation extends the register by all ones: nothing of it is attested.
    const uncovered = new Set<number>();
    let names = 0;
    parseMeasurementList(tcb).forEach((e, i, all) => {
      const end = i + 1 < all.length ? all[i + 1].offset : tcb.length;
      const named = e.offset + 28 + e.template.length;
      for (let at = e.offset + 28; at < (e.violation ? end : named); at++) uncovered.add(at);
      names += e.violation ? 0 : e.template.length;
    });
    expect(uncovered.size - names).toBe(10 * (7 + 4 + (4 + 40) + (4 + 8) + 4));
    fc.assert(
      fc.property(fc.nat(tcb.length - 1), fc.nat(7), (at, bit) => {
        fc.pre(!uncovered.has(at));
        const t = tcb.slice();
        t[at] ^= 1 << bit;
        const v = verifyMeasurementList(t, { pcrs: pcrsOf("tcb").pcrs, crypto: nodeCrypto });
        expect(v.ok).toBe(false);
        expect(v.failure).not.toBe(null);
      }),
      { numRuns: 300 },
    );
  });

  it("entries in registers that nobody vouches for do not pass", () => {
    const entries = parseMeasurementList(tcb);
    const extra = tcb.slice(entries[1].offset, entries[2].offset);
    extra[0] = 11;
    const v = verifyMeasurementList(concatBytes([tcb, extra]), {
      pcrs: { sha1: { "10": pcrsOf("tcb").pcrs.sha1["10"] } },
    });
    expect(v.failure?.kind).toBe("pcr-select");
    expect(v.attested).toBe(false);
  });

  it("registers beside a quote count only where the quote selects them", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA1, HASH_ALGO_SHA256]);
    const list = makeList(["/a", "/b"], "ima-ng", tpm);
    const ak = ecKeyFromSeed("ak", nobleCrypto);
    const q = tpmQuote(ak, tpm, { select: parsePcrSelection("sha1:10"), nonce: utf8("n") }, nobleCrypto);
    const pcrs = { ...tpm.toValues(), sha256: { "10": "00".repeat(32) } };
    expect(verifyMeasurementList(list, { quote: q, key: publicKeyOf(ak), pcrs }).failure).toBe(null);
    const other = tpmQuote(ak, tpm, { select: parsePcrSelection("sha1:11"), nonce: utf8("n") }, nobleCrypto);
    expect(verifyMeasurementList(list, { quote: other, key: publicKeyOf(ak), pcrs }).failure?.kind).toBe("pcr-select");
  });
});

describe("the verifier", () => {
  it("accepts a list that has grown since the registers were read, if told so, and says how far they speak", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA256]);
    const first = makeList(["/a", "/b"], "ima-sig", tpm);
    const pcrs = tpm.toValues();
    const list = concatBytes([first, makeList(["/c"], "ima-sig", tpm)]);
    expect(verifyMeasurementList(list, { pcrs }).failure?.kind).toBe("pcr-mismatch");
    expect(verifyMeasurementList(list, { pcrs, allowNewer: true })).toMatchObject({
      ok: true,
      entries: 3,
      attestedEntries: 2,
    });
  });

  it("names the first digest that is not among the reference values", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA256]);
    const list = makeList(["boot_aggregate", "/a", "/b"], "ima-ng", tpm);
    const sha = (s: string): string => `sha256:${toHex(nobleCrypto.digest(HASH_ALGO_SHA256, utf8(s)))}`;
    const reference = { "/a": [sha("/a")], "/b": [sha("x")] };
    expect(verifyMeasurementList(list, { reference }).failure).toMatchObject({
      kind: "unknown-digest",
      entry: 2,
      path: "/b",
    });
    expect(verifyMeasurementList(list, { reference: { ...reference, "/b": [sha("/b")] } }).ok).toBe(true);
    expect(verifyMeasurementList(list, { reference: {} }).failure?.entry).toBe(1);
  });

  it("gives the same verdict whatever the pieces the list comes in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const v = new MeasurementListVerifier({ pcrs: pcrsOf("tcb").pcrs, crypto: nodeCrypto });
        for (let at = 0, i = 0; at < tcb.length; i++) {
          const n = sizes[i % sizes.length];
          v.push(tcb.slice(at, at + n));
          at += n;
        }
        expect(v.finish()).toMatchObject({ ok: true, attested: true, entries: 58 });
      }),
      { numRuns: 40 },
    );
  });

  it("never throws for any bytes and needs no memory for lengths that are not there", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (b) => {
        const v = verifyMeasurementList(b);
        if (b.length > 0) expect(v.failure).not.toBe(null);
      }),
      { numRuns: 500 },
    );
    const huge = tcb.slice(0, 100);
    putU32le(huge, 28 + 7, 0x7fffffff);
    expect(verifyMeasurementList(huge).failure).toMatchObject({ kind: "list-malformed", offset: 35 });
    expect(verifyMeasurementList(huge, { maxEntryBytes: 2 ** 31 - 1 }).failure).toMatchObject({
      kind: "list-truncated",
      offset: 0,
    });
  });

  it("keeps entries of an unknown template opaque but checks their hash", () => {
    const body = utf8("whatever");
    const head = new Uint8Array(28);
    putU32le(head, 0, 10);
    head.set(nobleCrypto.digest(HASH_ALGO_SHA1, body), 4);
    putU32le(head, 24, 3);
    const size = new Uint8Array(4);
    putU32le(size, 0, body.length);
    const list = concatBytes([head, utf8("xyz"), size, body]);
    expect(verifyMeasurementList(list).ok).toBe(true);
    expect(parseMeasurementList(list)[0]).toMatchObject({ template: "xyz", malformed: "unknown template" });
    list[list.length - 1] ^= 1;
    expect(verifyMeasurementList(list).failure?.kind).toBe("template-hash");
  });

  it("reports fields that do not parse under a right hash", () => {
    const body = new Uint8Array(8);
    putU32le(body, 0, 100);
    const head = new Uint8Array(28);
    putU32le(head, 0, 10);
    head.set(nobleCrypto.digest(HASH_ALGO_SHA1, body), 4);
    putU32le(head, 24, 6);
    const size = new Uint8Array(4);
    putU32le(size, 0, body.length);
    const v = verifyMeasurementList(concatBytes([head, utf8("ima-ng"), size, body]));
    expect(v.failure).toMatchObject({ kind: "fields-malformed", entry: 0, offset: 0 });
  });

  it("reads lists of big-endian machines: frames and fields turn, hashes do not", () => {
    const tpm = new PcrBanks([HASH_ALGO_SHA1]);
    const little = makeList(["/a b", "/c"], "d-ng|n-ng|iuid", tpm);
    const big = little.slice();
    for (const e of parseMeasurementList(little)) {
      const swap = (at: number): number => {
        const v = new DataView(big.buffer).getUint32(at, true);
        putU32be(big, at, v);
        return v;
      };
      let at = e.offset;
      swap(at);
      at = e.offset + 24;
      at += 4 + swap(at);
      swap(at);
      at += 4;
      for (const f of e.fields) {
        swap(at);
        at += 4 + f.bytes.length;
      }
    }
    const v = verifyMeasurementList(big, { endian: "big", pcrs: tpm.toValues() });
    expect(v).toMatchObject({ ok: true, attested: true });
    expect(v.files.has("/a_b")).toBe(true);
    expect(verifyMeasurementList(big).failure?.kind).toBe("list-malformed");
  });

  it("refuses options out of range with a RangeError or TypeError that names them", () => {
    expect(() => verifyMeasurementList(tcb, { endian: "middle" as "big" })).toThrow(/endian.*middle/);
    expect(() => verifyMeasurementList(tcb, { listHash: 99 })).toThrow(RangeError);
    expect(() => verifyMeasurementList(tcb, { maxEntryBytes: 1 })).toThrow(/maxEntryBytes/);
    expect(() => verifyMeasurementList(tcb, { violations: "x" as "fail" })).toThrow(/violations/);
    expect(() => verifyMeasurementList(tcb, { quote: { attest: tcb, signature: tcb } })).toThrow(TypeError);
    expect(() => imaReplay(tcb, { banks: [14] })).toThrow(RangeError);
  });
});
