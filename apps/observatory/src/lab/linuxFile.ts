/**
 * A file of Linux at the cursor, read without leaving a trace: the read is a system call, and what a system call answers is part
 * of a run. So it is made in another kernel that is put into the same state.
 */
import type { AssembledKernel } from "kernelkit/kernel";
import { BadRequest } from "./protocol.js";
import type { Run } from "./run.js";

const LONGEST = 1 << 20;

/** Another kernel in the state of a run's. */
export function twinOf(run: Run): AssembledKernel {
  const twin = run.blank();
  (twin as unknown as { restore(c: unknown): void }).restore(run.kernel.checkpoint());
  return twin;
}

export function readLinuxFile(run: Run, path: string): string {
  if (!path.startsWith("/")) throw new BadRequest(`path: an absolute path is needed, not '${path.slice(0, 60)}'`);
  const twin = twinOf(run);
  const text = twin.sys(twin.init).readText(path);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n(cut)` : text;
}
