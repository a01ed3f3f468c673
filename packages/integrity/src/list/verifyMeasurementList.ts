/**
 * verifyMeasurementList: is this list of a remote machine true, and what ran there?
 *
 *     const v = verifyMeasurementList(bytes, { quote, key: akPem, nonce });
 *     v.ok, v.failure                       // the first thing that does not hold, with entry and byte offset
 *     v.files                               // path -> digests, signature, violations
 *
 *     const verifier = new MeasurementListVerifier({ pcrs, files: false });     // a list of any length in bounded memory
 *     for await (const chunk of stream) verifier.push(chunk);
 *     verifier.finish();
 *
 * In order: the quote's signature and nonce, the quoted registers, the frames of the list, every template hash, the registers
 * the replay gives, violations, digests against reference values. Only the first failure is reported; counts go on.
 */
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, hashAlgoByName, hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { EVM_XATTR_PORTABLE_DIGSIG } from "../abi/xattr.js";
import { equalBytes, FormatError, toHex } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { toKeyring, type VerifySignatureOptions, verifyImaSignature } from "../digsig/digsigVerify.js";
import type { AsymmetricKey } from "../digsig/keyring.js";
import { type PcrValues, pcrValue } from "../tpm/pcrs.js";
import { checkQuote, pcrComposite, type QuoteCheck, type QuoteFailure, type QuoteInput } from "../tpm/quote.js";
import { decodeEntry, type EntryView, type MeasurementEntry } from "./entry.js";
import { type ListFormat, ListReader } from "./listReader.js";
import { Replay } from "./replay.js";

export type ListFailureKind =
  | QuoteFailure
  | "list-truncated"
  | "list-malformed"
  | "template-hash"
  | "fields-malformed"
  | "pcr-mismatch"
  | "violation"
  | "unknown-digest"
  | "bad-signature";

export interface ListFailure {
  readonly kind: ListFailureKind;
  /** Index of the entry, -1 if it is no entry's fault. */
  readonly entry: number;
  /** Bytes from the start of the list, -1 if it is no entry's fault. */
  readonly offset: number;
  readonly path: string;
  readonly reason: string;
}

export interface ListedFile {
  readonly path: string;
  /** Every digest the file was measured with, as "sha256:hex", in order, without repetition. */
  readonly digests: string[];
  /** Measurements, violations included. */
  entries: number;
  violations: number;
  /** Of the last measurement: "none", "unchecked" (no keys given), "good", or the errno ("ENOKEY", "EKEYREJECTED"...). */
  signature: string;
}

export interface VerifyListOptions extends ListFormat {
  readonly crypto?: CryptoProvider;
  /** Registers read from the TPM: trusted, or confirmed by `quote`. Hexadecimal or bytes, by bank and index. */
  readonly pcrs?: PcrValues;
  /** A quote over the registers (`tpm2_quote -m -s`); needs `key`. */
  readonly quote?: { readonly attest: Uint8Array; readonly signature: Uint8Array };
  /** The attestation key of the quote: parsed, PEM or DER. */
  readonly key?: QuoteInput["key"];
  /** The nonce the quote must carry: bytes or hexadecimal. */
  readonly nonce?: Uint8Array | string;
  /** The list may have grown since the registers were read: they must fit after some entry. Default false: after the last. */
  readonly allowNewer?: boolean;
  /** Default "report": counted, no failure. */
  readonly violations?: "report" | "fail";
  /** Known good digests ("sha256:hex" or hexadecimal alone) by path, or a judge. Every file not known is a failure. */
  readonly reference?: Readonly<Record<string, readonly string[]>> | ((entry: MeasurementEntry) => boolean);
  /** Certificates or keys: signatures in the list are checked, and a bad one is a failure. */
  readonly keys?: VerifySignatureOptions["keys"];
  /** False: no per-file table, so that memory does not grow with the list. Default true. */
  readonly files?: boolean;
  /** Hashes of the measuring kernel; a bank without one got padded SHA-1. Default: SHA-1, SHA-256 and whatever fits for the others. */
  readonly kernelHashes?: readonly number[];
}

export interface ListVerdict {
  readonly ok: boolean;
  readonly failure: ListFailure | null;
  /** True if registers or a quote were given and the list fits them. */
  readonly attested: boolean;
  readonly entries: number;
  /** Entries the registers speak for: less than `entries` only with `allowNewer`. */
  readonly attestedEntries: number;
  readonly violations: number;
  readonly badTemplateHashes: number;
  /** The replayed registers of the list, by bank and index. */
  readonly pcrs: Record<string, Record<string, string>>;
  readonly files: Map<string, ListedFile>;
  readonly quote: QuoteCheck | null;
}

