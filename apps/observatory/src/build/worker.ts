/** Boots machines of the builder. */
import { buildMachine } from "./machine.js";
import type { MachineSpec } from "./spec.js";

addEventListener("message", (e: MessageEvent<MachineSpec>) => {
  try {
    postMessage({ ok: buildMachine(e.data) });
  } catch (error) {
    postMessage({ err: error instanceof Error ? error.message : String(error) });
  }
});
