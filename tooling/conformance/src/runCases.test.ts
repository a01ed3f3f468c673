import { describe, expect, it } from "vitest";
import type { Case, CaseSet, Step } from "./caseFile.js";
import type { Dialect } from "./dialect.js";
import { Mismatch, NotYet } from "./outcome.js";
import { type CaseEnd, type Progress, runCase, runCases } from "./runCases.js";
import { kernelStep } from "./steps/kernelSteps.js";
import { advanceStep, repStep } from "./steps/taskSteps.js";
import { dollarVariables } from "./variables.js";

/** A folder whose only operations are these; no package is needed. */
const toy: Dialect = {
  package: "toy",
  caseKeys: ["mounts"],
  machineKeys: ["cpus"],
  taskKeys: ["uid"],
  multiline: false,
  compose: () => ({ needs: [] }),
  start: (s) => {
    if (s.spec.mounts === "broken") throw new Mismatch("a mount", "ENODEV");
  },
  substitute: (s, value) => dollarVariables(value, (name) => s.vars.get(name)),
  kinds: {
    rep: repStep,
    advance: advanceStep,
    kernel: kernelStep(
      {
        add: (_s, [a, b]) => ({ ret: Number(a) + Number(b) }),
        now: (s) => ({ ret: s.kernel.now }),
        text: (_s, [t]) => ({ data: String(t), ret: String(t).length }),
        fail: () => ({ ret: -1, errno: "EPERM" }),
        crash: () => {
          throw new TypeError("cannot read properties of undefined");
        },
        later: () => {
          throw new NotYet("phase of the moon");
        },
        forEver: (s) => {
          // A kernel thread whose work takes no time and never ends.
          const { tasks } = s.kernel as unknown as { tasks: { kthreadCreate(...args: unknown[]): unknown } };
          tasks.kthreadCreate({ name: "spin", step: () => 0 }, "spin", null);
          s.advance(1);
          return undefined;
        },
      },
      ["extra"],
    ),
  },
  effects: {
    save: (s, what, result) => {
      s.vars.set(String(what), result.ret);
    },
  },
  pauseNs: 0,
};

const dialects: ReadonlyMap<string, Dialect> = new Map([["toy", toy]]);
const caseOf = (steps: Step[], more: object = {}): Case => ({ id: "x", title: "t", provenance: "p", steps, ...more });
const run = (steps: Step[], more: object = {}): CaseEnd => {
  const c = caseOf(steps, more);
  return runCase(c, { package: "toy", cases: [c] }, { dialects });
};