/** What is reported first if several things fail. */
const failureOrder: readonly ListFailureKind[] = [
  "malformed",
  "signature",
  "nonce",
  "pcr-digest",
  "list-malformed",
  "list-truncated",
  "template-hash",
  "pcr-select",
  "pcr-mismatch",
  "fields-malformed",
  "violation",
  "bad-signature",
  "unknown-digest",
];

/** Where IMA measures unless a rule says otherwise (CONFIG_IMA_MEASURE_PCR_IDX). */
const IMA_PCR = 10;

/** A replay of the same entries under one assumption about the kernel's hashes. */
interface Candidate {
  readonly replay: Replay;
  /** Entries after which the registers fitted last; -1 never. */
  fitted: number;
}

export class MeasurementListVerifier {
  private readonly o: VerifyListOptions;
  private readonly crypto: CryptoProvider;
  private readonly reader: ListReader;
  private readonly candidates: Candidate[];
  private readonly keys: readonly AsymmetricKey[] | null;
  private readonly quote: QuoteCheck | null;
  private readonly files: Map<string, ListedFile> = new Map();
  /** The first failure of each kind. */
  private readonly failures: Map<ListFailureKind, ListFailure> = new Map();
  private dead: boolean = false;

  /** TypeError for a quote without a key; RangeError for options out of range; FormatError for malformed keys and registers. */
  constructor(o: VerifyListOptions = {}) {
    if (o.quote !== undefined && o.key === undefined)
      throw new TypeError("key: a quote needs the attestation key's public half");
    if (o.violations !== undefined && o.violations !== "report" && o.violations !== "fail") {
      throw new RangeError(`violations: '${o.violations}'; "report" and "fail" are allowed`);
    }
    this.o = o;
    this.crypto = o.crypto ?? nobleCrypto;
    this.reader = new ListReader(o);
    this.keys = o.keys === undefined ? null : toKeyring(o.keys, this.crypto);
    this.quote = this.checkQuote();
    this.candidates = this.makeCandidates();
    // Registers may have been read before anything was measured.
    if (o.allowNewer === true) this.tryFit();
  }

  private checkQuote(): QuoteCheck | null {
    const { quote, key, nonce, pcrs } = this.o;
    if (quote === undefined || key === undefined) return null;
    const input: QuoteInput = {
      ...quote,
      key,
      ...(nonce === undefined ? {} : { nonce }),
      ...(pcrs === undefined ? {} : { pcrs }),
    };
    const q = checkQuote(input, this.crypto);
    if (q.failure !== null) this.fail(q.failure, null, q.reason);
    return q;
  }

  private banks(): number[] {
    const out = new Set<number>();
    for (const name of Object.keys(this.o.pcrs ?? {})) out.add(hashAlgoByName(name));
    for (const s of this.quote?.attest?.select ?? []) out.add(s.algo);
    if (out.size === 0) return [HASH_ALGO_SHA1, HASH_ALGO_SHA256];
    return [...out].filter((algo) => this.crypto.has(algo));
  }

  private makeCandidates(): Candidate[] {
    const banks = this.banks();
    const make = (kernelHashes: readonly number[]): Candidate => ({
      replay: new Replay({ ...this.o, banks, kernelHashes, crypto: this.crypto }),
      fitted: -1,
    });
    if (this.o.kernelHashes !== undefined) return [make(this.o.kernelHashes)];
    const sure = [HASH_ALGO_SHA1, HASH_ALGO_SHA256];
    const unsure = banks.some((b) => !sure.includes(b));
    return unsure ? [make(banks), make(sure)] : [make(banks)];
  }

  /** Reads on. Bytes after a malformed entry are ignored: the verdict is known. */
  push(chunk: Uint8Array): void {
    if (this.dead) return;
    try {
      this.reader.push(chunk, (view, index, base) => this.onEntry(view, index, base));
    } catch (e) {
      this.malformed("list-malformed", e);
    }
  }

