/** Boots machines of the builder. */
import { buildMachine } from "./machine.js";
import type { MachineSpec } from "./spec.js";

export const start = (): ((message: unknown) => void) => (message) => {
  try {
    postMessage({ ok: buildMachine(message as MachineSpec) });
  } catch (error) {
    postMessage({ err: error instanceof Error ? error.message : String(error) });
  }
};
