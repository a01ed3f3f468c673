import ts from "typescript";
import { describe, expect, it } from "vitest";
import { nondeterminism } from "./determinismRule.js";
import { format, type Rule } from "./findings.js";
import { unyieldedSyscalls } from "./yieldRule.js";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
};
const library = new Map<string, ts.SourceFile | undefined>();

/** Runs a rule over a program of in-memory files and gives what it says. */
function check(rule: Rule, sources: Record<string, string>): string[] {
  const files = new Map(Object.entries(sources).map(([name, text]) => [`/repo/${name}`, text]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.directoryExists = () => true;
  host.getSourceFile = (name, target) => {
    const text = files.get(name);
    if (text !== undefined) return ts.createSourceFile(name, text, target, true);
    if (!library.has(name)) library.set(name, getSourceFile(name, target));
    return library.get(name);
  };
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host });
  const own = program.getSourceFiles().filter((file) => files.has(file.fileName));
  return rule(program, own).map((finding) => format(finding).replace(/^.*\/repo\//, ""));
}

const types = `
export interface Call<R> { [Symbol.iterator](): Iterator<undefined, R, void> }
export interface Sys { getpid(): Call<number>; write(fd: number, text: string): Call<number>; dup: (fd: number) => Call<number> }
export declare class Runner { start(): Call<number> }
`;

describe("the rule that syscalls are yielded", () => {
  const program = (body: string): string[] =>
    check(unyieldedSyscalls, {
      "packages/core/src/types.ts": types,
      "p.ts": `import type { Sys, Runner } from "./packages/core/src/types";\nexport function* p(sys: Sys, r: Runner) {\n${body}\n}\n`,
    });

  it("accepts yield*, through parentheses too, as a statement, an argument and a condition", () => {
    expect(
      program("yield* sys.getpid(); const a = 1 + (yield* (sys.dup(1))); if (yield* sys.getpid()) return a;"),
    ).toEqual([]);
    expect(program("yield* sys.write(yield* sys.getpid(), 'x');")).toEqual([]);
  });

  it("finds a bare statement", () => {
    expect(program("sys.getpid();")).toEqual(["p.ts:3:1 sys.getpid() does nothing without yield*"]);
  });

  it("finds a condition, an argument inside another yield*, a plain yield, and what is kept for later", () => {
    expect(program("if (sys.getpid()) return;")).toHaveLength(1);
    expect(program("yield* sys.write(1, String(sys.getpid()));")).toHaveLength(1);
    expect(program("yield sys.getpid() as never;")).toHaveLength(1);
    expect(program("const later = sys.dup(1); yield* later;")).toHaveLength(1);
  });

  it("lets a test forget it on purpose, with a reason", () => {
    expect(program("// no yield*: the next call must throw\nsys.getpid();")).toEqual([]);
    expect(program("// no yield*:\nsys.getpid();")).toHaveLength(1);
    expect(program("// no yield*: only the next line\n\nsys.getpid();")).toHaveLength(1);
  });

  it("leaves alone what makes calls inside core", () => {
    expect(program("r.start();")).toEqual([]);
  });
});

describe("the rule that a package asks nothing outside the kernel for time or chance", () => {
  const source = "export const a = [Math.random(), Date.now(), new Date(), new Date(0), Math.max(1, 2)];";

  it("finds Math.random, Date.now and new Date() in a package's code", () => {
    const found = check(nondeterminism, { "packages/core/src/a.ts": source });
    expect(found.map((line) => line.split(": ")[0])).toEqual([
      "packages/core/src/a.ts:1:19 Math.random",
      "packages/core/src/a.ts:1:34 Date.now",
      "packages/core/src/a.ts:1:46 new Date()",
    ]);
  });

  it("lets tests, node entries and tools use them", () => {
    expect(
      check(nondeterminism, {
        "packages/core/src/a.test.ts": source,
        "packages/core/src/node.ts": source,
        "packages/core/src/node/b.ts": source,
        "tooling/bench/src/c.ts": source,
      }),
    ).toEqual([]);
  });
});
