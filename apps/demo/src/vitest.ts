/**
 * `kernelkit/vitest`: for the rest of a test, `node:fs` (and `os`, `child_process` where asked) are a kernel's.
 *
 *     it("finds its limit", async () => {
 *       const kernel = bootKernel({ machine: { memory: "8G" } });
 *       useKernel(kernel, kernel.init, { os: true });
 *       expect(await myMemoryLimit()).toBe(8 * 2 ** 30);
 *     });
 */
import type { Task } from "@kernelkit/core";
import { onTestFinished } from "vitest";
import type { AssembledKernel } from "./kernel.js";
import { type RedirectOptions, redirect } from "./nodeFs/redirect.js";

export type { RedirectOptions } from "./nodeFs/redirect.js";

/** Redirect until the running test has finished. The result ends it before. */
export function useKernel(kernel: AssembledKernel, task: Task, options: RedirectOptions = {}): () => void {
  const restore = redirect(kernel, task, options);
  onTestFinished(restore);
  return restore;
}
