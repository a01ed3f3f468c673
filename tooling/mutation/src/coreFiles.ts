// Which files of a package are mutated, and by which tests their mutants must be found. A package's core files are those that hold its
// arithmetic and its decisions; their tests are those that are about them, so that a mutant is found where it should be and fast.

export interface CoreFiles {
  /** Below packages/<package>/src. */
  readonly mutate: readonly string[];
  /** Below packages/<package>/src; all tests of the package when there is none of its own. */
  readonly tests: readonly string[];
}

export const CORE_FILES: Readonly<Record<string, CoreFiles>> = {
  core: {
    mutate: ["lib/bitmap.ts", "lib/bitmapText.ts", "lib/numberParsers.ts", "lib/rng.ts", "time/timerWheel.ts"],
    tests: ["lib/*.test.ts", "time/timerWheel.test.ts"],
  },
  genirq: {
    mutate: ["flow/flowHandlers.ts", "spurious.ts", "files/parseInterrupts.ts"],
    tests: ["flow/*.test.ts", "genirq.test.ts", "files/*.test.ts"],
  },
  integrity: {
    mutate: ["policy/matchPolicy.ts", "policy/compiledPolicy.ts", "list/template.ts"],
    tests: ["policy/*.test.ts", "list/*.test.ts"],
  },
  memcg: {
    mutate: ["pageCounter.ts", "highDelay.ts", "protection.ts", "limits/readLimits.ts", "memparse.ts", "lruList.ts"],
    tests: ["pageCounter*.test.ts", "limits/*.test.ts", "lruList.test.ts", "memcg.test.ts", "reclaim.test.ts"],
  },
  namespaces: {
    mutate: ["user/idMap.ts", "net/fib.ts", "ucounts.ts"],
    tests: ["namespaces.test.ts", "net/devices.test.ts", "net/netns.test.ts", "user/*.test.ts"],
  },
  numa: {
    mutate: ["policy/mpolText.ts", "policy/nodes.ts", "cpuset/parse.ts", "balance/modern/weights.ts"],
    tests: ["numa.test.ts", "balance/modern/*.test.ts", "cpuset/*.test.ts", "policy/*.test.ts"],
  },
  powerclamp: {
    mutate: [
      "clamp/pkgRatio.ts",
      "cpuidle/selectState.ts",
      "pelt/decayLoad.ts",
      "pelt/pelt.ts",
      "thermal/governors/divvyUpPower.ts",
    ],
    tests: ["clamp/powerclampDriver.test.ts", "cpuidle/*.test.ts", "pelt/*.test.ts", "thermal/governors/*.test.ts"],
  },
  "printk-syslog": {
    mutate: ["ringBuffer.ts", "recordText.ts", "ratelimit.ts", "taint.ts"],
    tests: ["ringBuffer.test.ts", "recordText.test.ts", "ratelimit.test.ts", "taint.test.ts"],
  },
  sweep: {
    mutate: ["canonical.ts", "plan.ts", "space/*.ts", "summary/statistics.ts"],
    tests: ["canonical.test.ts", "plan.test.ts", "space/*.test.ts", "summary/*.test.ts"],
  },
  writeback: {
    mutate: ["control/*.ts", "errseq.ts"],
    tests: ["control/*.test.ts", "writeback.test.ts", "errseq.test.ts"],
  },
};
