import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "./cli.js";

let dir: string;
let out: string;
let err: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "conformance-"));
  out = "";
  err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

function cases(...list: object[]): void {
  mkdirSync(join(dir, "core"), { recursive: true });
  const whole = list.map((c) => ({ title: "t", provenance: "p", ...c }));
  writeFileSync(join(dir, "core", "a.json"), JSON.stringify(whole));
}
const good = { id: "good", steps: [{ task: "A", sys: "getppid", ret: ">0" }] };
const bad = { id: "bad", steps: [good.steps[0], { task: "A", sys: "getuid", ret: 5 }] };
const later = { id: "later", steps: [{ task: "A", dance: "tango" }] };

describe("the command line", () => {
  it("prints each failure at its step and the table, and exits with 1", async () => {
    cases(good, bad, later);
    expect(await main(["core", "--cases", dir])).toBe(1);
    expect(out).toBe(
      "FAIL core/bad step 1\n     expected ret 5\n     got      ret 0\n" +
        "not yet core: 1 x step task dance\n" +
        "package  cases  pass  fail  known  not yet\n" +
        "core         3     1     1      0        1\n",
    );
  });
  it("exits with 0 if nothing failed, also where cases are not yet run", async () => {
    cases(good, later);
    expect(await main(["--cases", dir])).toBe(0);
  });
  it("runs one case, and shows what its steps saw", async () => {
    cases(good, bad);
    expect(await main(["--cases", dir, "--case", "good", "--verbose"])).toBe(0);
    expect(out).toMatch(/^good 0 \{"task":"A","sys":"getppid","ret":">0"\}\n {4}-> ret \d+\n/);
    expect(out).toMatch(/core {9}1 {5}1 {5}0 {6}0 {8}0\n$/);
  });
  it("--json writes the score", async () => {
    cases(good, bad, later);
    const file = join(dir, "score.json");
    await main(["core", "--cases", dir, "--json", file]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      packages: [
        {
          name: "core",
          cases: 3,
          pass: 1,
          fail: 1,
          known: 0,
          notYet: 1,
          failures: [{ id: "bad", step: 1, expected: "ret 5", got: "ret 0" }],
        },
      ],
    });
  });
  it.each([
    ["an unknown option", ["--nonsense"], /Unknown option/],
    ["a package without cases", ["warp-drive"], /no cases of 'warp-drive'.*there are: core/],
    ["a case that is not there", ["--case", "none"], /no case 'none' in core/],
  ])("exits with 2 for %s", async (_, args, message) => {
    cases(good);
    expect(await main(["--cases", dir, ...args])).toBe(2);
    expect(err).toMatch(message);
  });
  it("exits with 2 for a file that is no case file", async () => {
    cases(good);
    writeFileSync(join(dir, "core", "b.json"), "[");
    expect(await main(["--cases", dir])).toBe(2);
    expect(err).toMatch(/b\.json/);
  });
  it("--help says how it is used", async () => {
    expect(await main(["--help"])).toBe(0);
    expect(out).toMatch(/^usage: conformance \[package\.\.\.\]/);
  });
});
