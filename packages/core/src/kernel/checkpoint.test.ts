import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { O_CREAT, O_RDONLY, O_WRONLY } from "../abi/fcntl.js";
import { Rng } from "../lib/rng.js";
import { build, END, PROGRAMS, start } from "../testing/busyKernel.js";

describe("a checkpoint of a busy kernel", () => {
  it("at any instant, restored in a new kernel, continues to the digest of the run that was never interrupted", () => {
    const whole = start();
    whole.core.runTo(END);
    const end = whole.digest();
    const sum = whole.sys(whole.init).readText("/tmp/sum");
    expect(Number(sum)).toBeGreaterThan(80_000);
    const rng = new Rng("instants");
    const instants = Array.from({ length: 100 }, () => rng.below(END)).sort((a, b) => a - b);
    const kernel = start();
    for (const at of instants) {
      kernel.core.runTo(at);
      const json = JSON.stringify(kernel.checkpoint());
      const back = build().restore(JSON.parse(json), PROGRAMS);
      expect(back.now).toBe(at);
      back.core.runTo(END);
      expect(back.digest()).toBe(end);
      expect(back.sys(back.init).readText("/tmp/sum")).toBe(sum);
    }
    kernel.core.runTo(END);
    expect(kernel.digest()).toBe(end);
  });

  it("taken in one process continues in another to the same digest", () => {
    const whole = start();
    whole.core.runTo(END);
    const kernel = start();
    const saved = [7, 19, 33].map((ms) => {
      kernel.core.runTo(ms * 1e6);
      return JSON.stringify(kernel.checkpoint());
    });
    const code = `
      import { readFileSync } from "node:fs";
      import { build, END, PROGRAMS } from ${JSON.stringify(new URL("../testing/busyKernel.ts", import.meta.url).href)};
      for (const line of readFileSync(0, "utf8").split("\\n")) {
        const kernel = build().restore(JSON.parse(line), PROGRAMS);
        kernel.core.runTo(END);
        console.log(kernel.digest());
      }`;
    const out = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
      input: saved.join("\n"),
      encoding: "utf8",
    });
    expect(out.trim().split("\n")).toEqual([whole.digest(), whole.digest(), whole.digest()]);
  });

  it("goes back inside one kernel, and what a user holds stays good", () => {
    const kernel = start();
    const sh = kernel.tasks.find(kernel.sys(kernel.init).fork());
    if (sh === null) throw new Error("no child");
    kernel.run("5ms");
    const early = kernel.checkpoint();
    const fd = kernel.sys(sh).open("/tmp/later", O_WRONLY | O_CREAT, 0o644);
    kernel.run("10ms");
    const digest = kernel.digest();
    (kernel as unknown as { restore(c: unknown): void }).restore(JSON.parse(JSON.stringify(early)));
    expect(kernel.now).toBe(5e6);
    expect(() => kernel.sys(sh).open("/tmp/later", O_RDONLY)).toThrow("ENOENT");
    expect(kernel.sys(sh).open("/tmp/later", O_WRONLY | O_CREAT, 0o644)).toBe(fd);
    kernel.run("10ms");
    expect(kernel.digest()).not.toBe(digest); // the failed open is part of the run
    expect(kernel.tasks.find(sh.nr)).toBe(sh);
  });
});
