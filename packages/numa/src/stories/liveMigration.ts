/** The story "Stop first or copy first": moving a running machine over a link, by how much it writes. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { type LiveMigrationOptions, postcopy, precopy } from "../live/liveMigration.js";
import { round } from "./rig.js";

type Knobs = { readonly megabytes: number; readonly linkMBps: number; readonly hotPercent: number };

const knobs: Story<Knobs>["knobs"] = {
  megabytes: { kind: "number", default: 256, min: 16, max: 4096, unit: "MiB" },
  linkMBps: { kind: "number", default: 125, min: 10, max: 12_500, unit: "MB/s" },
  hotPercent: { kind: "number", default: 30, min: 1, max: 100, unit: "% of the pages" },
};

/** Dirty rates, in parts of the link's. */
const RATES = [0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2];

export const liveMigration: Story<Knobs> = {
  id: "live-migration",
  question: "Precopy or postcopy: how long does a machine stand still, how long does it take, how much is sent?",
  source: "LWN 2012-10 (user-space page fault handling)",
  claim:
    "postcopy sends each page once and stands still for its state only, whatever is written, but waits for pages; precopy resends, and at the link's rate of writing it never gets small",
  assumes: [
    "a link that sends one page after the other, and nothing else on it",
    "nine of ten touches go to the hot part",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const pageSize = 4096;
    const base: Omit<LiveMigrationOptions, "touchesPerSecond"> = {
      pages: o.megabytes * 256,
      pageSize,
      linkMBps: o.linkMBps,
      roundTripMs: 0.2,
      stateMs: 20,
      writeShare: 1,
      hotShare: o.hotPercent / 100,
      seed: 1,
      downtimeMs: 300,
      maxRounds: 30,
    };
    const results = RATES.map((rate) => {
      const touchesPerSecond = (rate * o.linkMBps * 1e6) / pageSize;
      return { rate, pre: precopy({ ...base, touchesPerSecond }), post: postcopy({ ...base, touchesPerSecond }) };
    });
    const line = (name: string, unit: string, y: (r: (typeof results)[number]) => number) => ({
      name,
      unit,
      of: "rate of writing / rate of the link",
      x: RATES,
      y: results.map((r) => round(y(r), 2)),
    });
    const bytes = o.megabytes * 2 ** 20;
    const at = (rate: number) => results[RATES.indexOf(rate)];
    return {
      series: [
        line("precopy, stands still", "ms", (r) => r.pre.downtimeMs),
        line("postcopy, stands still", "ms", (r) => r.post.downtimeMs),
        line("postcopy, waits for pages", "ms", (r) => r.post.stallMs),
        line("precopy, in all", "s", (r) => r.pre.totalSeconds),
        line("postcopy, in all", "s", (r) => r.post.totalSeconds),
      ],
      table: {
        columns: [
          "writes / link",
          "precopy s",
          "rounds",
          "still ms",
          "sent / memory",
          "postcopy s",
          "still ms",
          "waits ms",
          "sent / memory",
        ],
        rows: results.map(({ rate, pre, post }) => [
          rate,
          round(pre.totalSeconds, 2),
          pre.converged ? pre.rounds : `${pre.rounds} (gives up)`,
          round(pre.downtimeMs),
          round(pre.bytes / bytes, 2),
          round(post.totalSeconds, 2),
          round(post.downtimeMs),
          round(post.stallMs),
          round(post.bytes / bytes, 2),
        ]),
      },
      numbers: {
        sentPostcopy: Math.max(...results.map((r) => r.post.bytes / bytes)),
        downPostcopy: Math.max(...results.map((r) => r.post.downtimeMs)),
        sentPrecopyHalf: at(0.5).pre.bytes / bytes,
        convergedHalf: at(0.5).pre.converged ? 1 : 0,
        convergedTwice: at(2).pre.converged ? 1 : 0,
        downPrecopyTwice: at(2).pre.downtimeMs,
        stallsHalf: at(0.5).post.stallMs,
        totalPostcopyTwice: at(2).post.totalSeconds,
        totalPrecopyTwice: at(2).pre.totalSeconds,
      },
    };
  },
};
