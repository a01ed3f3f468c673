/**
 * What of integrity's cases only the package can do: the kernel operations (`name: (s, args, step) => result`). The vocabulary
 * is in the README. The start state is in `integrityMachine.ts`.
 */
import {
  asciiMeasurements,
  bootAggregate,
  checkQuote,
  evmCalcHmac,
  hashAlgoByName,
  type IntegrityApi,
  imaReplay,
  nobleCrypto,
  PcrBanks,
  type PcrValues,
  parseMeasurementList,
} from "@kernelkit/integrity";
import { Mismatch } from "../outcome.js";
import { fromHex, fromLatin1, latin1, type Result, toHex } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { taskOf } from "../steps/syscallSteps.js";
import { takeRecords } from "./integrityRecords.js";

const POLICY = "/sys/kernel/security/ima/policy";
const O_WRONLY = 1;

const api = (s: Session): IntegrityApi => s.api<IntegrityApi>("integrity");

const lines = (s: Session): string[] => {
  // Names are bytes; a case's text has a character per byte.
  const list = latin1(asciiMeasurements(api(s).binaryMeasurements()));
  return list === "" ? [] : list.slice(0, -1).split("\n");
};

const counts = (s: Session): { entries: number; violations: number } => ({
  entries: lines(s).length,
  violations: api(s).state.list.violations,
});

interface Seen {
  /** Entries that `ima_new_entries` has shown. */
  shown: number;
  /** Counts when the case began. */
  readonly start: { readonly entries: number; readonly violations: number };
}

/** What has been looked at; the first call is the beginning of the case. */
export const seen = (s: Session): Seen =>
  s.state("integrity seen", () => {
    const start = counts(s);
    return { shown: start.entries, start };
  });

function data(s: Session, path: unknown): Uint8Array {
  const bytes = s.readData(String(path));
  if (bytes === undefined) throw new Mismatch(`the data file ${String(path)}`, "no such file");
  return bytes;
}

const json = (s: Session, path: string): unknown => JSON.parse(new TextDecoder().decode(data(s, path)));

const errnoOf = (s: Session, f: () => unknown): unknown => {
  try {
    return f();
  } catch (e) {
    return s.errorResult(e).errno;
  }
};

/** Open the policy file, write each text, close: what each write returned. */
function policySession(s: Session, args: readonly unknown[], task: string): Result {
  const fd = s.syscall<number>(task, "open", POLICY, O_WRONLY, 0);
  const value = args.map((text) => errnoOf(s, () => s.syscall(task, "write", fd, fromLatin1(String(text)))));
  const closed = errnoOf(s, () => s.syscall(task, "close", fd));
  if (closed !== 0) throw new Mismatch("the policy file closes", String(closed));
  return { value };
}

const banksOf = (s: Session): string[] => (s.spec.machine?.banks as string[] | undefined) ?? ["sha1", "sha256"];

/** Registers of a list, as `pcr10_<bank>`, and as `pcr10_<bank>_padded_sha1` where the kernel lacked the hash. */
function replayFields(s: Session, bytes: Uint8Array): Record<string, unknown> {
  const banks = banksOf(s);
  const hashes = (s.spec.machine?.kernel_hashes as string[] | undefined) ?? banks;
  const r = imaReplay(bytes, { banks: banks.map(hashAlgoByName), kernelHashes: hashes.map(hashAlgoByName) });
  const fields: Record<string, unknown> = {
    entries: r.entries,
    violations: r.violations,
    bad_template_hashes: r.badTemplateHashes,
  };
  for (const bank of banks) {
    const pcr = r.read(hashAlgoByName(bank), 10);
    fields[`pcr10_${bank}${hashes.includes(bank) ? "" : "_padded_sha1"}`] = pcr === null ? undefined : toHex(pcr);
  }
  return fields;
}

/** A changed copy of a list, by the words of the case. */
function tamper(bytes: Uint8Array, how: string): Uint8Array {
  const n = Number(/\d+/.exec(how)?.[0] ?? 0);
  if (how.startsWith("cut the last")) return bytes.slice(0, bytes.length - n);
  if (how.startsWith("drop entry")) {
    const entries = parseMeasurementList(bytes);
    const from = entries[n].offset;
    const to = entries[n + 1]?.offset ?? bytes.length;
    return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(to)]);
  }
  if (how !== "flip the last byte of the last entry") throw new Mismatch("a known way to tamper", how);
  const changed = bytes.slice();
  changed[changed.length - 1] ^= 0xff;
  return changed;
}

function imaTamper(s: Session, [file, how]: readonly unknown[]): Result {
  const changed = tamper(data(s, file), String(how));
  const recorded = json(s, String(file).replace(/\.bin$/, ".pcrs.json")) as { pcrs: PcrValues };
  const fields = replayFields(s, changed);
  const match = Object.entries(fields)
    .filter(([key]) => key.startsWith("pcr10_"))
    .every(([key, value]) => value === recorded.pcrs[key.split("_")[1]]?.[10]);
  return { fields: { ...fields, pcr_match: match } };
}

