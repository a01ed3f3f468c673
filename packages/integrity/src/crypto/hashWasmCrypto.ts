/**
 * hashWasmCrypto: digests by the hash-wasm package, where WebAssembly is allowed: for small inputs faster than Node's own library.
 *
 *     const crypto = await hashWasmCrypto(await import("hash-wasm"));
 *     verifyMeasurementList(bytes, { crypto, pcrs });
 *
 * The module is handed in, so that nobody who does not use it has to install it. Signatures stay with `nobleCrypto`.
 */
import {
  HASH_ALGO_MD5,
  HASH_ALGO_SHA1,
  HASH_ALGO_SHA256,
  HASH_ALGO_SHA384,
  HASH_ALGO_SHA512,
} from "../abi/hashAlgo.js";
import { nobleCrypto } from "./nobleCrypto.js";
import type { CryptoProvider, Hasher } from "./provider.js";

interface WasmHasher {
  init(): WasmHasher;
  update(data: Uint8Array): WasmHasher;
  digest(form: "binary"): Uint8Array;
}

/** What is used of the hash-wasm module. */
export interface HashWasm {
  createMD5(): Promise<WasmHasher>;
  createSHA1(): Promise<WasmHasher>;
  createSHA256(): Promise<WasmHasher>;
  createSHA384(): Promise<WasmHasher>;
  createSHA512(): Promise<WasmHasher>;
}

/** Compiles the five hashes (once), then everything is synchronous. Algorithms it lacks are left to `nobleCrypto`. */
export async function hashWasmCrypto(hashWasm: HashWasm): Promise<CryptoProvider> {
  const byAlgo: WasmHasher[] = [];
  byAlgo[HASH_ALGO_MD5] = await hashWasm.createMD5();
  byAlgo[HASH_ALGO_SHA1] = await hashWasm.createSHA1();
  byAlgo[HASH_ALGO_SHA256] = await hashWasm.createSHA256();
  byAlgo[HASH_ALGO_SHA384] = await hashWasm.createSHA384();
  byAlgo[HASH_ALGO_SHA512] = await hashWasm.createSHA512();
  return {
    ...nobleCrypto,
    name: "hash-wasm",
    digest(algo, data): Uint8Array {
      const h = byAlgo[algo];
      return h === undefined ? nobleCrypto.digest(algo, data) : h.init().update(data).digest("binary");
    },
    // One wasm instance holds one state, and hashers may overlap: the incremental form stays with noble.
    hasher: (algo): Hasher => nobleCrypto.hasher(algo),
  };
}
