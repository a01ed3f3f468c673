/** The prompt, typed at. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { bootKernel } from "./kernel.js";
import { repl, unfinished } from "./repl.js";
import { createShell, shellTask } from "./shell/shell.js";

/** Lines typed one after the other; what the terminal shows, and the exit code. */
async function typed(...lines: string[]): Promise<{ shown: string; code: number }> {
  const kernel = bootKernel({ machine: { cpus: 2, memory: "512M" } });
  const output = new PassThrough();
  let shown = "";
  output.on("data", (b: Buffer) => {
    shown += b.toString();
  });
  const write = (a: string, b: string): void => void output.write(a + b);
  const input = new PassThrough();
  input.end(lines.map((l) => `${l}\n`).join(""));
  const code = await repl(createShell(kernel, shellTask(kernel), { interactive: true, write }), {
    input,
    output,
    terminal: false,
  });
  return { shown, code };
}

describe("the prompt", () => {
  it("keeps what was set, and ends with exit's code", async () => {
    const { shown, code } = await typed("cd /proc", "x=5", "echo $x $PWD", "exit 4", "echo never");
    expect(shown).toMatch(/kernelkit:\/proc# 5 \/proc\n/);
    expect(shown).not.toContain("never");
    expect(code).toBe(4);
  });

  it("reads on while a command is not complete", async () => {
    expect((await typed("for i in 1 2", "do echo n$i", "done", "exit")).shown).toMatch(/> > n1\nn2\n/);
    expect(unfinished("while true; do\n")).toBe(true);
    expect(unfinished("echo 'a\n")).toBe(true);
    expect(unfinished("cat <<E\na\n")).toBe(true);
    expect(unfinished("cat <<E\na\nE\n")).toBe(false);
    expect(unfinished("echo a \\\n")).toBe(true);
    expect(unfinished("echo done\n")).toBe(false);
  });

  it("goes into a shell that unshare opens, and out again", async () => {
    const { shown } = await typed("unshare -u", "hostname box", "hostname", "exit", "hostname", "exit");
    expect(shown).toMatch(/box:\/# box\n[\s\S]*kernelkit:\/# kernelkit\n/);
  });

  it("tells of jobs when they start, and of what they wrote", async () => {
    const { shown } = await typed("(sleep 1; echo from the job) &", "sleep 2", "jobs", "exit");
    expect(shown).toMatch(/\[1\] \d+\n/);
    expect(shown).toContain("from the job\n");
  });
});