  /** The verdict over all that was pushed. */
  finish(): ListVerdict {
    if (!this.dead) {
      try {
        this.reader.end();
      } catch (e) {
        this.malformed("list-truncated", e);
      }
    }
    if (this.o.allowNewer !== true) this.tryFit();
    const fitting = this.candidates.find((c) => c.fitted >= 0);
    const asked = this.quote !== null || Object.keys(this.o.pcrs ?? {}).length > 0;
    const quoteOk = this.quote === null || this.quote.failure === null;
    if (asked && quoteOk && fitting === undefined) this.registersDiffer();
    const failure = this.firstFailure();
    const { replay } = fitting ?? this.candidates[0];
    return {
      ok: failure === null,
      failure,
      attested: asked && quoteOk && fitting !== undefined && !this.dead,
      entries: replay.entries,
      attestedEntries: fitting === undefined || !asked ? 0 : fitting.fitted,
      violations: replay.violations,
      badTemplateHashes: replay.badTemplateHashes,
      pcrs: this.replayed(replay),
      files: this.files,
      quote: this.quote,
    };
  }

  private onEntry(view: EntryView, index: number, base: number): void {
    let good = true;
    for (const c of this.candidates) good = c.replay.push(view);
    if (this.o.allowNewer === true) this.tryFit();
    if (!good && !this.failures.has("template-hash")) {
      this.fail(
        "template-hash",
        decodeEntry(view, index, base),
        "the template hash is not the hash of the entry's data",
      );
    }
    const { files, reference, keys, violations } = this.o;
    if (files === false && reference === undefined && keys === undefined && violations !== "fail") return;
    this.judge(decodeEntry(view, index, base), good);
  }

  private judge(e: MeasurementEntry, good: boolean): void {
    if (good && e.malformed !== null && e.malformed !== "unknown template")
      this.fail("fields-malformed", e, e.malformed);
    if (e.violation && this.o.violations === "fail") this.fail("violation", e, "measured while it could change");
    let signature = e.sig === null ? "none" : "unchecked";
    if (this.keys !== null && e.sig !== null && e.sig[0] !== EVM_XATTR_PORTABLE_DIGSIG && !e.violation) {
      const r = verifyImaSignature(e.sig, { algo: e.algo, digest: e.digest }, { keys: this.keys, crypto: this.crypto });
      signature = r.ok ? "good" : r.error;
      if (!r.ok) this.fail("bad-signature", e, r.reason);
    }
    if (!e.violation && e.path !== "boot_aggregate" && !this.known(e)) {
      this.fail("unknown-digest", e, `${label(e)} is not a known digest`);
    }
    if (this.o.files === false) return;
    let f = this.files.get(e.path);
    if (f === undefined) {
      f = { path: e.path, digests: [], entries: 0, violations: 0, signature };
      this.files.set(e.path, f);
    }
    f.entries++;
    f.signature = signature;
    if (e.violation) f.violations++;
    else if (!f.digests.includes(label(e))) f.digests.push(label(e));
  }

  private known(e: MeasurementEntry): boolean {
    const ref = this.o.reference;
    if (ref === undefined) return true;
    if (typeof ref === "function") return ref(e);
    const hex = toHex(e.digest);
    return Object.hasOwn(ref, e.path) && ref[e.path].some((d) => d === hex || d === label(e));
  }

  /** Notes for each candidate whether the registers fit now. */
  private tryFit(): void {
    for (const c of this.candidates) if (this.fits(c.replay)) c.fitted = c.replay.entries;
  }

  /** True if the asker vouches for a register: the quote selects it, or it was given and there is no quote. */
  private vouched(algo: number, index: number): boolean {
    if (this.quote !== null) {
      return this.quote.attest?.select.some((s) => s.algo === algo && s.pcrs.includes(index)) === true;
    }
    return this.o.pcrs?.[hashAlgoName[algo]]?.[String(index)] !== undefined;
  }

  /** Registers the list may have extended that nobody vouches for in any bank. */
  private unvouched(replay: Replay): number[] {
    return replay.extended().filter((index) => !this.banks().some((algo) => this.vouched(algo, index)));
  }

