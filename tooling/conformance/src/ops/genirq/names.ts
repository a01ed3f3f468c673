/** The names in genirq's cases: lines, constants, CPU lists, flows; and the callbacks that a case has seen. */
import { bitmapParselist, errnoName } from "@kernelkit/core";
import type { GenirqApi } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";
import { Mismatch } from "../../outcome.js";
import type { Result } from "../../result.js";
import type { Session } from "../../session.js";

/** Callbacks since the previous step, in order ("irq_mask", "handler:h1", "irq_unmask"); taken and forgotten. */
export function takeCalls(s: Session): string[] {
  return callLog(s).splice(0);
}

/** Where operations note the callbacks of their chips, handlers and domains. */
export const callLog = (s: Session): string[] => s.state("calls", () => []);

/** The number of a line by its name in the case; undefined if there is none of that name. */
export function lineNumber(s: Session, name: string): number | undefined {
  return lines(s).get(name);
}

/** Where operations note the numbers of the lines they make. */
export const lines = (s: Session): Map<string, number> => s.state("lines", () => new Map());

/** All names and numbers, as they are now. */
export const namedLines = (s: Session): Record<string, number> => Object.fromEntries(lines(s));

export const api = (s: Session): GenirqApi => s.api<GenirqApi>("genirq");

/** A line by name or number. */
export function line(s: Session, arg: unknown): number {
  if (typeof arg === "number") return arg;
  const nr = lines(s).get(String(arg));
  if (nr === undefined) throw new Mismatch(`a line ${String(arg)}`, "no such line");
  return nr;
}

/** A kernel function's int: a negative one is an error. */
export function int(ret: number): Result {
  return ret < 0 ? { ret: -1, errno: errnoName(-ret) } : { ret };
}

export const none: Result = {};

/** "@B" for lines other than A. */
export function suffix(s: Session, irq: number): string {
  for (const [name, nr] of lines(s)) if (nr === irq) return name === "A" ? "" : `@${name}`;
  return "";
}

export function note(s: Session, text: string, irq?: number): void {
  if (s.state("quiet", () => ({ on: false })).on) return;
  callLog(s).push(text + (irq === undefined ? "" : suffix(s, irq)));
}

export const flagsOf = (names: unknown): number => {
  let bits = 0;
  for (const name of (names ?? []) as string[]) bits |= constant(name);
  return bits;
};

export function constant(name: string): number {
  const value = (genirq as unknown as Record<string, unknown>)[name];
  if (typeof value !== "number") throw new Mismatch(`a constant ${name}`, "no such constant");
  return value;
}

export function maskOf(s: Session, list: unknown): Uint32Array {
  const mask = bitmapParselist(String(list), api(s).irqs.nrCpus);
  if (!(mask instanceof Uint32Array)) throw new Mismatch("a list of CPUs", String(list));
  return mask;
}

export function flow(name: unknown): genirq.FlowHandler | null {
  if (name === null || name === undefined) return null;
  const f = genirq.FLOWS.get(String(name));
  if (f === undefined) throw new Mismatch(`a flow ${String(name)}`, "no such flow");
  return f;
}
