// A run is a function of its configuration, seed and inputs. So nothing in a package may ask the machine underneath for the time or for
// chance: both come from the kernel object. (Globals such as setTimeout are denied by biome.json; these are members and constructors.)
import ts from "typescript";
import { type Finding, findingAt, walk } from "./findings.js";

// sweep runs kernels, and no kernel runs in it.
const CODE = /\/packages\/(?!sweep\/)[^/]+\/src\/(?!node[/.])/;
const TEST = /\.test(-d)?\.ts$/;
const MEMBERS = new Map([
  ["Math.random", "randomness comes from the kernel"],
  ["Date.now", "time comes from the kernel's clock"],
]);

/** Wall clock and chance in the code of packages, tests and node entries apart. */
export function nondeterminism(_program: ts.Program, files: readonly ts.SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  const code = files.filter((file) => CODE.test(file.fileName) && !TEST.test(file.fileName));
  walk(code, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const why = MEMBERS.get(node.getText());
      if (why !== undefined) findings.push(findingAt(node, `${node.getText()}: ${why}`));
    } else if (isDate(node) && (ts.isCallExpression(node) || (node.arguments ?? []).length === 0)) {
      findings.push(findingAt(node, `${node.getText()}: time comes from the kernel's clock`));
    }
  });
  return findings;
}

function isDate(node: ts.Node): node is ts.CallExpression | ts.NewExpression {
  return (ts.isCallExpression(node) || ts.isNewExpression(node)) && node.expression.getText() === "Date";
}
