import { describe, expect, it } from "vitest";
import { checkpointRestore, nested, propagation, rootInside, runtime } from "../stories.js";
import { checkpointAndRestore } from "./checkpointRestore.js";
import { container } from "./runtime.js";

describe("the story of root inside", () => {
  it("lets root do everything inside and nothing outside", () => {
    const { numbers, table } = rootInside.run();
    expect(table.rows.filter((r) => r[1] === "ok").length, JSON.stringify(table.rows)).toBe(numbers.inside);
    expect(numbers).toMatchObject({
      refused: numbers.attempts,
      works: numbers.inside,
      capableOutside: 0,
      hostnameChanged: 0,
    });
  });
});

describe("the story of nested containers", () => {
  it("gives a process a number and a user in each, and none above", () => {
    for (const depth of [1, 3, 5]) {
      const { numbers } = nested.run({ depth });
      expect(numbers.pidsOfInnermost).toBe(depth + 1);
      expect(numbers.kuid).toBe(numbers.expectedKuid);
      expect(numbers.seesAbove).toBe(0);
      expect(numbers.entriesOfProc).toBe(1);
    }
  });
});

describe("the story of a container runtime", () => {
  it("works with bubblewrap's calls since 3.19, and stops at setgroups on 3.8", () => {
    const { numbers, table } = runtime.run({ tool: "bubblewrap" });
    expect(
      table.rows.map((r) => r[2]),
      JSON.stringify(container("bubblewrap", "6.18").steps.done),
    ).toEqual(["write /proc/self/setgroups deny: ENOENT", "all work", "all work", "all work", "all work"]);
    expect(numbers["mounts_6.18"]).toBe(6);
    expect(numbers["pid_6.18"]).toBe(1);
  });

  it("works with runc's calls on all", () => {
    const { numbers, table } = runtime.run({ tool: "runc" });
    expect(table.rows.map((r) => r[2])).toEqual(["all work", "all work", "all work", "all work", "all work"]);
    for (const profile of ["3.8", "3.19", "4.9", "5.6", "6.18"]) expect(numbers[`reaches_host_${profile}`]).toBe(1);
  });
});

describe("the story of mount propagation", () => {
  it("makes one mount per peer and slave, and takes them all away", () => {
    const { numbers } = propagation.run({ most: 16 });
    expect(numbers.made).toBe(numbers.expected);
    expect(numbers.left).toBe(0);
  });
});

describe("the story of checkpoint and restore", () => {
  it.each(["ns_last_pid", "set_tid"] as const)("restores a container in which every view is the same (%s)", (hook) => {
    const { before, after } = checkpointAndRestore(hook);
    expect(after).toEqual(before);
    const { numbers } = checkpointRestore.run({ hook });
    expect(numbers).toMatchObject({ different: 0, missing: 0, tasks: 3, messageKept: 1, rejoinOwn: 1 });
    expect(numbers.nextPid).toBe(numbers.expectedNextPid);
  });
});
