/**
 * What just-bash does not have is put into a script before it runs: jobs in the background, `time` by the kernel's clock, `wait`, `$!`,
 * and a note that `exit` ended the script. Each becomes a command of this shell.
 */
import { type ScriptNode, type StatementNode, serialize, type TransformPlugin, type WordNode } from "just-bash";

type Node = Record<string, unknown>;

/** The variable that carries what bash keeps in `$!`. */
export const LAST_JOB = "_last_job";

const word = (value: string): WordNode => ({ type: "Word", parts: [{ type: "SingleQuoted", value }] }) as WordNode;
const plain = (value: string): WordNode => ({ type: "Word", parts: [{ type: "Literal", value }] }) as WordNode;

const simple = (name: string, ...args: WordNode[]): Node => ({
  type: "SimpleCommand",
  name: plain(name),
  args,
  assignments: [],
  redirections: [],
});
const statement = (command: Node): Node => ({
  type: "Statement",
  pipelines: [{ type: "Pipeline", commands: [command], negated: false }],
  operators: [],
  background: false,
});

/** Text of the functions defined at the top of a script, by name. */
export function functionsOf(ast: ScriptNode): Map<string, string> {
  const out = new Map<string, string>();
  for (const s of ast.statements)
    for (const p of s.pipelines)
      for (const c of p.commands)
        if (c.type === "FunctionDef")
          out.set(c.name, serialize({ type: "Script", statements: [statement(c as never) as never] }));
  return out;
}

const nameOf = (command: Node): string | null => {
  const parts = (command["name"] as { parts?: { type: string; value?: string }[] } | null)?.parts;
  return parts?.length === 1 && parts[0].type === "Literal" ? (parts[0].value ?? null) : null;
};

/** `cmd &` and `time cmd`: the text goes to a command that runs it. */
function rewriteStatement(s: StatementNode, functions: string): void {
  const text = (n: StatementNode): string => functions + serialize({ type: "Script", statements: [n] });
  if (s.background) {
    const body = text({ ...s, background: false });
    const shown = serialize({ type: "Script", statements: [{ ...s, background: false }] });
    // a lone command becomes the job's own process, as after execve(2)
    const command =
      s.pipelines.length === 1 && s.pipelines[0].commands.length === 1 ? s.pipelines[0].commands[0] : null;
    const lone = command?.type === "SimpleCommand" && command.name !== null;
    const job = statement(simple("__background", word(body), word(shown), word(lone ? "exec" : "")));
    Object.assign(s, job, { sourceText: undefined });
    return;
  }
  for (const p of s.pipelines) {
    if (p.timed !== true) continue;
    const body = {
      ...statement({}),
      pipelines: [{ ...p, timed: false, timePosix: false }],
    } as unknown as StatementNode;
    p.commands = [simple("__time", word(p.timePosix === true ? "-p" : ""), word(text(body))) as never];
    p.timed = false;
    p.negated = false;
    p.pipeStderr = [];
  }
}

/** Commands that write files by their arguments. */
const WRITERS: ReadonlySet<string> = new Set(["cp", "mv", "sed", "sort", "split", "tee", "tar", "gzip", "gunzip"]);

/** Behind what writes to files stands a command that fails if one of the writes did. */
function checkWrites(n: Node): void {
  const to = n["redirections"] as { operator: string }[];
  const name = n["type"] === "SimpleCommand" ? nameOf(n) : null;
  if (!to.some((r) => /^(?:>|>>|>\||&>|&>>|<>)$/.test(r.operator)) && !(name !== null && WRITERS.has(name))) return;
  const command = { ...n };
  const status = { type: "Word", parts: [{ type: "ParameterExpansion", parameter: "?", operation: null }] } as WordNode;
  for (const key of Object.keys(n)) delete n[key];
  const after = simple("__written", status, word(name ?? "sh"));
  Object.assign(n, { type: "Group", body: [statement(command), statement(after)], redirections: [] });
}

/** Parts that run in a shell of their own: an `exit` in them ends no more than that. */
const APART: ReadonlySet<unknown> = new Set(["Subshell", "CommandSubstitution", "ProcessSubstitution"]);

function walk(node: unknown, functions: string, apart: boolean): void {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const x of node) walk(x, functions, apart);
    return;
  }
  const n = node as Node;
  if (n["type"] === "ParameterExpansion" && n["parameter"] === "!") n["parameter"] = LAST_JOB;
  const piped = n["type"] === "Pipeline" && (n["commands"] as unknown[]).length > 1;
  const inside = apart || piped || APART.has(n["type"]) || n["background"] === true;
  for (const v of Object.values(n)) walk(v, functions, inside);
  if (n["type"] === "Statement") rewriteStatement(n as unknown as StatementNode, functions);
  if (Array.isArray(n["redirections"]) && n["type"] !== "FunctionDef") checkWrites(n);
  if (n["type"] !== "SimpleCommand") return;
  const name = nameOf(n);
  if (name === "wait") n["name"] = plain("__wait");
  if (name === "exit" && !apart) {
    const exit = { ...n };
    for (const key of Object.keys(n)) delete n[key];
    Object.assign(n, { type: "Group", body: [statement(simple("__exit")), statement(exit)], redirections: [] });
  }
}

/** The rewriting as just-bash takes it; `seen` is told each script's functions. */
export function rewriting(seen: (functions: Map<string, string>) => void): TransformPlugin {
  return {
    name: "kernel",
    transform({ ast }) {
      const functions = functionsOf(ast);
      seen(functions);
      walk(ast.statements, [...functions.values()].map((f) => `${f}\n`).join(""), false);
      return { ast };
    },
  };
}
