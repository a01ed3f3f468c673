// What a rule over the type checker reports, and how it is printed.
import { relative } from "node:path";
import ts from "typescript";

/** A rule looks at a whole type-checked program and returns what is wrong, in source order. */
export type Rule = (program: ts.Program, files: readonly ts.SourceFile[]) => Finding[];

export interface Finding {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A finding at the start of `node`. */
export function findingAt(node: ts.Node, message: string): Finding {
  const file = node.getSourceFile();
  const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
  return { file: relative(process.cwd(), file.fileName), line: line + 1, column: character + 1, message };
}

export function format(finding: Finding): string {
  return `${finding.file}:${finding.line}:${finding.column} ${finding.message}`;
}

/** Calls `visit` for every node of the files, parents first. */
export function walk(files: readonly ts.SourceFile[], visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  for (const file of files) step(file);
}
