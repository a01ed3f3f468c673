import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { casePackages, loadCaseSet } from "../loadCases.js";
import { NotYet } from "../outcome.js";
import { checkKeys } from "../runCases.js";
import { toolDir } from "../runConformance.js";
import { DIALECTS } from "./index.js";

const cases = join(toolDir(), "cases");

describe("the dialects", () => {
  it("there is one for every folder of recorded cases", () => {
    expect([...DIALECTS.keys()].sort()).toEqual(casePackages(cases));
  });
  it.each(casePackages(cases))("every key of %s's recorded cases means something", (name) => {
    const dialect = DIALECTS.get(name);
    if (dialect === undefined) throw new Error(`no dialect ${name}`);
    const unknown: string[] = [];
    for (const c of loadCaseSet(cases, name).cases) {
      try {
        checkKeys(c, dialect);
      } catch (e) {
        if (!(e instanceof NotYet)) throw e;
        unknown.push(`${c.id}: ${e.message}`);
      }
    }
    expect(unknown).toEqual([]);
  });
});
