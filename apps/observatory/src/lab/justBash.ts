/**
 * What the shell needs of just-bash, from its build for browsers (vite.config.ts puts this in the place of `just-bash`). That build
 * leaves out `serialize`; the same comes from a transform that puts the tree in the place of any script.
 */
import type { ScriptNode } from "just-bash";
import { Bash } from "just-bash/browser";

export * from "just-bash/browser";

let printer: Bash | null = null;
let tree: ScriptNode | null = null;

/** A syntax tree as shell text. */
export function serialize(ast: ScriptNode): string {
  if (printer === null) {
    printer = new Bash({ defenseInDepth: false });
    printer.registerTransformPlugin({ name: "in its place", transform: (c) => ({ ast: tree ?? c.ast }) });
  }
  tree = ast;
  return printer.transform(":").script;
}
