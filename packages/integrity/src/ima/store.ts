/**
 * store: a new entry of the measurement list and the extend that goes with it (`ima_store_template`, `ima_add_template_entry`).
 */
import { EEXIST, type Inode } from "@kernelkit/core";
import { HASH_ALGO_SHA1 } from "../abi/hashAlgo.js";
import { AUDIT_INTEGRITY_PCR, integrityAudit } from "../audit.js";
import type { Integrity } from "../integrityCore.js";
import { lookupTemplate, type Template } from "../list/template.js";
import { ByteWriter, hashedTemplateData, type TemplateEvent, writeTemplateData } from "../list/templateData.js";
import { IMPLEMENTATION_PCR } from "../tpm/pcrs.js";

/** The template of a rule, or the default one. */
export function templateOf(g: Integrity, name: string): Template {
  const t = lookupTemplate(name === "" ? g.state.template : name);
  // Names come from the parsers, which have looked them up.
  if (t === null) throw new RangeError(`template '${name}' does not exist`);
  return t;
}

/** Per column: the bank's hash of the data, or SHA-1 padded to its size where the kernel lacks the hash. */
function digestsOf(g: Integrity, hashed: Uint8Array): Uint8Array[] {
  const sha1 = g.crypto.digest(HASH_ALGO_SHA1, hashed);
  return g.state.list.digests.map((c) => {
    if (c.algo === HASH_ALGO_SHA1) return sha1;
    if (g.bankHashes.has(c.algo)) return g.crypto.digest(c.algo, hashed);
    const padded = new Uint8Array(c.size);
    padded.set(sha1);
    return padded;
  });
}

/** Extends a register in every bank. A violation extends by all ones. */
function extendPcr(g: Integrity, pcr: number, digests: readonly Uint8Array[], violation: boolean): void {
  const { tpm, list } = g.state;
  if (tpm === null || pcr >= IMPLEMENTATION_PCR) return;
  for (const bank of tpm.banks) {
    const c = list.column(bank.algo);
    const d = violation ? new Uint8Array(digests[c].length).fill(0xff) : digests[c];
    tpm.extend(bank, pcr, d, g.crypto);
  }
}

/**
 * Adds an entry. 0, or -EEXIST if the same measurement is in the list for that register already.
 * An event without digest is a violation: it is added whatever is there.
 */
export function storeTemplate(g: Integrity, template: Template, ev: TemplateEvent, pcr: number, inode?: Inode): number {
  const w = new ByteWriter();
  writeTemplateData(template, ev, w);
  const data = w.bytes();
  const { list } = g.state;
  const violation = ev.digest === null;
  const digests = violation
    ? list.digests.map((c) => new Uint8Array(c.size))
    : digestsOf(g, hashedTemplateData(template, data));
  const found = !violation && list.find(digests[0], pcr) >= 0;
  if (!found) {
    list.append(template.name, data, pcr, digests, violation);
    extendPcr(g, pcr, digests, violation);
  }
  const result = found ? -EEXIST : 0;
  const cause = found ? "hash_exists" : "hash_added";
  integrityAudit(g, AUDIT_INTEGRITY_PCR, {
    op: "add_template_measure",
    cause,
    name: ev.name,
    inode,
    result,
    info: true,
  });
  return result;
}
