// A syscall in a program does nothing until it is `yield*`ed. The types catch a use of its result; a bare statement, a condition or an
// argument of another call compile. This rule is exact: whatever is called and gives a core `Call` must be the operand of a `yield*`.
// A test that forgets it on purpose says so in the line before: `// no yield*: the next call must throw`.
import ts from "typescript";
import { type Finding, findingAt, walk } from "./findings.js";

/** Syscalls of programs that are called without `yield*`. */
export function unyieldedSyscalls(program: ts.Program, files: readonly ts.SourceFile[]): Finding[] {
  const checker = program.getTypeChecker();
  const findings: Finding[] = [];
  walk(files, (node) => {
    if (!ts.isCallExpression(node) || isYielded(node)) return;
    if (!isCall(checker.getTypeAtLocation(node))) return;
    // Syscalls are methods of the *Sys interfaces; what makes the Call objects inside core is not a syscall.
    const declaration = checker.getResolvedSignature(node)?.declaration;
    if (declaration === undefined || !(ts.isMethodSignature(declaration) || ts.isFunctionTypeNode(declaration))) return;
    if (isDeliberate(node)) return;
    findings.push(findingAt(node, `${node.expression.getText()}() does nothing without yield*`));
  });
  return findings;
}

function isYielded(call: ts.CallExpression): boolean {
  let parent: ts.Node = call.parent;
  while (ts.isParenthesizedExpression(parent) || ts.isNonNullExpression(parent)) parent = parent.parent;
  return ts.isYieldExpression(parent) && parent.asteriskToken !== undefined;
}

function isDeliberate(call: ts.CallExpression): boolean {
  const file = call.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(call.getStart(file));
  if (line === 0) return false;
  const [from, to] = [line - 1, line].map((n) => file.getPositionOfLineAndCharacter(n, 0));
  return /^\s*\/\/ no yield\*: \S/.test(file.text.slice(from, to));
}

/** Core's `Call<R>`, alone or in a union. */
function isCall(type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some(isCall);
  const symbol = type.getSymbol();
  if (symbol?.name !== "Call") return false;
  return symbol.declarations?.some((d) => /\/core\/(src|dist)\//.test(d.getSourceFile().fileName)) ?? false;
}
