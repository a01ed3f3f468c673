import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { casePackages, loadCaseSet } from "./loadCases.js";
import { toolDir } from "./runConformance.js";

const made: string[] = [];
function folder(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), "cases-"));
  made.push(dir);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

const one = (id: string): string => JSON.stringify([{ id, title: "t", provenance: "p", steps: [] }]);

describe("a folder of cases", () => {
  it("has a folder per package, with files in order of name and data beside them", () => {
    const dir = folder({
      "core/b.json": one("b"),
      "core/a.json": one("a"),
      "core/data/x.bin": "xy",
      "notes/x.txt": "",
    });
    expect(casePackages(dir)).toEqual(["core"]);
    const set = loadCaseSet(dir, "core");
    expect(set.cases.map((c) => c.id)).toEqual(["a", "b"]);
    expect(set.readData?.("data/x.bin")).toEqual(new Uint8Array([120, 121]));
    expect(set.readData?.("data/y.bin")).toBeUndefined();
    expect(set.readData?.("../../etc/passwd")).toBeUndefined();
  });
  it("names the file and the case that are broken", () => {
    expect(() => loadCaseSet(folder({ "core/a.json": "[{" }), "core")).toThrow(/a\.json/);
    expect(() => loadCaseSet(folder({ "core/a.json": '[{"id": 1}]' }), "core")).toThrow(/a\.json: case 0: id/);
    expect(() => loadCaseSet(folder({ "core/a.json": '[{"id": "x"}]' }), "core")).toThrow(/x: steps/);
    expect(() => loadCaseSet(folder({ "core/a.json": one("x"), "core/b.json": one("x") }), "core")).toThrow(
      /second case/,
    );
    expect(() => casePackages("/nowhere")).toThrow(RangeError);
  });
  it("the recorded cases are 1530 in nine folders, each id once", () => {
    const dir = join(toolDir(), "cases");
    const sets = casePackages(dir).map((name) => loadCaseSet(dir, name));
    expect(Object.fromEntries(sets.map((s) => [s.package, s.cases.length]))).toEqual({
      core: 160,
      genirq: 182,
      integrity: 139,
      memcg: 125,
      namespaces: 180,
      numa: 238,
      powerclamp: 192,
      "printk-syslog": 194,
      writeback: 120,
    });
  });
});