  private fits(replay: Replay): boolean {
    if (this.unvouched(replay).length > 0) return false;
    const { pcrs } = this.o;
    const read = (algo: number, index: number): Uint8Array | null =>
      replay.read(algo, index) ?? (index === IMA_PCR ? new Uint8Array(hashDigestSize[algo]) : null);
    if (pcrs !== undefined) {
      let compared = 0;
      for (const algo of this.banks()) {
        for (const index of new Set([IMA_PCR, ...replay.extended()])) {
          const v = this.vouched(algo, index) ? pcrValue(pcrs, algo, index) : null;
          const r = read(algo, index);
          if (v === null || r === null) continue;
          if (!equalBytes(v, r)) return false;
          compared++;
        }
      }
      return compared > 0;
    }
    const attest = this.quote?.attest ?? null;
    if (attest === null || this.quote === null) return false;
    const digest = pcrComposite(this.quote.algo, attest.select, read, this.crypto);
    return digest !== null && equalBytes(digest, attest.pcrDigest);
  }

  private registersDiffer(): void {
    const attest = this.quote?.attest ?? null;
    const { replay } = this.candidates[0];
    const open = this.unvouched(replay);
    if (open.length > 0) {
      this.fail("pcr-select", null, `the list extends PCR ${open.join(", ")}, for which there is no value`);
      return;
    }
    if (this.o.pcrs === undefined && attest !== null) {
      const foreign = attest.select.some((s) => s.pcrs.some((i) => i !== IMA_PCR && replay.read(s.algo, i) === null));
      if (foreign) {
        this.fail(
          "pcr-select",
          null,
          "the quote selects registers that the list does not extend: give their values as pcrs",
        );
        return;
      }
    }
    this.fail("pcr-mismatch", null, "replaying the list does not give the registers");
  }

  private replayed(replay: Replay): Record<string, Record<string, string>> {
    const out: Record<string, Record<string, string>> = {};
    for (const algo of this.banks()) {
      const regs: Record<string, string> = {};
      for (const index of replay.extended()) regs[index] = toHex(replay.read(algo, index) ?? new Uint8Array(0));
      out[hashAlgoName[algo]] = regs;
    }
    return out;
  }

  private malformed(kind: "list-malformed" | "list-truncated", e: unknown): void {
    if (!(e instanceof FormatError)) throw e;
    this.dead = true;
    this.failures.set(kind, { kind, entry: this.reader.count, offset: e.offset, path: "", reason: e.message });
  }

  private fail(kind: ListFailureKind, e: MeasurementEntry | null, reason: string): void {
    if (this.failures.has(kind)) return;
    this.failures.set(kind, { kind, entry: e?.index ?? -1, offset: e?.offset ?? -1, path: e?.path ?? "", reason });
  }

  private firstFailure(): ListFailure | null {
    for (const kind of failureOrder) {
      const f = this.failures.get(kind);
      if (f !== undefined) return f;
    }
    return null;
  }
}

function label(e: MeasurementEntry): string {
  return e.algo < 0 ? toHex(e.digest) : `${hashAlgoName[e.algo]}:${toHex(e.digest)}`;
}

/** The verdict over a list that lies in memory. Never throws for foreign bytes; see the class for what it throws. */
export function verifyMeasurementList(bytes: Uint8Array, o: VerifyListOptions = {}): ListVerdict {
  const v = new MeasurementListVerifier(o);
  v.push(bytes);
  return v.finish();
}

export interface Attestation {
  readonly quote: Uint8Array;
  readonly sig: Uint8Array;
  /** The attestation key: parsed, PEM or DER. */
  readonly ak: QuoteInput["key"];
  readonly nonce: Uint8Array | string;
  readonly list: Uint8Array;
  readonly reference?: NonNullable<VerifyListOptions["reference"]>;
  readonly pcrs?: PcrValues;
  readonly crypto?: CryptoProvider;
}

/**
 * A whole attestation, strictly: violations and, with `reference`, unknown files fail as well. Returns null or the first failure
 * as text: `signature`, `nonce`, `pcr-select`, `pcr-digest`, `list-truncated`, `template-hash@i`, `pcr-mismatch`, `violation@i`, `unknown-digest@i`.
 */
export function verifyAttestation(a: Attestation): string | null {
  const v = verifyMeasurementList(a.list, {
    quote: { attest: a.quote, signature: a.sig },
    key: a.ak,
    nonce: a.nonce,
    violations: "fail",
    ...(a.reference === undefined ? {} : { reference: a.reference }),
    ...(a.pcrs === undefined ? {} : { pcrs: a.pcrs }),
    ...(a.crypto === undefined ? {} : { crypto: a.crypto }),
  });
  if (v.failure === null) return null;
  return v.failure.entry >= 0 && !v.failure.kind.startsWith("list-")
    ? `${v.failure.kind}@${v.failure.entry}`
    : v.failure.kind;
}
