/** The prompt of `kernelkit boot`: lines to the shell until end of input or `exit`. */
import { createInterface } from "node:readline/promises";
import type { Bash } from "just-bash";

export async function repl(shell: Bash): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "# " });
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === "exit") break;
    const r = await shell.exec(line);
    process.stdout.write(r.stdout);
    process.stderr.write(r.stderr);
    lines.prompt();
  }
  lines.close();
}
