import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KernelError } from "../abi/errors.js";
import type { MachineSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";
import { WouldBlockForever } from "./core.js";
import { createMachine } from "./createKernel.js";
import { program } from "./program.js";
import { type ToySys, toy } from "./toyFeature.js";

type Sys = MachineSys & ToySys;
/** [operation, argument]; a program of them runs one after the other, with a rest point now and then. */
type Op = readonly ["nap" | "compute" | "put" | "take" | "try" | "chance" | "rest", number];

const script = program("script", function* (sys: Program<Sys>, s: { ops: Op[]; i: number; sum: number }) {
  for (; s.i < s.ops.length; s.i++) {
    const [op, n] = s.ops[s.i];
    if (op === "rest") yield* sys.restPoint(s);
    else if (op === "nap") yield* sys.nap(n * 1000);
    else if (op === "compute") yield* sys.compute(n * 777);
    else if (op === "put") s.sum += yield* sys.put(n % 7);
    else if (op === "take") s.sum += yield* sys.take(n % 3);
    else if (op === "chance") s.sum += yield* sys.chance(n + 1);
    else {
      try {
        s.sum += yield* sys.tryTake();
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        s.sum += e.errno;
      }
    }
  }
  return s.sum;
});

const opArb: fc.Arbitrary<Op> = fc.tuple(
  fc.constantFrom("nap", "compute", "put", "take", "try", "chance", "rest"),
  fc.integer({ min: 0, max: 5000 }),
) as fc.Arbitrary<Op>;
const programsArb = fc.array(fc.array(opArb, { maxLength: 25 }), { minLength: 1, maxLength: 5 });
const machineArb = fc.record({
  cpus: fc.integer({ min: 1, max: 3 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  refill: fc.constantFrom(0, 700_000),
});
type M = { cpus: number; seed: number; refill: number };

function build(m: M, spurious = false) {
  return createMachine({ machine: { cpus: m.cpus }, seed: m.seed, spuriousWakeups: spurious }).use(
    toy({ refillNs: m.refill }),
  );
}
function start(m: M, programs: Op[][], spurious = false) {
  const kernel = build(m, spurious).boot();
  for (const ops of programs) kernel.spawn(script, { ops, i: 0, sum: 0 });
  return kernel;
}

const RUNS = Number(process.env["KERNELKIT_PROPERTY_RUNS"] ?? 1000);

describe("a run", () => {
  it("is the same for the same seed and programs", () => {
    fc.assert(
      fc.property(machineArb, programsArb, (m, programs) => {
        const a = start(m, programs);
        const b = start(m, programs);
        a.run("10ms");
        b.run("4ms");
        b.run("6ms");
        expect(b.digest()).toBe(a.digest());
      }),
      { numRuns: RUNS },
    );
  });

  it("has the same results when sleepers are woken for no reason", () => {
    fc.assert(
      fc.property(machineArb, programsArb, (m, programs) => {
        // waking a sleeper may make it run (and others wait) at other times, so only what does not race is compared
        const alone = programs.map((p) => p.filter(([op]) => op !== "try" && op !== "chance"));
        const results = (spurious: boolean): string => {
          const kernel = start({ ...m, cpus: 8 }, [alone[0]], spurious);
          kernel.run("200ms");
          return `${kernel.toy.items()} ${kernel.tasks.all().length}`;
        };
        expect(results(true)).toBe(results(false));
      }),
      { numRuns: RUNS / 5 },
    );
  });

  it("loses no wake-up: whoever waits for what others bring gets it", () => {
    const parts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(machineArb, parts, parts, fc.boolean(), (m, puts, takes, spurious) => {
        const kernel = build({ ...m, refill: 0 }, spurious).boot();
        const before = kernel.tasks.all().length;
        const total = puts.reduce((a, b) => a + b, 0);
        let left = total;
        // the consumers take exactly what the producers bring
        const wanted = takes.map((n, i) => {
          const w = i === takes.length - 1 ? left : Math.min(n, left);
          left -= w;
          return w;
        });
        const items = (op: "put" | "take", n: number): Op[] => Array.from({ length: n }, () => [op, 1] as const);
        for (const n of wanted) kernel.spawn(script, { ops: items("take", n), i: 0, sum: 0 });
        for (const n of puts) kernel.spawn(script, { ops: items("put", n), i: 0, sum: 0 });
        kernel.run("50ms");
        expect(kernel.tasks.all().filter((t) => t.state >= 1 && t.state <= 3).length).toBe(0);
        expect(kernel.toy.items()).toBe(0);
        expect(kernel.tasks.all().length).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it("accounts every ns of every CPU to one class", () => {
    fc.assert(
      fc.property(machineArb, programsArb, (m, programs) => {
        const kernel = start(m, programs);
        kernel.run("3ms");
        for (let c = 0; c < m.cpus; c++) {
          let sum = 0;
          for (let cls = 0; cls < 8; cls++) sum += kernel.cpus.timeAt(c, cls, kernel.now);
          expect(sum).toBe(kernel.now);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("a checkpoint", () => {
  it("at any event of a random run, restored, ends in the same digest", () => {
    fc.assert(
      fc.property(machineArb, programsArb, (m, programs) => {
        const whole = start(m, programs);
        whole.run("5ms");
        const end = whole.digest();
        const kernel = start(m, programs);
        for (let i = 0; kernel.core.sched.stepsPending || kernel.core.events.peek() <= 5e6; i++) {
          let n = 0;
          kernel.core.runTo(5e6, () => n++ > 0);
          if (i % 5 !== 0) continue;
          const json = JSON.stringify(kernel.checkpoint());
          const back = build(m).restore(JSON.parse(json), [script]);
          back.core.runTo(5e6);
          expect(back.digest()).toBe(end);
        }
        kernel.core.runTo(5e6);
        expect(kernel.digest()).toBe(end);
      }),
      { numRuns: RUNS / 20 },
    );
  });

  it("names a function in the state by its path", () => {
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    kernel.core.state.root("bad", { deep: [() => 1] });
    expect(() => kernel.checkpoint()).toThrow("state holds a function at bad.deep[0]");
  });

  it("is refused by a kernel that is composed differently", () => {
    const c = build({ cpus: 1, seed: 1, refill: 0 }).boot().checkpoint();
    expect(() => createMachine({ machine: { cpus: 1 } }).restore(c)).toThrow("[toy]");
  });
});

describe("a call from outside", () => {
  it("drives virtual time until it returns", () => {
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    kernel.sys(kernel.init).nap(5e9);
    expect(kernel.now).toBe(5e9);
  });

  it("that nothing can wake throws and names what it waits for", () => {
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    expect(() => kernel.sys(kernel.init).take(1)).toThrow(WouldBlockForever);
    expect(() => kernel.sys(kernel.init).take(1)).toThrow("has not returned");
  });

  it("that is started returns when another task has done its part", () => {
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    const p = kernel.call(kernel.init).take(2);
    expect(p.done).toBe(false);
    expect(() => p.value).toThrow("has not returned yet");
    kernel.spawn(script, { ops: [["put", 2]], i: 0, sum: 0 });
    kernel.run("1ms");
    expect(p.done).toBe(true);
    expect(p.value).toBe(2);
  });

  it("throws a KernelError with code, errno and syscall", () => {
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    try {
      kernel.sys(kernel.init).put(-1);
      expect.unreachable();
    } catch (e) {
      expect(e).toMatchObject({ code: "EINVAL", errno: -22, syscall: "put" });
    }
  });
});

describe("a program", () => {
  it("that forgets yield* is told so at its next call", () => {
    const forgetful = program("forgetful", function* (sys: Program<Sys>, _: null) {
      // no yield*: the next call must throw
      sys.nap(1);
      yield* sys.compute(1);
    });
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    kernel.spawn(forgetful, null);
    expect(() => kernel.run("1ms")).toThrow(
      "sys.nap() was called without yield*: nothing was done (seen at sys.compute())",
    );
  });

  it("that is not a function of its results is found out when it is restored", () => {
    let outer = 0;
    const cheat = program("cheat", function* (sys: Program<Sys>, _: null) {
      if (outer++ === 0) yield* sys.compute(1);
      else yield* sys.chance(3);
      yield* sys.nap(1e6);
    });
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    kernel.spawn(cheat, null);
    kernel.run("500us");
    const back = build({ cpus: 1, seed: 1, refill: 0 }).restore(kernel.checkpoint(), [cheat]);
    expect(() => back.run("1ms")).toThrow(
      "program 'cheat' is not a function of its results: recorded compute, now chance",
    );
  });

  it("shares a CPU by weight with others", () => {
    const hog = program("hog", function* (sys: Program<Sys>, _: null) {
      for (;;) yield* sys.compute(50_000);
    });
    const kernel = build({ cpus: 1, seed: 1, refill: 0 }).boot();
    const a = kernel.spawn(hog, null);
    const b = kernel.spawn(hog, null);
    b.se.nice = 5;
    kernel.run("10s");
    expect(a.utimeNs / b.utimeNs).toBeGreaterThan(2.8);
    expect(a.utimeNs / b.utimeNs).toBeLessThan(3.3);
  });
});

describe("a limit of virtual time", () => {
  const limited = (virtualNs: number) => createMachine({ machine: { cpus: 1 }, limits: { virtualNs } }).boot();
  const clock = program("clock", function* (sys: Program<MachineSys>, s: { ms: number }) {
    for (; s.ms > 0; s.ms--) yield* sys.compute(1_000_000);
  });

  it("stops whoever drives the kernel beyond it, at its instant", () => {
    for (const drive of [
      (k: ReturnType<typeof limited>) => k.run("10s"),
      (k: ReturnType<typeof limited>) => k.runUntil(() => false),
      (k: ReturnType<typeof limited>) => k.sys(k.init).nanosleep({ sec: 5, nsec: 0 }),
    ]) {
      const kernel = limited(2e9);
      kernel.spawn(clock, { ms: 20_000 });
      expect(() => drive(kernel)).toThrow(/virtual time has reached 2000000000 ns \(limits\.virtualNs\)/);
      expect(kernel.now).toBe(2e9);
    }
  });

  it("that is not reached changes nothing", () => {
    const digest = (kernel: ReturnType<typeof limited>): string => {
      kernel.spawn(clock, { ms: 300 });
      kernel.run("1s");
      kernel.run("1s");
      return kernel.digest();
    };
    expect(digest(limited(2e9))).toBe(digest(createMachine({ machine: { cpus: 1 } }).boot()));
  });
});
