/**
 * The prompt of `kernelkit boot`: commands to the shell until end of input or `exit`, with completion, history, several lines for one
 * command, and ^C. A command that opens a shell (unshare, nsenter) moves the prompt into it.
 */
import { createInterface, type Interface } from "node:readline";
import { parse } from "just-bash";
import { complete } from "./shell/complete.js";
import type { Shell } from "./shell/shell.js";

/** Does the text end in the middle of a command? Then more lines belong to it. */
export function unfinished(text: string): boolean {
  if (/(?:^|[^\\])(?:\\\\)*\\\n?$/.test(text)) return true;
  try {
    parse(text);
  } catch (e) {
    const message = (e as Error).message;
    const at = /at (\d+):(\d+)/.exec(message);
    const lines = text.split("\n");
    if (/unterminated|unexpected end|unexpected EOF|end of (?:file|input)/i.test(message)) return true;
    // what is wrong stands behind the last word
    return (
      at !== null &&
      (Number(at[1]) > lines.length || (Number(at[1]) === lines.length && Number(at[2]) > (lines.at(-1) ?? "").length))
    );
  }
  const heredoc = /<<-?\s*(['"]?)(\w+)\1/.exec(text);
  return (
    heredoc !== null && !new RegExp(`^\\t*${heredoc[2]}$`, "m").test(text.slice(heredoc.index + heredoc[0].length))
  );
}

function prompt(shell: Shell): string {
  const { nodename } = shell.kernel.sys(shell.task).uname();
  const root = shell.kernel.sys(shell.task).geteuid() === 0;
  return `${nodename}:${shell.cwd}${root ? "#" : "$"} `;
}

/** The shells that are open, the one at the prompt last. */
class Stack {
  readonly shells: Shell[];
  constructor(first: Shell) {
    this.shells = [first];
  }
  get top(): Shell {
    return this.shells[this.shells.length - 1];
  }
  /** After a command: a shell that was opened goes on top; one that ended goes away. True: none is left. */
  settle(exited: boolean, exitCode: number): boolean {
    const { top } = this;
    if (top.nested !== null) {
      this.shells.push(top.nested);
      top.nested = null;
      return false;
    }
    if (!exited) return false;
    this.shells.pop();
    if (this.shells.length === 0) return true;
    if (!top.dead) top.kernel.sys(top.task).exit_group(exitCode);
    this.top.jobs.reap(top.task);
    return false;
  }
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly terminal: boolean;
}

/** Runs until the first shell has ended; its exit code. */
export async function repl(shell: Shell, t: Terminal): Promise<number> {
  const stack = new Stack(shell);
  let running: AbortController | null = null;
  let exitCode = 0;
  let text = "";
  const lines: Interface = createInterface({
    input: t.input,
    output: t.output,
    terminal: t.terminal,
    completer: (line: string) => complete(stack.top, line),
  });
  const ask = (): void => {
    for (const j of stack.top.jobs.collect()) t.output.write(`[${j.id}]   Done                    ${j.text.trim()}\n`);
    lines.setPrompt(text === "" ? prompt(stack.top) : "> ");
    lines.prompt();
  };
  lines.on("SIGINT", () => {
    if (running !== null) running.abort();
    else {
      text = "";
      t.output.write("^C\n");
      ask();
    }
  });
  ask();
  for await (const line of lines) {
    text += `${line}\n`;
    if (unfinished(text)) {
      ask();
      continue;
    }
    running = new AbortController();
    const r = await stack.top.exec(text, { signal: running.signal });
    running = null;
    text = "";
    exitCode = r.exitCode;
    t.output.write(r.stdout + r.stderr);
    if (stack.settle(r.exited, r.exitCode)) break;
    ask();
  }
  lines.close();
  return exitCode;
}
