/** Random work of three files with a power cut at the end (testing/randomFiles.ts), and sequences that once went wrong. */
import fc from "fast-check";
import { test } from "vitest";
import { DEVICES, OP_NAMES, type Op, RandomFiles } from "./testing/randomFiles.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const SEED = process.env.KERNELKIT_PROPERTY_SEED;
const OPS = 100;

const op: fc.Arbitrary<Op> = fc.record({
  op: fc.constantFrom(...OP_NAMES),
  file: fc.nat(2),
  at: fc.nat(160),
  n: fc.integer({ min: 1, max: 40 }),
  byte: fc.integer({ min: 1, max: 255 }),
});

test("counters fit, errors are told once, and nothing that was promised is lost", () => {
  fc.assert(
    fc.property(
      fc.nat(DEVICES.length - 1),
      fc.constantFrom("ext4", "xfs", "ext3", "compressfs"),
      fc.array(op, { minLength: OPS, maxLength: OPS }),
      (device, type, ops) => {
        const files = new RandomFiles(device, type);
        for (const o of ops) files.step(o);
        files.end();
      },
    ),
    { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
});

/** Steps as `op file at n`, each write with a value of its own. */
function replay(device: number, type: string, steps: readonly string[]): void {
  const files = new RandomFiles(device, type);
  steps.forEach((step, i) => {
    const [name, file, at, n] = step.split(" ");
    files.step({ op: name as Op["op"], file: Number(file), at: Number(at), n: Number(n), byte: 2 * i + 1 });
  });
  files.end();
}

test("a truncation to the same size writes the zeros again that a failed write lost", () => {
  replay(0, "ext4", [
    "osync 0 0 10",
    "error 0 0 1",
    "truncate 0 9 1",
    "fsync 0 0 1",
    "truncate 0 9 1",
    "error 0 0 1",
    "write 0 16 1",
    "fsync 0 0 1",
  ]);
});

test("a write that failed never gets to the medium from the cache, whatever its page holds by then", () => {
  replay(2, "compressfs", [
    "write 1 0 1",
    "fsync 1 0 1",
    "error 0 0 1",
    "write 1 8 1",
    "write 0 0 1",
    "later 0 0 1",
    "run 0 0 1",
    "syncfs 0 0 1",
    "drop 0 0 1",
    "error 0 0 1",
    "osync 1 8 1",
  ]);
});
