/** What every open of a watched file costs, and what a verifier does per file and per quote. */
import { O_RDONLY, type OpenFile } from "@kernelkit/core";
import type { Benchmark } from "../../../tooling/bench/src/index.js";
import { HASH_ALGO_SHA256 } from "../src/abi/hashAlgo.js";
import { utf8 } from "../src/bytes.js";
import { ecKeyFromSeed } from "../src/crypto/makeCertificate.js";
import { nobleCrypto, publicKeyOf } from "../src/crypto/nobleCrypto.js";
import { signV2, verifyImaSignature } from "../src/digsig/digsigVerify.js";
import { evmData, evmHmac } from "../src/evm/evmDigest.js";
import { nodeCrypto } from "../src/node.js";
import { Rig } from "../src/stories/rig.js";
import { checkQuote } from "../src/tpm/quote.js";

const BATCH = 1000;

/** The check alone, as the VFS calls it for a file that is open already: policy, cached flags, verdict. */
function cachedCheck(cmdline: string): () => number {
  const rig = new Rig({ cmdline });
  rig.write("/mnt/f", "x");
  rig.open("/mnt/f");
  const fd = rig.sys.open("/mnt/f", O_RDONLY);
  const { init, core } = rig.kernel;
  const file = init.files?.get(fd) as OpenFile;
  const { pathOpen } = core.hooks;
  if (pathOpen.on === null) throw new Error("nobody checks");
  const check = pathOpen.on;
  return () => {
    let n = 0;
    for (let i = 0; i < BATCH; i++) n |= check(file, 4);
    return n;
  };
}

/** open(2) and close(2) of a cached file, with and without IMA. */
function openClose(cmdline: string): () => number {
  const rig = new Rig({ cmdline });
  rig.write("/mnt/f", "x");
  rig.open("/mnt/f");
  const { sys } = rig;
  return () => {
    let n = 0;
    for (let i = 0; i < BATCH; i++) {
      const fd = sys.open("/mnt/f", O_RDONLY);
      n += sys.close(fd);
    }
    return n;
  };
}

const TCB = "ima_policy=tcb";
const BOTH = "ima_policy=tcb ima_appraise_tcb ima_appraise=enforce";

function hmacs(crypto: typeof nobleCrypto): () => number {
  const hmac = evmHmac(utf8("key"), crypto);
  const inode = { ino: 12, generation: 0, uid: 0, gid: 0, mode: 0o100644 };
  const label = new Uint8Array(34);
  const uuid = new Uint8Array(16);
  return () => {
    let n = 0;
    for (let i = 0; i < BATCH; i++) n += hmac(evmData([label], { ...inode, ino: i }, false, uuid))[0];
    return n;
  };
}

const benchmarks: Benchmark[] = [
  {
    name: "check of an open file, tcb, measured before",
    unit: "check",
    target: 3e6,
    per: BATCH,
    setup: () => cachedCheck(TCB),
  },
  {
    name: "check of an open file, tcb and appraise_tcb, good before",
    unit: "check",
    target: 3e6,
    per: BATCH,
    setup: () => cachedCheck(BOTH),
  },
  {
    name: "open and close of a good file under both policies",
    unit: "open",
    per: BATCH,
    setup: () => openClose(BOTH),
    peers: [{ name: "the same without a policy", per: BATCH, setup: () => openClose("") }],
  },
  { name: "HMAC of a file, noble", unit: "file", target: 10_000, per: BATCH, setup: () => hmacs(nobleCrypto) },
  { name: "HMAC of a file, node:crypto", unit: "file", target: 10_000, per: BATCH, setup: () => hmacs(nodeCrypto) },
  {
    name: "signature of a file checked, P-256, node:crypto",
    unit: "file",
    setup: () => {
      const key = ecKeyFromSeed("vendor", nobleCrypto);
      const digest = nodeCrypto.digest(HASH_ALGO_SHA256, utf8("file"));
      const sig = signV2(key, HASH_ALGO_SHA256, digest, nobleCrypto);
      const file = { algo: HASH_ALGO_SHA256, digest };
      const id = nobleCrypto.digest(HASH_ALGO_SHA256, sig.subarray(3, 7));
      id.set(sig.subarray(3, 7), id.length - 4);
      const keys = [{ description: "vendor", publicKey: publicKeyOf(key), id, der: new Uint8Array(0) }];
      return () => verifyImaSignature(sig, file, { keys, crypto: nodeCrypto });
    },
  },
  {
    name: "quote checked, P-256, node:crypto",
    unit: "quote",
    setup: () => {
      const rig = new Rig({ cmdline: TCB });
      const quote = { ...rig.api.quote("sha256:10", "00"), key: rig.api.attestationKey, nonce: "00" };
      return () => checkQuote(quote, nodeCrypto);
    },
  },
];
export default benchmarks;
