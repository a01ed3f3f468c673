/**
 * The audit records and log lines that integrity's cases see: those that its parts write, in the order in which they were
 * logged, as objects of the fields of the record.
 */
import type { Session } from "../session.js";

interface LogHook {
  tap(order: number, label: string, fn: (line: { text: string }) => void): void;
}

/** The log lines that a recorder of these cases looks at besides records: what the three subsystems print. */
const PRINTED = /^(ima|evm|Lockdown): /;
/** An audit record's line. */
const RECORD = /^audit: type=(\d+) audit\([^)]*\): (.*)$/s;

const recorded = (s: Session): string[] => s.state("integrity log", () => []);

/** From now on what is logged is kept. */
export function startRecording(s: Session): void {
  const core = s.kernel.core as { hooks: { log: LogHook } };
  const kept = recorded(s);
  core.hooks.log.tap(999, "conformance", ({ text }) => {
    if (RECORD.test(text) || PRINTED.test(text)) kept.push(text);
  });
}

/** What was recorded since the last call. @param task whose command's name is COMM */
export function takeRecords(s: Session, task: string): Record<string, unknown>[] {
  const texts = recorded(s).splice(0);
  const { comm } = s.task(task);
  return texts.map((text) => {
    const record = RECORD.exec(text);
    if (record === null) return { printk: text.replace(`: ${comm}: `, ": COMM: ") };
    return { type: Number(record[1]), text: record[2], ...fieldsOf(record[2]) };
  });
}

/** `name=value` pairs; values as they stand, with their quotes. */
function fieldsOf(body: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, name, value] of body.matchAll(/(\w+)=("[^"]*"|\S*)/g)) fields[name] ??= value;
  return fields;
}
