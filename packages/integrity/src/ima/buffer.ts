/**
 * buffer: measurements of things that are no files: command lines of kexec, keys, critical data (`process_buffer_measurement`).
 */
import { ENOENT, type Inode } from "@kernelkit/core";
import { IMA_FUNC_CRITICAL_DATA, IMA_FUNC_KEY_CHECK, IMA_MEASURE } from "../abi/imaPolicy.js";
import type { Integrity } from "../integrityCore.js";
import { getAction } from "./getAction.js";
import { storeTemplate, templateOf } from "./store.js";

/**
 * Measures a buffer if the policy asks for it, with the template ima-buf unless the rule names another. 0, -EEXIST if it is in the list, or
 * -ENOENT if no rule matches.
 * @param data keyring name (KEY_CHECK) or label (CRITICAL_DATA) that rules may ask for
 */
export function processBufferMeasurement(
  g: Integrity,
  buf: Uint8Array,
  name: string,
  func: number,
  o: { data?: string; inode?: Inode } = {},
): number {
  if (g.state.policyFlag === 0) return -ENOENT;
  const m = getAction(g, o.inode ?? null, 0, func, o.data ?? null);
  if ((m.action & IMA_MEASURE) === 0) return -ENOENT;
  const algo = g.state.hashAlgo;
  const template = templateOf(g, m.template === "" ? "ima-buf" : m.template);
  const pcr = m.pcr <= 0 ? g.o.profile.pcr : m.pcr;
  return storeTemplate(g, template, { name, algo, digest: g.crypto.digest(algo, buf), buf }, pcr);
}

/**
 * Critical data of a subsystem: state that is worth attesting although it is no file. With `hash` the digest of the data is measured in
 * its place. 0, -EEXIST or -ENOENT as above.
 */
export function imaMeasureCriticalData(
  g: Integrity,
  label: string,
  name: string,
  data: Uint8Array,
  hash: boolean,
): number {
  const buf = hash ? g.crypto.digest(g.state.hashAlgo, data) : data;
  return processBufferMeasurement(g, buf, name, IMA_FUNC_CRITICAL_DATA, { data: label });
}

/** A key came into a keyring: measured now, or when a policy of the administrator's comes. */
export function imaKeyAdded(g: Integrity, keyring: string, der: Uint8Array): void {
  if (g.state.queuedKeys !== null) g.state.queuedKeys.push({ keyring, der });
  else processBufferMeasurement(g, der, keyring, IMA_FUNC_KEY_CHECK, { data: keyring });
}

/** The first policy is in force: what was queued is measured, later keys at once. */
export function processQueuedKeys(g: Integrity): void {
  const queued = g.state.queuedKeys;
  if (queued === null) return;
  g.state.queuedKeys = null;
  for (const q of queued) processBufferMeasurement(g, q.der, q.keyring, IMA_FUNC_KEY_CHECK, { data: q.keyring });
}
