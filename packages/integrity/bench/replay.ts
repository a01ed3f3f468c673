/**
 * replay: 100,000 ima-sig entries replayed in two banks (SHA-1, SHA-256), against evmctl and a plain node:crypto loop in the same run;
 * then a list of a million entries in pieces, with the memory it takes.
 *
 * Run: see bench/README.md. Ratios count, not times.
 */

import { spawnSync } from "node:child_process";
import * as nodeCryptoLib from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as hashWasm from "hash-wasm";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, hashAlgoName } from "../src/abi/hashAlgo.js";
import { utf8 } from "../src/bytes.js";
import { hashWasmCrypto } from "../src/crypto/hashWasmCrypto.js";
import { nobleCrypto } from "../src/crypto/nobleCrypto.js";
import { MeasurementList } from "../src/list/measurementList.js";
import { imaReplay } from "../src/list/replay.js";
import { lookupTemplate } from "../src/list/template.js";
import { ByteWriter, writeTemplateData } from "../src/list/templateData.js";
import { MeasurementListVerifier, verifyMeasurementList } from "../src/list/verifyMeasurementList.js";
import { nodeCrypto } from "../src/node.js";
import type { PcrValues } from "../src/tpm/pcrs.js";

const template = lookupTemplate("ima-sig");
if (template === null) throw new Error("ima-sig");

/** A list of n entries, every one different, with signatures of 265 bytes as a signed system has them. */
function makeList(n: number): MeasurementList {
  const list = new MeasurementList([HASH_ALGO_SHA1, HASH_ALGO_SHA256]);
  const w = new ByteWriter();
  const sig = new Uint8Array(265).fill(7);
  sig[0] = 3;
  for (let i = 0; i < n; i++) {
    w.reset();
    const digest = nodeCrypto.digest(HASH_ALGO_SHA256, utf8(String(i)));
    writeTemplateData(
      template!,
      { name: `/usr/lib/some/folder/file-${i}.so`, algo: HASH_ALGO_SHA256, digest, imaXattr: sig },
      w,
    );
    const b = w.bytes();
    list.append(
      "ima-sig",
      b,
      10,
      [nodeCrypto.digest(HASH_ALGO_SHA1, b), nodeCrypto.digest(HASH_ALGO_SHA256, b)],
      false,
    );
  }
  return list;
}

/** What somebody writes in an afternoon: slices, createHash, Buffer.concat. */
function plainLoop(bytes: Uint8Array): string {
  const b = Buffer.from(bytes);
  const hash = (algo: string, ...parts: Buffer[]): Buffer => {
    const h = nodeCryptoLib.createHash(algo);
    for (const p of parts) h.update(p);
    return h.digest();
  };
  let pcr1: Buffer = Buffer.alloc(20);
  let pcr256: Buffer = Buffer.alloc(32);
  for (let at = 0; at < b.length; ) {
    const name = b.readUInt32LE(at + 24);
    const size = b.readUInt32LE(at + 28 + name);
    const data = b.subarray(at + 32 + name, at + 32 + name + size);
    pcr1 = hash("sha1", pcr1, hash("sha1", data));
    pcr256 = hash("sha256", pcr256, hash("sha256", data));
    at += 32 + name + size;
  }
  return `${pcr1.toString("hex")} ${pcr256.toString("hex")}`;
}

function best(fn: () => void, runs: number = 5): number {
  let t = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    fn();
    t = Math.min(t, performance.now() - start);
  }
  return t;
}

