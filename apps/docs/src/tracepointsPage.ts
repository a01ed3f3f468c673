// Reference of tracepoints: the registries of booted kernels.
import { byPackage } from "./kernels.js";
import { code, generated, table } from "./markdown.js";

/** The names of a print function's parameters: they are the fields, in order. */
function parameters(print: (...args: never[]) => string): string {
  const text = print.toString();
  const list = /^(?:function\s*\w*)?\s*\(([^)]*)\)/.exec(text)?.[1] ?? /^(\w+)\s*=>/.exec(text)?.[1] ?? "";
  return list.replace(/\s+/g, " ").trim();
}

export function tracepointsPage(): string {
  const all = byPackage((kernel) => kernel.core.trace.points as Map<string, TracepointLike>);
  const rows = [...all]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { package: owner, value }]) => {
      const fields =
        value.format?.fields.map(([type, field]) => `${type} ${field}`).join("; ") ?? parameters(value.print);
      return [code(name), fields === "" ? "" : code(fields), owner];
    });
  return [
    ...generated("Tracepoints", "reading the registries of booted kernels"),
    `${rows.length} tracepoints under Linux's names. \`kernel.trace.enable("sched:*")\`, or through tracefs: \`/sys/kernel/tracing/events/SYSTEM/NAME/enable\`; \`kernelkit boot --trace-events 'irq:*' --trace out.json\` on the`,
    "command line. A tracepoint that nobody listens to costs one test.",
    "",
    ...table(["tracepoint", "fields", "package"], rows),
    "",
  ].join("\n");
}

interface TracepointLike {
  readonly print: (...args: never[]) => string;
  readonly format: { readonly fields: readonly (readonly [string, string, number, boolean])[] } | null;
}