/** H(PCR || digest of the newest entry), for `extend_by_last_entry`. */
function extendedFrom(s: Session, bank: string, from: unknown): string | undefined {
  if (typeof from !== "string") return undefined;
  const all = api(s).binaryMeasurements(bank);
  const last = parseMeasurementList(all, { listHash: hashAlgoByName(bank) }).at(-1);
  const digest = last === undefined || last.violation ? new Uint8Array(from.length / 2).fill(0xff) : last.templateHash;
  return toHex(nobleCrypto.digest(hashAlgoByName(bank), Uint8Array.from([...fromHex(from), ...digest])));
}

function checkQuoteOp(s: Session, [input]: readonly unknown[]): Result {
  const q = input as { attest: string; signature: string; nonce: string; pcrs: Record<string, string> };
  const pcrs: Record<string, Record<string, string>> = {};
  for (const [name, value] of Object.entries(q.pcrs)) {
    const [bank, index] = name.split(":");
    pcrs[bank] = { ...pcrs[bank], [index]: value };
  }
  const key = String(s.spec.machine?.ak_pem);
  const quote = { attest: fromHex(q.attest), signature: fromHex(q.signature), nonce: q.nonce, pcrs, key };
  const r = checkQuote(quote, nobleCrypto);
  if (r.failure !== null || r.attest === null) return { ret: -1, errno: r.failure ?? "malformed" };
  const a = r.attest;
  const name = (algo: number): string =>
    ["sha1", "sha256", "sha384", "sha512"].find((n) => hashAlgoByName(n) === algo) ?? "";
  return {
    ret: 0,
    fields: {
      magic: a.magic.toString(16),
      type: a.type.toString(16),
      extraData: toHex(a.extraData),
      select: a.select.map((x) => [name(x.algo), [...x.pcrs]]),
      pcrDigest: toHex(a.pcrDigest),
    },
  };
}

interface HmacInput {
  readonly key: string;
  readonly xattrs_in_order: readonly string[];
  readonly ino: number;
  readonly generation: number;
  readonly uid: number;
  readonly gid: number;
  /** Octal. */
  readonly mode: string;
  readonly fsuuid: string;
}

function calcHmac(input: HmacInput): string {
  return toHex(
    evmCalcHmac({
      key: fromHex(input.key),
      values: input.xattrs_in_order.map(fromHex),
      ino: BigInt(input.ino),
      generation: input.generation,
      uid: input.uid,
      gid: input.gid,
      mode: Number.parseInt(input.mode, 8),
      fsuuid: input.fsuuid,
    }),
  );
}

function aggregate(s: Session, algo: string): string | undefined {
  const pcrs = json(s, String(s.spec.machine?.pcrs)) as PcrValues;
  const tpm = new PcrBanks(Object.keys(pcrs).map(hashAlgoByName));
  tpm.load(pcrs);
  const digest = bootAggregate(tpm, hashAlgoByName(algo), nobleCrypto);
  return digest === null ? undefined : toHex(digest);
}

const certificate = (s: Session, from: string): Uint8Array =>
  from.startsWith("data/") ? data(s, from) : fromHex(from);

export const integrityOps: KernelOps = {
  ima_new_entries: (s) => {
    const all = lines(s);
    const value = all.slice(seen(s).shown);
    seen(s).shown = all.length;
    return { value };
  },
  ima_counts: (s) => {
    const now = counts(s);
    const { start } = seen(s);
    return { fields: { entries: now.entries - start.entries, violations: now.violations - start.violations } };
  },
  audit: (s, _args, step) => ({ value: takeRecords(s, taskOf(step)) }),
  policy_session: (s, args, step) => policySession(s, args, taskOf(step)),
  pcr_read: (s, [bank, index], step) => ({
    ret: api(s).pcrRead(String(bank), Number(index)),
    extended: extendedFrom(s, String(bank), s.vars.get(String(step.from))),
  }),
  add_evm_key: (s, [hex]) => {
    api(s).addEvmKey(fromHex(String(hex)));
    return { ret: 0 };
  },
  keyring_add_x509: (s, [keyring, from]) => ({
    ret: api(s).addKey(String(keyring), certificate(s, String(from)), true),
  }),
  evm_calc_hmac: (_s, [input]) => ({ value: calcHmac(input as HmacInput) }),
  ima_replay: (s, [file]) => ({ fields: replayFields(s, data(s, file)) }),
  ima_ascii: (s, [file]) => ({ data: latin1(asciiMeasurements(data(s, file))) }),
  ima_tamper: imaTamper,
  ima_boot_aggregate: (s, [algo]) => ({ value: aggregate(s, String(algo)) }),
  tpm2_checkquote: checkQuoteOp,
};
