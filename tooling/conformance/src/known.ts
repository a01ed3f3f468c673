/**
 * known: the list of cases that are known not to pass (`known.json`), each with its reason:
 *
 *     { "core": { "fs-open-003": "core, to come: O_TMPFILE" } }
 *
 * A case on the list counts as known instead of failed. One that passes must leave the list: it is reported, and fails the run.
 */
import type { Json } from "./json.js";
import type { Outcome } from "./outcome.js";

/** Reason by case id, by package. */
export type KnownList = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Checks the form of a known list. TypeError naming the entry that is wrong: every entry needs a reason in words. */
export function asKnownList(value: Json, file: string): KnownList {
  const isTable = (v: Json): v is { [key: string]: Json } => v !== null && typeof v === "object" && !Array.isArray(v);
  if (!isTable(value)) throw new TypeError(`${file}: must be an object {package: {caseId: reason}}`);
  for (const [name, cases] of Object.entries(value)) {
    if (!isTable(cases)) throw new TypeError(`${file}: ${name} must be an object {caseId: reason}`);
    for (const [id, reason] of Object.entries(cases)) {
      if (typeof reason !== "string" || reason.trim() === "")
        throw new TypeError(`${file}: ${name}/${id} has no reason`);
    }
  }
  return value as unknown as KnownList;
}

/** How a case counts once the list has been asked, and whether its entry must go. */
export function withKnown(
  list: KnownList,
  name: string,
  id: string,
  seen: Outcome,
): { outcome: Outcome; stale: boolean } {
  const listed = Object.hasOwn(list, name) && Object.hasOwn(list[name], id);
  if (!listed) return { outcome: seen, stale: false };
  return seen === "pass" ? { outcome: "pass", stale: true } : { outcome: "known", stale: false };
}