const N = 100_000;
const list = makeList(N).toBinary();
const wasm = await hashWasmCrypto(hashWasm);
const dir = mkdtempSync(join(tmpdir(), "kernelkit-bench-"));
const rows: [string, number][] = [];
try {
  const r = imaReplay(list, { crypto: nodeCrypto });
  const pcrs: Record<string, Record<string, string>> = {};
  const args = ["ima_measurement"];
  for (const algo of [HASH_ALGO_SHA1, HASH_ALGO_SHA256]) {
    const hex = Buffer.from(r.read(algo, 10) ?? []).toString("hex");
    pcrs[hashAlgoName[algo]] = { "10": hex };
    const zero = "00 ".repeat(hex.length / 2).trim();
    const lines = Array.from(
      { length: 24 },
      (_, i) => `PCR-${String(i).padStart(2, "0")}: ${i === 10 ? hex.replace(/../g, "$& ").trim() : zero}\n`,
    );
    writeFileSync(join(dir, hashAlgoName[algo]), lines.join(""));
    args.push("--pcrs", `${hashAlgoName[algo]},${join(dir, hashAlgoName[algo])}`);
  }
  writeFileSync(join(dir, "list"), list);
  const evmctl = spawnSync("evmctl", [...args, join(dir, "list")], { stdio: "ignore" });
  if (evmctl.status === 0)
    rows.push([
      "evmctl ima_measurement (C, OpenSSL; with its start)",
      best(() => spawnSync("evmctl", [...args, join(dir, "list")], { stdio: "ignore" })),
    ]);
  else console.log(`evmctl did not run: ${evmctl.error ?? `status ${evmctl.status}`}`);
  rows.push(["plain node:crypto loop, nothing checked", best(() => plainLoop(list))]);
  for (const crypto of [nodeCrypto, wasm, nobleCrypto]) {
    rows.push([`imaReplay, ${crypto.name}`, best(() => imaReplay(list, { crypto }))]);
    rows.push([
      `verifyMeasurementList without files, ${crypto.name}`,
      best(() => verifyMeasurementList(list, { crypto, pcrs: pcrs as PcrValues, files: false })),
    ]);
  }
  rows.push([
    "verifyMeasurementList with per-file table, node:crypto",
    best(() => verifyMeasurementList(list, { crypto: nodeCrypto, pcrs: pcrs as PcrValues })),
  ]);
  const base = rows[0][1];
  console.log(`${N} ima-sig entries, ${(list.length / 1e6).toFixed(1)} MB, two banks`);
  for (const [name, ms] of rows)
    console.log(
      `${name.padEnd(62)} ${ms.toFixed(0).padStart(6)} ms   ${(ms / base).toFixed(2)} x ${rows[0][0].split(" ")[0]}`,
    );

  const M = 1_000_000;
  const times: number[] = [];
  const big = new MeasurementList([HASH_ALGO_SHA1, HASH_ALGO_SHA256]);
  const w = new ByteWriter();
  const d1 = new Uint8Array(20);
  const d256 = new Uint8Array(32);
  for (let i = 0; i < M; ) {
    const start = performance.now();
    for (const end = i + M / 10; i < end; i++) {
      w.reset();
      writeTemplateData(template, { name: `/f${i}`, algo: HASH_ALGO_SHA256, digest: d256 }, w);
      for (let j = 0; j < 4; j++) d1[j] = i >>> (8 * j);
      d1[7] = Math.imul(i, 0x9e3779b1) >>> 24;
      big.append("ima-sig", w.bytes(), 10, [d1, d256], false);
    }
    times.push(((performance.now() - start) * 1e6) / (M / 10));
  }
  console.log(`append, ns per entry by 100,000: ${times.map((t) => t.toFixed(0)).join(" ")}`);
  console.log("bytes:", JSON.stringify(big.memory()));

  const before = process.memoryUsage();
  const v = new MeasurementListVerifier({ crypto: nodeCrypto, files: false });
  const start = performance.now();
  let peak = 0;
  for (let i = 0; i < 10; i++) {
    for (let at = 0; at < list.length; at += 65536) v.push(list.subarray(at, at + 65536));
    const u = process.memoryUsage();
    peak = Math.max(peak, u.heapUsed + u.arrayBuffers - before.heapUsed - before.arrayBuffers);
  }
  const verdict = v.finish();
  const ms = performance.now() - start;
  console.log(
    `streaming ${verdict.entries} entries (${((10 * list.length) / 1e6).toFixed(0)} MB): ${ms.toFixed(0)} ms, ${(peak / 1e6).toFixed(1)} MB above start`,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
