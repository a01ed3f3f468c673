// What a benchmark file says. `packages/<package>/bench/<subject>.bench.ts` has as its default export a list of benchmarks:
//
//     const benchmarks: Benchmark[] = [
//       {
//         name: "pop + push, 64 pending",
//         unit: "event",
//         target: 20e6,
//         per: 1000,
//         setup: () => {
//           const queue = new EventQueue();
//           fill(queue, 64);
//           return () => { for (let i = 0; i < 1000; i++) queue.push(queue.pop() + gap()); };
//         },
//         peers: [
//           { name: "flatqueue", target: 0.9, per: 1000, setup: async () => { const { default: FlatQueue } = await peers.flatqueue(); ... } },
//           { name: "Linux", native: "pipe-switch" },
//         ],
//       },
//     ];
//
// How to measure: put many operations into one run (a call costs what a cheap operation does); draw from a random sequence with repeats (a
// fixed permutation leaves neighbours warm); keep sums small integers (`| 0`); do the same work on both sides, and say so where it is not.

/** Does `per` operations. What it returns is thrown away, but only after the engine had to compute it. */
export type Run = () => unknown;

/** Something that can be timed, in one of three ways. */
export type Candidate = Repeated | Prepared | SelfTimed;

interface Operations {
  /** How many operations one run does. */
  readonly per?: number;
}

export interface Repeated extends Operations {
  readonly run: Run;
}

export interface Prepared extends Operations {
  /** Makes what the run needs, outside the time that counts. */
  readonly setup: () => Run | Promise<Run>;
}

/** For what cannot be called again and again: a whole simulation with its set-up and its end. */
export interface SelfTimed {
  /** One round. Gives the nanoseconds that one operation took. */
  readonly timed: () => number | Promise<number>;
}

/** The operation on the real kernel, from C: a verb of native/linux.c. */
export interface Native {
  readonly native: string;
}

/** Another program that prints the nanoseconds one operation takes as the last number of its output. */
export interface Subprocess {
  readonly subprocess: { readonly command: string; readonly arguments?: readonly string[] };
}

/** A peer that cannot be had, and why. */
export interface Absent {
  readonly absent: string;
}

export type Peer = {
  readonly name: string /** Least ratio, ours / peer in operations per second. */;
  readonly target?: number;
} & (Candidate | Native | Subprocess | Absent);

export type Benchmark = {
  readonly name: string;
  /** What one operation is: "event", "fork", "page". */
  readonly unit: string;
  /** Least operations per second. */
  readonly target?: number;
  /** Bytes per object of each named kind, where memory is part of the claim. */
  readonly bytesPer?: Readonly<Record<string, number>> | (() => Readonly<Record<string, number>>);
  readonly peers?: readonly Peer[];
} & Candidate;

/** One measured benchmark, as `--json` writes it. */
export interface Result {
  readonly package: string;
  readonly name: string;
  readonly opsPerSecond: number;
  readonly unit: string;
  readonly bytesPer: Readonly<Record<string, number>>;
  readonly target?: number;
  readonly peers: readonly PeerResult[];
}

export interface PeerResult {
  readonly name: string;
  /** Null where the peer is absent. */
  readonly opsPerSecond: number | null;
  /** Ours / peer: above 1 we are faster. Null where the peer is absent. */
  readonly ratio: number | null;
  readonly target?: number;
  /** Why the peer is absent; not part of the JSON. */
  readonly absent?: string;
}
