import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EAGAIN } from "../abi/errno.js";
import { KernelError } from "../abi/errors.js";
import type { MachineSys } from "../sys/bareSys.js";
import type { Program, SysBase } from "../sys/types.js";
import type { Core } from "./core.js";
import { createMachine } from "./createKernel.js";
import type { Feature } from "./feature.js";
import { program } from "./program.js";
import { type ToySys, toy } from "./toyFeature.js";

/** A package that listens on every kind of hook, counts, and has a kernel thread if it is not idle. */
function dummy(name: string, order: number, busy: boolean): Feature<string, { seen(): number }, SysBase> {
  return {
    name,
    install(k: Core) {
      const st = { seen: 0, agreed: 0 };
      k.state.root(name, st);
      k.hooks.fork.tap(
        order,
        name,
        () => {
          st.agreed++;
          return st.agreed % 5 === 0 ? EAGAIN : 0;
        },
        () => {
          st.agreed--;
        },
      );
      k.hooks.schedIn.tap(order, name, () => {
        st.seen++;
      });
      k.hooks.exit.tap(order, name, () => {
        st.seen += 3;
      });
      k.hooks.selectCpu.tap(order, name, (t) => (t.nr % 7 === order % 7 ? 0 : undefined));
      return {
        api: { seen: () => st.seen },
        boot() {
          if (busy)
            k.timers.add(
              k.timers.define(name, () => k.log(6, `${name} ticks`)),
              3,
              0,
              0,
            );
        },
      };
    },
  };
}

const forker = program("forker", function* (sys: Program<MachineSys & ToySys>, s: { n: number }) {
  for (; s.n > 0; s.n--) {
    yield* sys.compute(90_000);
    yield* sys.nap(40_000);
    yield* sys.put(1);
    yield* sys.take(1);
  }
});

const NAMES = ["alpha", "beta", "gamma", "delta"];

function digestOf(order: readonly string[], idle: boolean): string {
  let b = createMachine({ machine: { cpus: 2 }, seed: 3 }) as unknown as { use(f: unknown): typeof b; boot(): never };
  b = b.use(toy({ refillNs: 1e6 }));
  for (const n of order) b = b.use(dummy(n, 100 + NAMES.indexOf(n), !idle));
  const kernel = b.boot() as unknown as { spawn(p: unknown, s: unknown): void; run(d: string): void; digest(): string };
  for (let i = 0; i < 8; i++) {
    try {
      kernel.spawn(forker, { n: 10 + i });
    } catch (e) {
      // one of the packages has refused the fork
      if (!(e instanceof KernelError)) throw e;
    }
  }
  kernel.run("30ms");
  return kernel.digest();
}

describe("the order of use", () => {
  it("is invisible, with packages on every kind of hook", () => {
    const expected = digestOf(NAMES, false);
    fc.assert(
      fc.property(fc.shuffledSubarray(NAMES, { minLength: NAMES.length }), (order) => {
        expect(digestOf(order, false)).toBe(expected);
      }),
      { numRuns: 24 },
    );
  });
});

describe("a package that is composed and idle", () => {
  it("changes nothing for the others", () => {
    const idle: Feature<"idle", object, SysBase> = { name: "idle", install: () => ({ api: {} }) };
    const run = (withIdle: boolean): string => {
      const b = createMachine({ seed: 1 }).use(toy({ refillNs: 1e6 }));
      const kernel = (withIdle ? b.use(idle) : b).boot();
      kernel.spawn(forker, { n: 20 });
      kernel.run("50ms");
      return kernel.digest();
    };
    expect(run(true)).toBe(run(false));
  });
});

describe("misuse", () => {
  it("names the package that is used twice, and the contract that is missing", () => {
    expect(() => createMachine().use(toy()).use(toy())).toThrow("package 'toy' is used twice");
    const needy = { name: "needy", needs: ["noSuch"], install: () => ({ api: {} }) } as never;
    expect(() => (createMachine().use(needy) as unknown as { boot(): void }).boot()).toThrow("needs contract 'noSuch'");
  });

  it("names option, value and what is allowed", () => {
    expect(() => createMachine({ machine: { cpus: 0 } })).toThrow(
      "machine.cpus: must be an integer from 1 to 4096, not 0",
    );
    expect(() => createMachine({ machine: { memory: "lots" } })).toThrow("lots");
    expect(() => createMachine({ machine: { cpuz: 1 } as never })).toThrow("machine.cpuz: unknown option");
    expect(() => createMachine({ seed: 1.5 })).toThrow("seed: must be an integer");
  });
});
