import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haveTools, run, withFolder, writeBytes } from "../../testdata/tools.js";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, hashAlgoName } from "../abi/hashAlgo.js";
import { toHex, utf8 } from "../bytes.js";
import { nodeCrypto } from "../node.js";
import { PcrBanks } from "../tpm/pcrs.js";
import { asciiMeasurements, latin1Bytes } from "./asciiList.js";
import { parseKexecBuffer, writeKexecBuffer } from "./kexecBuffer.js";
import { parseMeasurementList } from "./listReader.js";
import { MeasurementList } from "./measurementList.js";
import { lookupTemplate, templateNames } from "./template.js";
import { ByteWriter, type TemplateEvent, templateHash, writeTemplateData } from "./templateData.js";
import { verifyMeasurementList } from "./verifyMeasurementList.js";

const algos = [HASH_ALGO_SHA1, HASH_ALGO_SHA256];

/** A list with the registers it leaves. */
class Machine {
  readonly list: MeasurementList = new MeasurementList(algos);
  readonly tpm: PcrBanks = new PcrBanks(algos);
  private readonly w: ByteWriter = new ByteWriter();

  measure(template: string, ev: TemplateEvent, pcr: number = 10): number {
    const t = lookupTemplate(template);
    if (t === null) throw new Error(template);
    this.w.reset();
    writeTemplateData(t, ev, this.w);
    const violation = ev.digest === null;
    const digests = algos.map((a) =>
      violation ? new Uint8Array(a === HASH_ALGO_SHA1 ? 20 : 32) : templateHash(t, this.w.bytes(), a, nodeCrypto),
    );
    if (!violation && this.list.find(digests[0], pcr) >= 0) return -1;
    algos.forEach((_, c) => {
      const d = violation ? new Uint8Array(digests[c].length).fill(0xff) : digests[c];
      this.tpm.extend(this.tpm.banks[c], pcr, d, nodeCrypto);
    });
    return this.list.append(template, this.w.bytes(), pcr, digests, violation);
  }

  file(template: string, name: string, content: string, pcr: number = 10): number {
    return this.measure(
      template,
      { name, algo: HASH_ALGO_SHA256, digest: nodeCrypto.digest(HASH_ALGO_SHA256, utf8(content)) },
      pcr,
    );
  }
}

