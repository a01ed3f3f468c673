// Small things that benchmarks share.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Unsigned 32-bit numbers without an end, the same for the same seed: xorshift32, Marsaglia 2003. */
export function randomly(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

let collect: (() => void) | undefined;

/** Heap and buffer bytes that one of `count` objects takes, measured while `make` still holds them all. */
export function bytesPerObject(count: number, make: (count: number) => unknown): number {
  setFlagsFromString("--expose-gc");
  collect ??= runInNewContext("gc") as () => void;
  const used = (): number => {
    collect?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const held = make(count);
  const after = used();
  if (held === undefined)
    throw new TypeError("bytesPerObject: make must return what it made, or it is collected before it is counted");
  return Math.round((after - before) / count);
}
