// Runs other programs and keeps what they print.
import { execFile } from "node:child_process";

export interface Finished {
  readonly ok: boolean;
  /** Standard output, then standard error. */
  readonly output: string;
}

/** Runs a program to its end; never throws. */
export function command(file: string, args: readonly string[], cwd: string = process.cwd()): Promise<Finished> {
  return new Promise((done) => {
    const env = { ...process.env, FORCE_COLOR: "0", NO_COLOR: "1" };
    execFile(file, args, { cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      done({ ok: error === null, output: stdout + stderr });
    });
  });
}

/** Maps with two at a time, results in order. */
export async function twoAtATime<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]);
  };
  await Promise.all([lane(), lane()]);
  return results;
}
