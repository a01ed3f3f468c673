/** What the compiler knows of a composition: what is there exactly when it was composed, and what is missing. */
import { describe, expectTypeOf, it } from "vitest";
import type { MachineSys } from "../sys/bareSys.js";
import type { Impl, Program, Ret, SysBase } from "../sys/types.js";
import { createMachine } from "./createKernel.js";
import type { Feature } from "./feature.js";
import { program } from "./program.js";
import { type ToySys, toy } from "./toyFeature.js";

declare module "./feature.js" {
  interface Contracts {
    testSwap: { pages(): number };
  }
}

interface NeedySys extends SysBase {
  needy(n: number): Ret<this["mode"], number>;
}
declare const needy: () => Feature<"needy", { used(): number }, NeedySys, "testSwap">;
declare const giver: () => Feature<"giver", { given: true }, SysBase, never, "testSwap">;

describe("a composition", () => {
  it("has a package's API and calls exactly when it was used", () => {
    const kernel = createMachine().use(toy()).boot();
    expectTypeOf(kernel.toy.items()).toEqualTypeOf<number>();
    expectTypeOf(kernel.sys(kernel.init).take(1)).toEqualTypeOf<number>();
    const bare = createMachine().boot();
    // @ts-expect-error nobody composed it
    bare.toy;
    // @ts-expect-error nor its calls
    bare.sys(bare.init).take(1);
  });

  it("cannot boot while a contract is missing, whatever the order of use", () => {
    const missing = createMachine().use(needy());
    expectTypeOf(
      missing.boot.missing,
    ).toEqualTypeOf<"package 'needy' needs contract 'testSwap': .use() a package that gives it">();
    // @ts-expect-error This expression is not callable
    missing.boot();
    expectTypeOf(createMachine().use(needy()).use(giver()).boot).toBeFunction();
    expectTypeOf(createMachine().use(giver()).use(needy()).boot).toBeFunction();
  });

  it("refuses a program that needs calls it does not have", () => {
    const taker = program("taker", function* (sys: Program<MachineSys & ToySys>, _: null) {
      expectTypeOf(yield* sys.take(2)).toEqualTypeOf<number>();
    });
    createMachine().use(toy()).boot().spawn(taker, null);
    // @ts-expect-error the toy's calls are missing
    createMachine().boot().spawn(taker, null);
  });
});

describe("one declaration", () => {
  it("is a result outside, a call to be delegated to in a program, a Pending when started", () => {
    const kernel = createMachine().use(toy()).boot();
    expectTypeOf(kernel.call(kernel.init).take(1).value).toEqualTypeOf<number>();
    expectTypeOf<Impl<NeedySys>["needy"]>().parameter(1).toEqualTypeOf<number>();
  });
});
