/** The calls about processes, signals, credentials and scheduling, as a part of core. */
import type { Part } from "../kernel/core.js";
import { credCalls } from "./credCalls.js";
import { miscCalls } from "./miscCalls.js";
import { processCalls } from "./processCalls.js";
import { schedCalls } from "./schedCalls.js";
import { signalCalls } from "./signalCalls.js";

export const processPart: Part = {
  name: "processes",
  install(k) {
    for (const calls of [processCalls, signalCalls, credCalls, schedCalls, miscCalls]) k.syscalls.add(calls);
  },
};
