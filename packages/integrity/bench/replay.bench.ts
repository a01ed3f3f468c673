/**
 * Replaying 100,000 ima-sig entries in two banks (SHA-1, SHA-256) against evmctl and a plain node:crypto loop in the same run, and a list
 * of a million entries: appended, and verified in pieces.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as hashWasm from "hash-wasm";
import type { Benchmark, Peer } from "../../../tooling/bench/src/index.js";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, hashAlgoName } from "../src/abi/hashAlgo.js";
import { utf8 } from "../src/bytes.js";
import { hashWasmCrypto } from "../src/crypto/hashWasmCrypto.js";
import { nobleCrypto } from "../src/crypto/nobleCrypto.js";
import type { CryptoProvider } from "../src/crypto/provider.js";
import { MeasurementList } from "../src/list/measurementList.js";
import { imaReplay } from "../src/list/replay.js";
import { lookupTemplate, type Template } from "../src/list/template.js";
import { ByteWriter, writeTemplateData } from "../src/list/templateData.js";
import { MeasurementListVerifier, verifyMeasurementList } from "../src/list/verifyMeasurementList.js";
import { nodeCrypto } from "../src/node.js";
import type { PcrValues } from "../src/tpm/pcrs.js";

const N = 100_000;
const M = 1_000_000;
const BANKS = [HASH_ALGO_SHA1, HASH_ALGO_SHA256];
const template = lookupTemplate("ima-sig") as Template;

/** A list of n entries, every one different, with signatures of 265 bytes as a signed system has them. */
function makeList(n: number): Uint8Array {
  const list = new MeasurementList(BANKS);
  const w = new ByteWriter();
  const sig = new Uint8Array(265).fill(7);
  sig[0] = 3;
  for (let i = 0; i < n; i++) {
    w.reset();
    const digest = nodeCrypto.digest(HASH_ALGO_SHA256, utf8(String(i)));
    const name = `/usr/lib/some/folder/file-${i}.so`;
    writeTemplateData(template, { name, algo: HASH_ALGO_SHA256, digest, imaXattr: sig }, w);
    const b = w.bytes();
    const digests = BANKS.map((algo) => nodeCrypto.digest(algo, b));
    list.append("ima-sig", b, 10, digests, false);
  }
  return list.toBinary();
}

let made: Uint8Array | null = null;
const list = (): Uint8Array => {
  made ??= makeList(N);
  return made;
};

/** What somebody writes in an afternoon: slices, createHash, Buffer.concat. Nothing is checked. */
function plainLoop(bytes: Uint8Array): string {
  const b = Buffer.from(bytes);
  const hash = (algo: string, ...parts: Buffer[]): Buffer => {
    const h = createHash(algo);
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

function pcrs(): PcrValues {
  const r = imaReplay(list(), { crypto: nodeCrypto, banks: BANKS });
  return Object.fromEntries(BANKS.map((algo) => [hashAlgoName[algo], { 10: r.read(algo, 10) as Uint8Array }]));
}

/** evmctl ima_measurement over the same list and the right registers: nanoseconds per entry, its start included. */
function evmctl(): number {
  const dir = mkdtempSync(join(tmpdir(), "kernelkit-bench-"));
  try {
    const args = ["ima_measurement"];
    for (const [bank, regs] of Object.entries(pcrs())) {
      const hex = Buffer.from(regs["10"] as Uint8Array).toString("hex");
      const zero = "00 ".repeat(hex.length / 2).trim();
      const value = (i: number): string => (i === 10 ? hex.replace(/../g, "$& ").trim() : zero);
      const lines = Array.from({ length: 24 }, (_, i) => `PCR-${String(i).padStart(2, "0")}: ${value(i)}\n`);
      writeFileSync(join(dir, bank), lines.join(""));
      args.push("--pcrs", `${bank},${join(dir, bank)}`);
    }
    writeFileSync(join(dir, "list"), list());
    const start = performance.now();
    const r = spawnSync("evmctl", [...args, join(dir, "list")], { stdio: "ignore" });
    if (r.status !== 0) throw new Error("evmctl (ima-evm-utils) is not installed, or refuses the list");
    return ((performance.now() - start) * 1e6) / N;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The targets are ratios of rates: 1 / 1.5 of evmctl's, and above the loop's. */
const rivals: Peer[] = [
  { name: "evmctl", target: 0.67, timed: evmctl },
  { name: "plain node:crypto loop", target: 1, per: N, setup: () => () => plainLoop(list()) },
];
const shown = rivals.map((p) => ({ ...p, target: undefined }) as unknown as Peer);

const replay = (name: string, crypto: () => CryptoProvider | Promise<CryptoProvider>, peers: Peer[]): Benchmark => ({
  name: `replay 100 k entries, 2 banks, ${name}`,
  unit: "entry",
  per: N,
  setup: async () => {
    const c = await crypto();
    return () => imaReplay(list(), { crypto: c, banks: BANKS });
  },
  peers,
});

function filled(n: number): MeasurementList {
  const big = new MeasurementList(BANKS);
  const w = new ByteWriter();
  const d1 = new Uint8Array(20);
  const d256 = new Uint8Array(32);
  for (let i = 0; i < n; i++) {
    w.reset();
    writeTemplateData(template, { name: `/f${i}`, algo: HASH_ALGO_SHA256, digest: d256 }, w);
    for (let j = 0; j < 4; j++) d1[j] = i >>> (8 * j);
    big.append("ima-sig", w.bytes(), 10, [d1, d256], false);
  }
  return big;
}

const append = (n: number): Benchmark => ({
  name: `append ${n} entries to an empty list`,
  unit: "entry",
  timed: () => {
    const start = performance.now();
    filled(n);
    return ((performance.now() - start) * 1e6) / n;
  },
  bytesPer: () => {
    const { arena, digests, columns, table } = filled(n).memory();
    const all = arena + columns + table + Object.values(digests).reduce((a, b) => a + b, 0);
    return { "entry (with 52 bytes of digests)": Math.round(all / n) };
  },
});

const benchmarks: Benchmark[] = [
  replay("hash-wasm", () => hashWasmCrypto(hashWasm), rivals),
  replay("node:crypto", () => nodeCrypto, shown),
  replay("noble", () => nobleCrypto, shown),
  {
    name: "verifyMeasurementList with per-file table, node:crypto",
    unit: "entry",
    per: N,
    setup: () => {
      const registers = pcrs();
      return () => verifyMeasurementList(list(), { crypto: nodeCrypto, pcrs: registers });
    },
  },
  {
    name: "a million entries verified in pieces of 64 KiB, no table",
    unit: "entry",
    timed: () => {
      const start = performance.now();
      const v = new MeasurementListVerifier({ crypto: nodeCrypto, files: false });
      for (let i = 0; i < M / N; i++)
        for (let at = 0; at < list().length; at += 65536) v.push(list().subarray(at, at + 65536));
      v.finish();
      return ((performance.now() - start) * 1e6) / M;
    },
  },
  append(10_000),
  append(100_000),
  append(M),
];
export default benchmarks;
