import { describe, expect, it } from "vitest";
import { count, failureText, mergeReports, missingText, newScore, reportJson, scoreTable } from "./report.js";

describe("the score", () => {
  const a = newScore("core");
  count(a, "pass");
  count(a, "pass");
  count(a, "fail");
  count(a, "known");
  a.failures.push({ id: "fs-001", step: 2, expected: "ret 0", got: "EPERM" });
  a.failures.push({ id: "fs-002", step: -1, expected: "the start state", got: "EINVAL" });
  const b = newScore("memcg");
  count(b, "notYet");
  b.missing.set("package memcg", 1);
  b.stale.push("oom-001");

  it("of parts of a run adds up to that of the whole", () => {
    const part = { packages: [a], ok: false };
    const sum = mergeReports([part, { packages: [b], ok: false }, part]);
    expect(sum.ok).toBe(false);
    expect(sum.packages.map((p) => [p.name, p.cases, p.pass, p.notYet])).toEqual([
      ["core", 8, 4, 0],
      ["memcg", 1, 0, 1],
    ]);
    expect(sum.packages[0].failures).toHaveLength(4);
    expect(sum.packages[1].missing.get("package memcg")).toBe(1);
  });
  it("is a table with a total", () => {
    expect(scoreTable([a, b])).toBe(
      "package  cases  pass  fail  known  not yet\n" +
        "core         4     2     1      1        0\n" +
        "memcg        1     0     0      0        1\n" +
        "total        5     2     1      1        1\n",
    );
    expect(scoreTable([a])).not.toContain("total");
  });
  it("shows each failure at its step, and list entries that must go", () => {
    expect(failureText([a, b])).toBe(
      "FAIL core/fs-001 step 2\n     expected ret 0\n     got      EPERM\n" +
        "FAIL core/fs-002 start state\n     expected the start state\n     got      EINVAL\n" +
        "PASS memcg/oom-001 is on the known list: remove it from the list\n",
    );
  });
  it("says what is missing", () => {
    expect(missingText([a, b], 5)).toBe("not yet memcg: 1 x package memcg\n");
    const many = newScore("numa");
    many.missing.set("x", 1).set("y", 3);
    expect(missingText([many], 1)).toBe("not yet numa: 3 x y\nnot yet numa: ... and 1 other reasons\n");
  });
  it("is plain JSON data of a fixed shape", () => {
    expect(JSON.parse(JSON.stringify(reportJson({ packages: [b], ok: true })))).toEqual({
      packages: [{ name: "memcg", cases: 1, pass: 0, fail: 0, known: 0, notYet: 1, failures: [] }],
    });
  });
});
