import { createKernel, createMachine } from "@kernelkit/core";
import { expectTypeOf, test } from "vitest";
import { type PowerclampApi, powerclamp } from "./index.js";
import { clampTarget, type StoryResult } from "./stories.js";

test("a kernel has what was composed, with files or without", () => {
  expectTypeOf(createKernel().use(powerclamp()).boot().powerclamp).toEqualTypeOf<PowerclampApi>();
  expectTypeOf(
    createMachine()
      .use(powerclamp({ driver: "6.1" }))
      .boot().powerclamp,
  ).toEqualTypeOf<PowerclampApi>();
  // @ts-expect-error: nobody composed it
  createMachine().boot().powerclamp;
});

test("options are checked by the compiler", () => {
  // @ts-expect-error: there is no such design
  powerclamp({ driver: "5.0" });
  // @ts-expect-error: a list of names
  powerclamp({ actuators: ["fan"] });
});

test("a story's knobs are checked by the compiler", () => {
  expectTypeOf(clampTarget.run({ target: 25, driver: "6.1" })).toEqualTypeOf<StoryResult>();
  // @ts-expect-error: no such knob
  clampTarget.run({ speed: 1 });
});
