/**
 * The language of event filters: `event~balance pid=12 cpu=0-3 comm=writer value>100 t>3s`, joined by `and` or nothing; a word alone
 * is looked for in names and texts. Errors say where.
 */
import type { KernelEvent } from "./scenario.js";

export class FilterError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(`${message} (at character ${at + 1})`);
  }
}

type Test = (e: KernelEvent) => boolean;
const TEXTS: Readonly<Record<string, (e: KernelEvent) => string>> = {
  event: (e) => e.name,
  name: (e) => e.name,
  comm: (e) => e.comm,
  task: (e) => e.comm,
  text: (e) => e.text,
};
const NUMBERS: Readonly<Record<string, (e: KernelEvent) => number>> = {
  pid: (e) => e.pid,
  cpu: (e) => e.cpu,
  value: (e) => e.value,
  t: (e) => e.ns / 1e9,
};

function amount(text: string, at: number): number {
  const m = /^(-?\d+(?:\.\d+)?)(s|ms|us)?$/.exec(text);
  if (m === null) throw new FilterError(`'${text.slice(0, 40)}' is no number`, at);
  return Number(m[1]) * ({ ms: 1e-3, us: 1e-6 }[m[2]] ?? 1);
}

function clause(word: string, at: number): Test {
  const m = /^([a-z]+)(!=|>=|<=|=|~|>|<)(.*)$/is.exec(word);
  if (m === null) {
    const w = word.toLowerCase();
    return (e) =>
      e.name.toLowerCase().includes(w) || e.text.toLowerCase().includes(w) || e.comm.toLowerCase().includes(w);
  }
  const [, field, op, value] = m;
  const from = at + field.length + op.length;
  if (value === "") throw new FilterError("a value is missing", from);
  const text = Object.hasOwn(TEXTS, field) ? TEXTS[field] : undefined;
  if (text !== undefined) {
    const w = value.toLowerCase();
    if (op === "~") return (e) => text(e).toLowerCase().includes(w);
    if (op === "=") return (e) => text(e).toLowerCase() === w;
    if (op === "!=") return (e) => text(e).toLowerCase() !== w;
    throw new FilterError(`${field} takes =, != or ~`, at + field.length);
  }
  const read = Object.hasOwn(NUMBERS, field) ? NUMBERS[field] : undefined;
  if (read === undefined)
    throw new FilterError(`there is no '${field}'; ${[...Object.keys(TEXTS), ...Object.keys(NUMBERS)].join(", ")}`, at);
  const range = /^(\d+)-(\d+)$/.exec(value);
  if (range !== null && op === "=") return (e) => read(e) >= Number(range[1]) && read(e) <= Number(range[2]);
  const v = amount(value, from);
  switch (op) {
    case "=":
      return (e) => read(e) === v;
    case "!=":
      return (e) => read(e) !== v;
    case ">":
      return (e) => read(e) > v;
    case "<":
      return (e) => read(e) < v;
    case ">=":
      return (e) => read(e) >= v;
    case "<=":
      return (e) => read(e) <= v;
    default:
      throw new FilterError(`${field} takes =, !=, <, >, <=, >=`, at + field.length);
  }
}

/** A filter as a test. FilterError. */
export function eventFilter(text: string): Test {
  const tests: Test[] = [];
  for (const m of text.matchAll(/\S+/g)) if (m[0] !== "and" && m[0] !== "&") tests.push(clause(m[0], m.index));
  return (e) => tests.every((t) => t(e));
}
