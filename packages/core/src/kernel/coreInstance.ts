/**
 * Two copies of core in one process. All that is composed must have been built against the same copy: classes are compared by identity
 * (`Errno`, `WaitQueue`, `Task`), so a package that came with a core of its own would fail in odd ways, late. Two versions in one tree of
 * `node_modules`, or a bundle that has core twice, make such copies.
 *
 * A feature names the copy it was built against, and `use` compares:
 *
 *     import { coreInstance, type Feature } from "@kernelkit/core";
 *     return { name: "forkWatch", core: coreInstance, install(k) { ... } };
 */

/** A copy of core: an object that is made once in each. */
export interface CoreInstance {
  readonly kind: "@kernelkit/core";
}

/** The copy that this module belongs to. */
export const coreInstance: CoreInstance = /* @__PURE__ */ Object.freeze({ kind: "@kernelkit/core" });

/** The error of a package that was built against another copy. */
export function otherCore(what: string): TypeError {
  return new TypeError(
    `${what} was built against another copy of @kernelkit/core than this kernel. Two copies are installed or bundled: ` +
      "`npm ls @kernelkit/core` shows them; one version that fits all packages (`npm dedupe`, or an override) is needed",
  );
}

/** Whether what was thrown is the errno of another copy of core. */
export function isForeignErrno(x: unknown): boolean {
  return (
    typeof x === "object" && x !== null && typeof (x as { nr?: unknown }).nr === "number" && /^Errno E/.test(String(x))
  );
}
