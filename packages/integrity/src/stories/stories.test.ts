import { describe, expect, it } from "vitest";
import { attestation } from "./attestation.js";
import { changedWhileOpen } from "./changedWhileOpen.js";
import { deferredFput } from "./deferredFput.js";
import { labelKinds } from "./labelKinds.js";
import { labelling } from "./labelling.js";
import { offlineAttacks } from "./offlineAttacks.js";
import { policiesStory } from "./policies.js";
import { secureKexec } from "./secureKexec.js";
import { violationCost } from "./violationCost.js";

describe("offline-attacks", () => {
  it("IMA alone sees changed content and a missing label, EVM with it all six, and nobody an untouched file", () => {
    for (const profile of ["6.18", "debian-6.1"]) {
      const { numbers, table } = offlineAttacks.run({ profile });
      expect([numbers.none, numbers.IMA, numbers["IMA and EVM"]]).toEqual([0, 2, 6]);
      expect(numbers["none: untouched"] + numbers["IMA: untouched"] + numbers["IMA and EVM: untouched"]).toBe(0);
      expect(table.rows.map((r) => r[2] !== "not noticed")).toEqual([true, false, false, false, false, true]);
    }
  });
});

describe("labelling", () => {
  it("refuses everything before, and afterwards exactly what was forgotten", () => {
    const { numbers, series } = labelling.run({ files: 20, missed: 3 });
    expect(numbers).toEqual({ before: 20, after: 3, rewritten: 0 });
    expect(series[0].y.at(-1)).toBe(17);
  });
});

describe("changed-while-open", () => {
  it("with i_version hashes again what has changed, without it whatever was open for writing", () => {
    const { numbers } = changedWhileOpen.run({ rounds: 5 });
    const unchanged = "opened for writing, closed unchanged";
    expect(numbers[`always: ${unchanged}`]).toBe(0);
    expect(numbers[`none: ${unchanged}`]).toBeGreaterThanOrEqual(1);
    expect(numbers[`mount-option: ${unchanged}`]).toBe(numbers[`none: ${unchanged}`]);
    for (const change of ["written, then closed", "mapped, closed, stored into, unmapped"]) {
      expect(numbers[`always: ${change}`]).toBeGreaterThanOrEqual(1);
      expect(numbers[`always: ${change}: fits`]).toBe(1);
      expect(numbers[`none: ${change}: fits`]).toBe(1);
    }
    expect(numbers["always: written once, from then on closed unchanged"]).toBeGreaterThanOrEqual(1);
    const cut = "cut and restored by path, not opened";
    expect(numbers[`always: ${cut}`]).toBe(0);
    expect(numbers[`always: ${cut}: fits`]).toBe(0);
  });
});

describe("attestation", () => {
  it("accepts the truth and refuses every change of it, saying where", () => {
    const { numbers, table } = attestation.run({ files: 10 });
    expect(numbers).toEqual({ accepted: 1, tamperings: 10, refused: 10, entries: 11 });
    const kinds = Object.fromEntries(table.rows.map((r) => [r[0], r[1]]));
    expect(kinds["an entry left out"]).toBe("pcr-mismatch");
    expect(kinds["a template hash"]).toBe("template-hash");
    expect(kinds["the end cut off"]).toBe("list-truncated");
    expect(kinds["the registers"]).toBe("pcr-digest");
    expect(kinds["an old answer"]).toBe("nonce");
    expect(kinds["a bit of the signature"]).toMatch(/signature|malformed/);
    const hash = table.rows.find((r) => r[0] === "a template hash");
    expect([hash?.[2], (hash?.[3] as number) > 0]).toEqual([1, true]);
  });
});

describe("secure-kexec", () => {
  it("locked down boots what the vendor signed, and never what changed in memory", () => {
    const { table, numbers } = secureKexec.run();
    expect(table.rows.map((r) => r.slice(1))).toEqual([
      ["ok, kexec", "ok, kexec"],
      ["ok, kexec", "EPERM, stays"],
      ["ok, kexec", "EPERM, stays"],
      ["ok, halt", "ok, halt"],
      ["ok, kexec", "EPERM, stays"],
      ["ok, crash", "ok, crash"],
    ]);
    expect(numbers).toEqual({ boots: 5, bootsLockedDown: 2, attempts: 6 });
  });
});

describe("deferred-fput", () => {
  it("inline has the cycle with IMA and only with it; deferring has none and delays every close; task work neither", () => {
    const { numbers: n } = deferredFput.run({ files: 40, mapped: 10 });
    expect(n["cycles inline, IMA"]).toBe(1);
    expect(n["cycles inline"] + n["cycles deferred, IMA"] + n["cycles task_work, IMA"]).toBe(0);
    // What a lock checker learns depends on whether IMA is on: the objection.
    expect(n["orders inline, IMA"]).toBeGreaterThan(n["orders inline"]);
    expect(n["orders task_work, IMA"]).toBe(n["orders task_work"]);
    expect(n["delayed deferred, IMA"]).toBe(40);
    expect(n["delayed inline, IMA"] + n["delayed task_work, IMA"]).toBe(0);
    expect([n["prompt inline, IMA"], n["prompt task_work, IMA"], n["prompt deferred, IMA"]]).toEqual([40, 40, 0]);
    expect(n["munmap task_work, IMA"]).toBe(10);
  });
});

describe("violation-cost, label-kinds, policies", () => {
  it("N readers of a log make N entries, or one per writer since 6.15", () => {
    expect(violationCost.run({ readers: 20, rotations: 3 }).numbers).toEqual({ every: 60, limited: 3 });
  });

  it("hash labels follow, signatures hold still, and neither hides a cut file from the next boot", () => {
    expect(labelKinds.run().numbers).toEqual({ hashWritable: 1, signedWritable: 0, truncatedPasses: 0 });
  });

  it("each policy looks at less than the one before", () => {
    const { numbers: n } = policiesStory.run({ files: 50 });
    expect(n.none).toBe(0);
    expect(n["programs only"]).toBe(4);
    expect(n["ima_tcb (legacy)"]).toBe(n.tcb - 5);
    expect(n.tcb).toBeGreaterThan(25);
  });
});

it("every story names the knob that is out of range, and gives the same result every time", () => {
  expect(() => labelling.run({ files: 0 })).toThrow(/files must be 1\.\.5000 files, not 0/);
  expect(() => secureKexec.run({ lockdown: "some" })).toThrow(/lockdown must be none, integrity, confidentiality/);
  expect(() => attestation.run({ speed: 1 } as never)).toThrow(/no knob 'speed'/);
  expect(violationCost.run({ readers: 3 })).toEqual(violationCost.run({ readers: 3 }));
});
