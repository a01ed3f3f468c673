/**
 * features: which packages can be composed. A package counts from the moment its index exports its feature function;
 * until then its cases are "not yet".
 */
import * as genirq from "@kernelkit/genirq";
import * as integrity from "@kernelkit/integrity";
import * as memcg from "@kernelkit/memcg";
import * as namespaces from "@kernelkit/namespaces";
import * as numa from "@kernelkit/numa";
import * as powerclamp from "@kernelkit/powerclamp";
import * as printkSyslog from "@kernelkit/printk-syslog";
import * as writeback from "@kernelkit/writeback";

/** Makes a package's feature with the given options. */
export type FeatureFunction = (options?: object) => object;

/** Package, and the name of its feature function (which is also the property of the kernel). */
const EXPORTS: readonly (readonly [string, string, object])[] = [
  ["genirq", "genirq", genirq],
  ["integrity", "integrity", integrity],
  ["memcg", "memcg", memcg],
  ["namespaces", "namespaces", namespaces],
  ["numa", "numa", numa],
  ["powerclamp", "powerclamp", powerclamp],
  ["printk-syslog", "printkSyslog", printkSyslog],
  ["writeback", "writeback", writeback],
];

/** The feature function of every package that exports one, by package name. */
export const FEATURES: ReadonlyMap<string, FeatureFunction> = new Map(
  EXPORTS.flatMap(([name, key, module]): [string, FeatureFunction][] => {
    const f = (module as Record<string, unknown>)[key];
    return typeof f === "function" ? [[name, f as FeatureFunction]] : [];
  }),
);
