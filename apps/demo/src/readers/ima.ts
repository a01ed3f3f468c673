/** `kernelkit ima show|verify FILE`: measurement lists of real machines, binary or as text. */
import { readFileSync } from "node:fs";
import { asciiMeasurements, type PcrValues, parseMeasurementList, verifyMeasurementList } from "@kernelkit/integrity";
import { nodeCrypto } from "@kernelkit/integrity/node";

/** The list as /sys/kernel/security/ima/ascii_runtime_measurements shows it, or every entry as JSON. */
export function imaShow(file: string, json: boolean): string {
  const bytes = new Uint8Array(readFileSync(file));
  if (!json) return new TextDecoder().decode(asciiMeasurements(bytes));
  const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");
  return `${JSON.stringify(
    parseMeasurementList(bytes).map((e) => ({
      pcr: e.pcr,
      template: e.template,
      templateHash: hex(e.templateHash),
      violation: e.violation,
      path: e.path,
      digest: e.digest === null ? null : hex(e.digest),
    })),
    null,
    1,
  )}\n`;
}

/** Registers from a file: `{"sha256": {"10": "..."}}`, or lines `sha256 10 HEX`, or what `tpm2_pcrread` prints. */
export function readPcrs(text: string): PcrValues {
  if (text.trimStart().startsWith("{")) {
    const o = JSON.parse(text) as { pcrs?: PcrValues } & PcrValues;
    return o.pcrs ?? o;
  }
  const out: Record<string, Record<string, string>> = {};
  const set = (algo: string, index: string, hex: string): void => {
    out[algo] = { ...out[algo], [index]: hex.toLowerCase() };
  };
  let bank = "";
  for (const line of text.split("\n")) {
    const head = /^\s*(sha\d+)\s*:\s*$/.exec(line);
    const row = /^\s*(\d+)\s*:\s*0x([0-9A-Fa-f]+)\s*$/.exec(line);
    const flat = /^\s*(sha\d+)[\s:]+(\d+)[\s:]+(?:0x)?([0-9A-Fa-f]+)\s*$/.exec(line);
    if (head !== null) bank = head[1];
    else if (row !== null && bank !== "") set(bank, row[1], row[2]);
    else if (flat !== null) set(flat[1], flat[2], flat[3]);
  }
  return out;
}

export interface VerifyOptions {
  /** File with registers. */
  readonly pcrs?: string;
  readonly json: boolean;
}

/** The verdict on a list; `ok` false is exit code 1. */
export function imaVerify(file: string, o: VerifyOptions): { text: string; ok: boolean } {
  const v = verifyMeasurementList(new Uint8Array(readFileSync(file)), {
    crypto: nodeCrypto,
    ...(o.pcrs !== undefined && { pcrs: readPcrs(readFileSync(o.pcrs, "utf8")) }),
  });
  const summary = {
    ok: v.ok,
    attested: v.attested,
    entries: v.entries,
    violations: v.violations,
    badTemplateHashes: v.badTemplateHashes,
    files: v.files.size,
    failure: v.failure,
    pcrs: v.pcrs,
  };
  if (o.json) return { text: `${JSON.stringify(summary, null, 1)}\n`, ok: v.ok };
  const lines = [
    `${v.entries} measurements of ${v.files.size} files, ${v.violations} violations`,
    ...Object.entries(v.pcrs).flatMap(([bank, regs]) => Object.entries(regs).map(([i, hex]) => `${bank} ${i}: ${hex}`)),
    v.attested ? "the registers fit the list" : "no registers were given that fit: the list speaks for itself alone",
    v.failure === null ? "verified" : `NOT verified: ${v.failure.kind}: ${v.failure.reason}`,
  ];
  return { text: `${lines.join("\n")}\n`, ok: v.ok };
}
