import { expect, it } from "vitest";
import type { SysBase } from "../sys/types.js";
import { type CoreInstance, coreInstance } from "./coreInstance.js";
import { createMachine } from "./createKernel.js";
import type { Feature } from "./feature.js";

const feature = (core: CoreInstance): Feature<"probe", number, SysBase> => ({
  name: "probe",
  core,
  install: () => ({ api: 1 }),
});

it("a package that was built against this copy of core is composed", () => {
  expect(createMachine().use(feature(coreInstance)).boot().probe).toBe(1);
});

it("a package that was built against another copy of core is refused by name, before anything is installed", () => {
  expect(() => createMachine().use(feature({ kind: "@kernelkit/core" }))).toThrow(
    /^use: package 'probe' was built against another copy of @kernelkit\/core/,
  );
});

it("an errno of another copy of core, thrown in a call, is told for what it is", () => {
  const foreign = { nr: 2, toString: () => "Errno ENOENT" };
  const kernel = createMachine()
    .use({
      name: "odd",
      install: () => ({
        api: null,
        sys: {
          odd(): never {
            throw foreign;
          },
        },
      }),
    } as Feature<"odd", null, SysBase>)
    .boot();
  const sys = kernel.sys(kernel.init) as unknown as { odd(): void };
  expect(() => sys.odd()).toThrow(/system call odd was built against another copy/);
});
