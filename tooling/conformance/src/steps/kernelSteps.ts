/**
 * The `kernel` step: an operation inside the kernel, by its Linux name. Which there are is a table per package, in
 * `ops/<package>.ts`; an operation that is not in the table makes the case "not yet".
 */
import type { KernelOp, StepKind } from "../dialect.js";

export type KernelOps = Readonly<Record<string, KernelOp>>;

/** `{kernel: op, args}`. @param inputs keys that the operations of this folder read besides their arguments */
export function kernelStep(ops: KernelOps, inputs: readonly string[] = []): StepKind {
  const op = (name: unknown): KernelOp | undefined =>
    Object.hasOwn(ops, String(name)) ? ops[String(name)] : undefined;
  return {
    inputs: ["args", ...inputs],
    missing: (_, step) => (op(step.kernel) === undefined ? `kernel operation ${String(step.kernel)}` : undefined),
    run: (s, step) => {
      const { args } = step;
      // Some operations take one object in place of a list.
      const list: readonly unknown[] = Array.isArray(args) ? args : args === undefined ? [] : [args];
      return (op(step.kernel) as KernelOp)(s, list, step);
    },
  };
}
