/**
 * What of genirq's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and what the
 * chips, handlers and the log have shown since the last step. The vocabulary is in the README.
 */
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

export const genirqOps: KernelOps = {};

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
