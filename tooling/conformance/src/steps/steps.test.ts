import { describe, expect, it } from "vitest";
import type { Case, Step } from "../caseFile.js";
import type { Dialect } from "../dialect.js";
import { core } from "../dialects/core.js";
import { type CaseEnd, runCase } from "../runCases.js";

/** The core dialect on a machine without files: task A is a child of init. */
const bare: Dialect = {
  ...core,
  package: "bare",
  start: (s) => {
    const pid = s.kernel.sys(s.kernel.init).fork?.();
    const child = s.kernel.tasks.all().find((t) => t.nr === pid);
    if (child === undefined) throw new Error(`no child ${String(pid)}`);
    s.tasks.set("A", child);
  },
};

function run(...steps: Step[]): CaseEnd {
  const c: Case = { id: "x", title: "t", provenance: "p", steps };
  return runCase(c, { package: "bare", cases: [c] }, { dialects: new Map([["bare", bare]]) });
}
const got = (end: CaseEnd): string =>
  end.failure === undefined ? end.outcome : `${end.failure.expected} | ${end.failure.got}`;

describe("tasks in a case", () => {
  it("a child is known by its pid, dies by exit and is reaped by wait4", () => {
    expect(
      got(
        run(
          { fork: "B", task: "A", ret: ">0" },
          { task: "B", sys: "getpid", ret: "$B.pid" },
          { task: "B", sys: "getppid", ret: "$A.pid" },
          { alive: "B" },
          { exit: "B", code: 300 },
          { gone: "B" },
          { task: "A", sys: "wait4", args: ["$B.pid", 0], ret: "$B.pid", fields: { exited: 44 } },
          { task: "A", sys: "wait4", args: [-1, 0], errno: "ECHILD" },
        ),
      ),
    ).toBe("pass");
  });
  it("a task that is dead is not alive, one that lives is not gone", () => {
    expect(got(run({ fork: "B" }, { exit: "B" }, { alive: "B" }))).toBe("task B lives | it is dead");
    expect(got(run({ fork: "B" }, { gone: "B" }))).toBe("task B is dead | it lives after 2 s");
    expect(got(run({ task: "C", sys: "getpid" }))).toBe("a task C | no such task");
  });
  it("a call that kills its caller does not return", () => {
    const kill = { task: "B", sys: "kill", args: ["$B.pid", "SIGKILL"] };
    expect(got(run({ fork: "B" }, { ...kill, dies: true }))).toBe("pass");
    expect(got(run({ fork: "B" }, kill))).toBe("returns | killed by signal 9");
    expect(got(run({ fork: "B" }, { task: "B", sys: "getpid", dies: true }))).toMatch(/^does not return \| ret \d+$/);
  });
  it("a caught signal is counted once", () => {
    expect(
      got(
        run(
          { fork: "B" },
          { task: "B", sys: "rt_sigaction", args: ["SIGUSR1", "handler"], ret: 0 },
          { task: "A", sys: "kill", args: ["$B.pid", "SIGUSR1"], ret: 0 },
          { task: "B", caught: "SIGUSR1", ret: 1 },
          { task: "B", caught: "SIGUSR1", ret: 0 },
        ),
      ),
    ).toBe("pass");
  });
  it("rep repeats its steps with $i", () => {
    expect(got(run({ rep: 3, steps: [{ sys: "kill", args: [0, "$i"], errno: "EINVAL" }] }))).toMatch(
      /^EINVAL \| ret 0$/,
    );
    expect(
      got(
        run({
          rep: 3,
          steps: [
            { fork: "B", ret: ">0" },
            { sys: "getpgid", args: ["$B.pid"], ret: ">0" },
          ],
        }),
      ),
    ).toBe("pass");
  });
});

describe("calls that block", () => {
  const wait: Step = { task: "A", sys: "wait4", args: ["$B.pid", 0], blocks: true };
  it("are still out when they must be, and are joined later", () => {
    expect(
      got(
        run(
          { fork: "B" },
          wait,
          { join: "A", blocked: true },
          { exit: "B", code: 3, nowait: true },
          { join: "A", ret: "$B.pid", fields: { exited: 3 } },
        ),
      ),
    ).toBe("pass");
  });
  it("must not return, must return when joined, and there must be one to join", () => {
    expect(got(run({ fork: "B" }, { exit: "B", code: 0 }, wait))).toMatch(/^the call blocks \| it returned: /);
    expect(
      got(run({ fork: "B" }, wait, { exit: "B", nowait: true }, { advance: "1s" }, { join: "A", blocked: true })),
    ).toBe("still blocked | the call returned");
    expect(got(run({ fork: "B" }, wait, { join: "A", ret: 0 }))).toBe("the call returns | still blocked after 60 s");
    expect(got(run({ join: "A" }))).toBe("task A is in a call that was started | it is in none");
  });
  it("a call that nothing can end is a failure, not a hang", () => {
    expect(got(run({ task: "A", sys: "pause", errno: "EINTR" }))).toMatch(/^the call returns \| pause\(\) of task/);
  });
  it("an interrupted call gives its error when joined", () => {
    expect(
      got(
        run(
          { fork: "B" },
          { task: "B", sys: "rt_sigaction", args: ["SIGUSR1", "handler"] },
          { task: "B", sys: "pause", blocks: true },
          { task: "A", sys: "kill", args: ["$B.pid", "SIGUSR1"] },
          { join: "B", errno: "EINTR" },
        ),
      ),
    ).toBe("pass");
  });
});
