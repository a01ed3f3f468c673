// Times the candidates of one benchmark in two interleaved passes, so that what slows the machine for a while slows them all. The better pass
// of each counts; how far the passes are apart is the noise.
import { execFileSync } from "node:child_process";
import { do_not_optimize, measure } from "mitata";
import type { Benchmark, Candidate, Peer, PeerResult, Result, Run } from "./benchmark.js";
import { nativeNs } from "./native.js";

const PASSES = 2;
const ROUNDS = 3;

/** A candidate made ready: each call of `pass` measures once and gives nanoseconds per operation. */
interface Ready {
  pass(): Promise<number> | number;
}

export interface Measured extends Result {
  /** How far the passes of our own candidate were apart, relative to the better one. */
  readonly noise: number;
}

/** Measures a benchmark and its peers. `milliseconds` of timing go to each candidate in each pass. */
export async function measureBenchmark(pkg: string, benchmark: Benchmark, milliseconds: number): Promise<Measured> {
  const ours = await ready(benchmark, milliseconds);
  const peers: { peer: Peer; ready: Ready | string }[] = [];
  for (const peer of benchmark.peers ?? []) peers.push({ peer, ready: await readyPeer(peer, milliseconds) });

  const own: number[] = [];
  const theirs: number[][] = peers.map(() => []);
  for (let pass = 0; pass < PASSES; pass++) {
    own.push(await ours.pass());
    for (const [i, { ready }] of peers.entries()) if (typeof ready !== "string") theirs[i].push(await ready.pass());
  }

  const ns = Math.min(...own);
  const bytesPer = typeof benchmark.bytesPer === "function" ? benchmark.bytesPer() : (benchmark.bytesPer ?? {});
  return {
    package: pkg,
    name: benchmark.name,
    opsPerSecond: 1e9 / ns,
    unit: benchmark.unit,
    bytesPer,
    ...(benchmark.target === undefined ? {} : { target: benchmark.target }),
    peers: peers.map(({ peer, ready }, i) => peerResult(peer, ready, theirs[i], ns)),
    noise: (Math.max(...own) - ns) / ns,
  };
}

function peerResult(peer: Peer, ready: Ready | string, passes: readonly number[], ourNs: number): PeerResult {
  const target = peer.target === undefined ? {} : { target: peer.target };
  if (typeof ready === "string") return { name: peer.name, opsPerSecond: null, ratio: null, ...target, absent: ready };
  const ns = Math.min(...passes);
  return { name: peer.name, opsPerSecond: 1e9 / ns, ratio: ns / ourNs, ...target };
}

async function ready(candidate: Candidate, milliseconds: number): Promise<Ready> {
  if ("timed" in candidate) {
    return {
      pass: async () => {
        const rounds: number[] = [];
        for (let i = 0; i < ROUNDS; i++) rounds.push(await candidate.timed());
        return median(rounds);
      },
    };
  }
  const run = "run" in candidate ? candidate.run : await candidate.setup();
  const per = candidate.per ?? 1;
  return { pass: async () => (await medianNs(run, milliseconds)) / per };
}

/** A peer made ready, or the reason why it is absent. */
async function readyPeer(peer: Peer, milliseconds: number): Promise<Ready | string> {
  if ("absent" in peer) return peer.absent;
  if ("native" in peer) {
    const first = nativeNs(peer.native);
    return typeof first === "string" ? first : { pass: () => nativeNs(peer.native) as number };
  }
  if ("subprocess" in peer) return readySubprocess(peer.subprocess);
  try {
    return await ready(peer, milliseconds);
  } catch (error) {
    if (isNotInstalled(error)) return "not installed";
    throw error;
  }
}

function readySubprocess({
  command,
  arguments: args = [],
}: {
  command: string;
  arguments?: readonly string[];
}): Ready | string {
  const once = (): number => {
    const numbers = execFileSync(command, args, { encoding: "utf8" }).match(/\d+(\.\d+)?/g) ?? [];
    if (numbers.length === 0) throw new Error(`${command} printed no number`);
    return Number(numbers.at(-1));
  };
  try {
    once();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return `${command} not found`;
    throw error;
  }
  return { pass: once };
}

function isNotInstalled(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
}

async function medianNs(run: Run, milliseconds: number): Promise<number> {
  const stats = await measure(() => do_not_optimize(run()), {
    min_cpu_time: milliseconds * 1e6,
    min_samples: 5,
    max_samples: 1e6,
    batch_unroll: 1,
  });
  return stats.p50;
}

/** The middle of some numbers (the upper middle of an even count). */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}
