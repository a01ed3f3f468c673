// The table of recorded behaviour: from the file that `pnpm conformance --json` writes; run when it is not there.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { table } from "./markdown.js";

const REPORT = ".cache/conformance.json";

interface Score {
  readonly name: string;
  readonly cases: number;
  readonly pass: number;
  readonly fail: number;
  readonly known: number;
  readonly notYet: number;
}

export function scorePage(): string {
  if (!existsSync(REPORT)) {
    const run = spawnSync(process.execPath, ["tooling/conformance/bin/conformance.mjs", "--json", REPORT], {
      encoding: "utf8",
    });
    if (!existsSync(REPORT)) throw new Error(`conformance left no report\n${run.stdout}${run.stderr}`);
  }
  const { packages } = JSON.parse(readFileSync(REPORT, "utf8")) as { packages: readonly Score[] };
  if (packages.length === 0) throw new Error(`${REPORT} has no packages`);
  const sum = (key: "cases" | "pass" | "fail" | "known" | "notYet"): number => packages.reduce((n, p) => n + p[key], 0);
  const all: Score = {
    name: "**all**",
    cases: sum("cases"),
    pass: sum("pass"),
    fail: sum("fail"),
    known: sum("known"),
    notYet: sum("notYet"),
  };
  const rows = [...packages, all].map((p) => [p.name, ...[p.cases, p.pass, p.fail, p.known, p.notYet].map(String)]);
  return `${table(["package", "cases", "pass", "fail", "known", "not yet"], rows).join("\n")}\n`;
}
