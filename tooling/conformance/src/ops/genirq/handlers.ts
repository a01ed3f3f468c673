/** The handlers of genirq's cases: they note themselves and do what they are scripted to. */
import * as genirq from "@kernelkit/genirq";
import type { Session } from "../../session.js";
import { constant, note } from "./names.js";

export interface Script {
  returns?: string | number;
  handled_runs?: [number, number];
  do?: { op: string; irq: string; on: number }[];
  runs: number;
  /** Carry out an operation of the vocabulary on a line. */
  perform(op: string, irq: string): void;
}

export const scripts = (s: Session): Map<string, Script> => s.state("scripts", () => new Map());

function runScript(s: Session, name: string, otherwise: number): number {
  const script = scripts(s).get(name);
  if (script === undefined) return otherwise;
  script.runs++;
  for (const action of script.do ?? []) {
    if (action.on !== script.runs) continue;
    const arrival = action.op === "generic_handle_irq";
    if (arrival) note(s, "{");
    script.perform(action.op, action.irq);
    if (arrival) note(s, "}");
  }
  const [from, to] = script.handled_runs ?? [0, -1];
  if (script.runs >= from && script.runs <= to) return genirq.IRQ_HANDLED;
  const { returns } = script;
  return returns === undefined ? otherwise : typeof returns === "number" ? returns : constant(returns);
}

export function primary(s: Session, name: unknown, threaded: boolean): genirq.IrqHandler | null {
  if (name === null || name === undefined) return null;
  const otherwise = threaded ? genirq.IRQ_WAKE_THREAD : genirq.IRQ_HANDLED;
  return (irq) => {
    note(s, `handler:${String(name)}`, irq);
    return runScript(s, String(name), otherwise);
  };
}

export function thread(s: Session, name: unknown): genirq.IrqThreadFn | null {
  if (name === null || name === undefined) return null;
  return (irq) => {
    note(s, `thread:${String(name)}`, irq);
    return runScript(s, String(name), genirq.IRQ_HANDLED);
  };
}

/** devname = dev, or that of a request without one. */
export const devName = (dev: unknown): string => (dev === null || dev === undefined ? "nodev" : String(dev));