describe("the measurement list", () => {
  it("finds an entry again by digest and register", () => {
    const m = new Machine();
    expect(m.file("ima-ng", "/a", "1")).toBe(0);
    expect(m.file("ima-ng", "/a", "2")).toBe(1);
    expect(m.file("ima-ng", "/a", "1")).toBe(-1);
    expect(m.file("ima-ng", "/a", "1", 11)).toBe(2);
    expect(m.file("ima-sig", "/a", "1")).toBe(3);
    expect(m.list.count).toBe(4);
  });

  it("never finds a violation again", () => {
    const m = new Machine();
    const v: TemplateEvent = { name: "/v", algo: HASH_ALGO_SHA256, digest: null };
    for (let i = 0; i < 3; i++) expect(m.measure("ima-ng", v)).toBe(i);
    expect(m.list.violations).toBe(3);
    expect(m.list.asciiEntry(0)).toBe(`10 ${"0".repeat(40)} ima-ng sha256:${"0".repeat(64)} /v\n`);
  });

  it("is what its own binary and ascii forms say, after any script; a replay gives the registers", () => {
    const name = fc.oneof(
      fc.constantFrom("/a", "/b c", "/ü"),
      fc.string({ minLength: 1, maxLength: 300 }).map((s) => s.replaceAll("\0", "")),
    );
    const event = fc.record({
      name: name.filter((n) => n !== ""),
      digest: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: null, freq: 8 }),
      imaXattr: fc.option(
        fc.uint8Array({ minLength: 9, maxLength: 30 }).map((b) => Uint8Array.of(3, ...b)),
        { nil: null },
      ),
      buf: fc.uint8Array({ maxLength: 20 }),
      inode: fc.record({ uid: fc.nat(), gid: fc.nat(), mode: fc.nat(0xffff) }),
    });
    const step = fc.tuple(
      fc.constantFrom(...templateNames, "d-ng|n-ng|iuid|igid|imode"),
      event,
      fc.constantFrom(10, 10, 11, 63),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const m = new Machine();
        for (const [template, ev, pcr] of steps) {
          if (template === "ima" && utf8(ev.name.slice(ev.name.lastIndexOf("/") + 1)).length > 255) continue;
          m.measure(
            template,
            { ...ev, algo: HASH_ALGO_SHA256, sha1: () => nodeCrypto.digest(HASH_ALGO_SHA1, utf8(ev.name)) },
            pcr === 63 ? 12 : pcr,
          );
        }
        const binary = m.list.toBinary();
        const entries = parseMeasurementList(binary);
        expect(entries.length).toBe(m.list.count);
        let ascii = "";
        for (let i = 0; i < m.list.count; i++) ascii += m.list.asciiEntry(i);
        expect(toHex(asciiMeasurements(binary))).toBe(toHex(latin1Bytes(ascii)));
        expect(ascii.split("\n").length - 1).toBe(m.list.count);
        expect(entries.filter((e) => e.violation).length).toBe(m.list.violations);
        const keys = entries.filter((e) => !e.violation).map((e) => `${e.pcr} ${toHex(e.templateHash)}`);
        expect(new Set(keys).size).toBe(keys.length);
        const v = verifyMeasurementList(binary, { pcrs: m.tpm.toValues(), crypto: nodeCrypto });
        expect(v.badTemplateHashes).toBe(0);
        expect(v.attested).toBe(true);
        for (const algo of algos) {
          for (const [index, value] of Object.entries(v.pcrs[hashAlgoName[algo]])) {
            expect(value).toBe(m.tpm.toValues()[hashAlgoName[algo]][index]);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("shows the list of another bank with that bank's template hashes (6.10)", () => {
    const m = new Machine();
    m.file("ima-ng", "/a", "1");
    const c = m.list.column(HASH_ALGO_SHA256);
    const binary = m.list.toBinary(0, c);
    expect(verifyMeasurementList(binary, { listHash: HASH_ALGO_SHA256, pcrs: m.tpm.toValues() })).toMatchObject({
      ok: true,
      entries: 1,
    });
    expect(m.list.asciiEntry(0, c)).toBe(
      Buffer.from(asciiMeasurements(binary, { listHash: HASH_ALGO_SHA256 })).toString(),
    );
  });

  it("keeps growing at the same cost: no entry is moved by more than doubling", () => {
    const m = new Machine();
    for (let i = 0; i < 3000; i++) m.file("ima-ng", `/f${i}`, String(i));
    expect(m.list.count).toBe(3000);
    for (let i = 0; i < 3000; i += 97) expect(m.file("ima-ng", `/f${i}`, String(i))).toBe(-1);
    const mem = m.list.memory();
    expect(mem.columns / 4096).toBe(6);
    expect(mem.table).toBe(8192 * 4);
  });

  it("goes over kexec as version 1 buffer; other versions, sizes and counts are EINVAL", () => {
    const m = new Machine();
    m.file("ima-sig", "/a", "1");
    m.file("ima", "/b", "1");
    const buffer = writeKexecBuffer(m.list.toBinary(), m.list.count);
    expect(parseKexecBuffer(buffer).map((e) => e.path)).toEqual(["/a", "/b"]);
    const einval = expect.objectContaining({ code: "EINVAL" });
    for (const [at, v] of [
      [0, 2],
      [8, 200],
      [16, 3],
    ] as const) {
      const b = buffer.slice();
      b[at] = v;
      expect(() => parseKexecBuffer(b)).toThrow(einval);
    }
    for (let n = 0; n < buffer.length; n++) expect(() => parseKexecBuffer(buffer.subarray(0, n))).toThrow(einval);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (b) => {
        expect(() => parseKexecBuffer(Uint8Array.of(1, 0, ...b))).toThrow(einval);
      }),
    );
  });

  it.skipIf(!haveTools("evmctl"))(
    "is accepted by evmctl with our registers, and refused by both when tampered with",
    () => {
      const m = new Machine();
      for (const t of ["ima-ng", "ima-sig", "ima-ng"])
        for (let i = 0; i < 20; i++) m.file(t, `/usr/bin/${t}${i}`, `${i}`);
      withFolder((dir) => {
        const args = ["ima_measurement"];
        for (const bank of m.tpm.banks) {
          const name = hashAlgoName[bank.algo];
          const lines = Object.values(m.tpm.toValues()[name]).map(
            (v, i) => `PCR-${String(i).padStart(2, "0")}: ${v.replace(/../g, "$& ").trim()}\n`,
          );
          args.push("--pcrs", `${name},${writeBytes(`${dir}/${name}`, lines.join(""))}`);
        }
        const check = (list: Uint8Array): [boolean, boolean] => [
          run("evmctl", [...args, writeBytes(`${dir}/list`, list)]).status === 0,
          verifyMeasurementList(list, { pcrs: m.tpm.toValues() }).ok,
        ];
        const list = m.list.toBinary();
        const entries = parseMeasurementList(list);
        expect(check(list)).toEqual([true, true]);
        expect(check(list.subarray(0, entries[30].offset))).toEqual([false, false]);
        const swapped = new Uint8Array([
          ...list.subarray(entries[1].offset, entries[2].offset),
          ...list.subarray(0, entries[1].offset),
          ...list.subarray(entries[2].offset),
        ]);
        expect(check(swapped)).toEqual([false, false]);
        const changed = list.slice();
        changed[entries[3].offset + 60] ^= 1;
        expect(check(changed)).toEqual([false, false]);
      });
    },
  );
});