describe("running a case", () => {
  it("passes if every step sees what it says", () => {
    expect(
      run([
        { kernel: "add", args: [1, 2], ret: 3, save: "n" },
        { kernel: "add", args: ["$n", "$n+1"], ret: 7 },
      ]),
    ).toEqual({
      outcome: "pass",
    });
  });
  it("fails at the first step that sees something else", () => {
    expect(run([{ advance: "1s" }, { kernel: "add", args: [1, 2], ret: 4 }, { kernel: "crash" }])).toEqual({
      outcome: "fail",
      failure: { id: "x", step: 1, expected: "ret 4", got: "ret 3" },
    });
  });
  it("a step that expects nothing must succeed", () => {
    expect(run([{ kernel: "fail" }]).failure).toMatchObject({ step: 0, expected: "success", got: "EPERM" });
    expect(run([{ kernel: "fail", errno: "EPERM" }]).outcome).toBe("pass");
    expect(run([{ kernel: "fail", fails: true }]).outcome).toBe("pass");
    expect(run([{ kernel: "add", args: [1, 2], errno: "EPERM" }]).failure).toMatchObject({ got: "ret 3" });
  });
  it("an exception is a failure that says what was thrown and where", () => {
    const { failure } = run([{ kernel: "crash" }]);
    expect(failure?.got).toMatch(/^TypeError: cannot read properties of undefined \(at /);
  });
  it("a start state that cannot be made is a failure before the first step", () => {
    expect(run([], { mounts: "broken" }).failure).toEqual({ id: "x", step: -1, expected: "a mount", got: "ENODEV" });
  });
  it("a kernel that never gets on is given up", () => {
    expect(run([{ kernel: "forEver" }]).failure?.got).toMatch(/^RangeError: more than 1000000 steps at instant 0/);
  });
  it("virtual time passes only by the case", () => {
    expect(run([{ kernel: "now", ret: 0 }, { advance: "1.5s" }, { kernel: "now", ret: 1_500_000_000 }]).outcome).toBe(
      "pass",
    );
  });
});

describe("not yet, never pass", () => {
  it.each<[string, Step[], object]>([
    ["step frobnicate", [{ frobnicate: 1 }], {}],
    ["kernel operation sub", [{ kernel: "sub", args: [] }], {}],
    ["step key colour (of a kernel step)", [{ kernel: "add", args: [1, 2], ret: 3, colour: "red" }], {}],
    ["case key weather", [], { weather: "fine" }],
    ["machine key wings", [], { machine: { cpus: 1, wings: 2 } }],
    ["task key shoe", [], { tasks: { A: { uid: 0, shoe: 44 } } }],
    ["phase of the moon", [{ kernel: "later" }], {}],
    ["kernel operation sub", [{ rep: 2, steps: [{ kernel: "sub" }] }], {}],
  ])("%s", (missing, steps, more) => {
    expect(run(steps, more)).toEqual({ outcome: "notYet", missing });
  });
  it("what is missing in a later step is seen before anything is run", () => {
    expect(run([{ kernel: "crash" }, { frobnicate: 1 }]).outcome).toBe("notYet");
  });
  it("a key that the operation reads is not missing", () => {
    expect(run([{ kernel: "add", args: [1, 1], extra: 5, ret: 2, note: "why" }]).outcome).toBe("pass");
  });
  it("a folder without a dialect", () => {
    const c = caseOf([]);
    expect(runCase(c, { package: "other", cases: [c] }, { dialects }).missing).toBe("a dialect for the folder other");
  });
});

describe("running many cases", () => {
  const pass = { ...caseOf([{ kernel: "add", args: [1, 2], ret: 3 }]), id: "good" };
  const fail = { ...caseOf([{ kernel: "crash" }]), id: "bad" };
  const later = { ...caseOf([{ kernel: "later" }]), id: "later" };
  const set: CaseSet = { package: "toy", cases: [fail, pass, later] };

  it("counts them, and one that throws does not stop the others", async () => {
    const seen: Progress[] = [];
    const report = await runCases([set], { dialects }, (p) => seen.push(p));
    expect(report.ok).toBe(false);
    expect(report.packages[0]).toMatchObject({ cases: 3, pass: 1, fail: 1, known: 0, notYet: 1 });
    expect(report.packages[0].failures.map((f) => f.id)).toEqual(["bad"]);
    expect(report.packages[0].missing).toEqual(new Map([["phase of the moon", 1]]));
    expect(seen.map((p) => [p.id, p.outcome, p.done, p.total])).toEqual([
      ["bad", "fail", 1, 3],
      ["good", "pass", 2, 3],
      ["later", "notYet", 3, 3],
    ]);
  });
  it("known cases do not fail the run", async () => {
    const report = await runCases([set], { dialects, known: { toy: { bad: "crashes", later: "to come" } } });
    expect(report.ok).toBe(true);
    expect(report.packages[0]).toMatchObject({ pass: 1, fail: 0, known: 2, notYet: 0, failures: [], stale: [] });
  });
  it("a known case that passes fails the run", async () => {
    const report = await runCases([set], { dialects, known: { toy: { bad: "crashes", good: "was broken" } } });
    expect(report.ok).toBe(false);
    expect(report.packages[0].stale).toEqual(["good"]);
  });
  it("runs one case alone", async () => {
    const report = await runCases([set], { dialects, caseId: "good" });
    expect(report.packages[0]).toMatchObject({ cases: 1, pass: 1 });
  });

  it("runs a share of the cases, and all shares are all cases", async () => {
    const cases = [1, 2, 3, 4, 5].map((n) => caseOf([{ kernel: "now", ret: 0 }], { id: `c${n}` }));
    const shares = [0, 1].map(async (index) => {
      const ids: string[] = [];
      await runCases([{ package: "toy", cases }], { dialects, part: { index, of: 2 } }, (p) => ids.push(p.id));
      return ids;
    });
    expect(await Promise.all(shares)).toEqual([
      ["c1", "c3", "c5"],
      ["c2", "c4"],
    ]);
  });
});
