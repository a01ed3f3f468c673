/**
 * The story "Prove it": a machine boots, works, and answers a challenge with its list and a quote; then somebody in between changes
 * what is sent.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { concatBytes, fromHex } from "../bytes.js";
import { parseMeasurementList } from "../list/listReader.js";
import { type ListVerdict, verifyMeasurementList } from "../list/verifyMeasurementList.js";
import type { PcrValues } from "../tpm/pcrs.js";
import type { Quote } from "../tpm/quote.js";
import { Rig } from "./rig.js";

type Knobs = { readonly files: number };

const NONCE = "00112233445566778899aabbccddeeff";

/** What the machine sends. */
interface Answer {
  list: Uint8Array;
  quote: Quote;
  pcrs: PcrValues;
  nonce: string;
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const b = bytes.slice();
  b[at] ^= 1;
  return b;
}

/** The list in pieces, an entry each. */
function entries(list: Uint8Array): Uint8Array[] {
  const starts = parseMeasurementList(list).map((e) => e.offset);
  return starts.map((at, i) => list.subarray(at, starts[i + 1] ?? list.length));
}

const tampering: Readonly<Record<string, (a: Answer) => Answer>> = {
  nothing: (a) => a,
  "an entry left out": (a) => ({ ...a, list: concatBytes(entries(a.list).filter((_, i) => i !== 2)) }),
  "the last entry left out": (a) => ({ ...a, list: concatBytes(entries(a.list).slice(0, -1)) }),
  "two entries in another order": (a) => {
    const e = entries(a.list);
    [e[1], e[2]] = [e[2], e[1]];
    return { ...a, list: concatBytes(e) };
  },
  "a byte of an entry": (a) => ({ ...a, list: flip(a.list, a.list.length - 3) }),
  "a template hash": (a) => ({ ...a, list: flip(a.list, entries(a.list)[0].length + 5) }),
  "the end cut off": (a) => ({ ...a, list: a.list.slice(0, -3) }),
  "the registers": (a) => ({ ...a, pcrs: { sha256: { 10: "ab".repeat(32) } } }),
  "an old answer": (a) => ({ ...a, nonce: "ff" }),
  "a bit of the quote": (a) => ({ ...a, quote: { ...a.quote, attest: flip(a.quote.attest, 60) } }),
  "a bit of the signature": (a) => ({ ...a, quote: { ...a.quote, signature: flip(a.quote.signature, 20) } }),
};

export const attestation: Story<Knobs> = {
  id: "attestation",
  question: "Can a remote verifier believe a list that somebody in between may have changed?",
  source: "LWN 2012-03 (IMA appraisal extension); TPM 2.0 Library Part 2 (TPMS_ATTEST)",
  claim:
    "the true answer is accepted, every change of list, registers, nonce, quote or signature is refused, with its place",
  assumes: ["the attestation key is a P-256 key made from the kernel's seed"],
  knobs: { files: { kind: "number", default: 40, min: 3, max: 10_000, unit: "files" } },
  run(given) {
    const { files } = knobsOf(this.knobs, given);
    const rig = new Rig({ cmdline: "ima_policy=tcb" });
    for (let i = 0; i < files; i++) {
      rig.write(`/mnt/f${i}`, `file ${i}`);
      rig.open(`/mnt/f${i}`);
    }
    const answer: Answer = {
      list: rig.api.binaryMeasurements(),
      quote: rig.api.quote("sha256:10", fromHex(NONCE)),
      pcrs: { sha256: { 10: rig.api.pcrRead("sha256", 10) } },
      nonce: NONCE,
    };
    const key = rig.api.attestationKey;
    const verdicts = Object.entries(tampering).map(([name, change]): [string, ListVerdict] => {
      const { list, quote, pcrs, nonce } = change(answer);
      return [name, verifyMeasurementList(list, { quote, pcrs, nonce, key })];
    });
    const refused = verdicts.slice(1).filter(([, v]) => !v.ok).length;
    return {
      series: [],
      table: {
        columns: ["changed", "verdict", "entry", "offset", "reason"],
        rows: verdicts.map(([name, { failure: f }]) =>
          f === null ? [name, "accepted", "", "", ""] : [name, f.kind, f.entry, f.offset, f.reason],
        ),
      },
      numbers: {
        accepted: verdicts[0][1].ok && verdicts[0][1].attested ? 1 : 0,
        tamperings: verdicts.length - 1,
        refused,
        entries: verdicts[0][1].entries,
      },
    };
  },
};
