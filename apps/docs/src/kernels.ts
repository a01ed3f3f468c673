// The kernels that the references are read from: core alone, core with each package, and all composed. What is in one with a package
// and not in core alone belongs to the package.
import { type Core, createKernel, type Kernel } from "@kernelkit/core";
import { genirq } from "@kernelkit/genirq";
import { integrity } from "@kernelkit/integrity";
import { memcg } from "@kernelkit/memcg";
import { namespaces } from "@kernelkit/namespaces";
import { numa } from "@kernelkit/numa";
import { powerclamp } from "@kernelkit/powerclamp";
import { printkSyslog } from "@kernelkit/printk-syslog";
import { writeback } from "@kernelkit/writeback";

export type AnyKernel = Kernel<object, object> & { readonly core: Core };
type AnyFeature = Parameters<ReturnType<typeof createKernel>["use"]>[0];

/** Small, but with two of everything that files are numbered by. */
const machine = { cpus: 2, nodes: 2, memory: "256M" };

const FEATURES: Readonly<Record<string, () => object>> = {
  genirq: () => genirq(),
  integrity: () => integrity(),
  memcg: () => memcg({ swap: "16M" }),
  namespaces: () => namespaces(),
  numa: () => numa(),
  powerclamp: () => powerclamp({ autoload: true }),
  "printk-syslog": () => printkSyslog(),
  writeback: () => writeback(),
};

export const PACKAGES: readonly string[] = ["core", ...Object.keys(FEATURES)];

/** A booted kernel with core and, unless it is "core", one package. */
export function kernelWith(name: string): AnyKernel {
  const builder = createKernel({ machine });
  const feature = FEATURES[name];
  const built = feature === undefined ? builder : builder.use(feature() as AnyFeature);
  return (built as unknown as { boot(): AnyKernel }).boot();
}

/** Things by name, each with the package that brings it: `list` is asked of core's kernel and of each package's. */
export function byPackage<T>(list: (kernel: AnyKernel) => Map<string, T>): Map<string, { package: string; value: T }> {
  const all = new Map<string, { package: string; value: T }>();
  for (const name of PACKAGES)
    for (const [key, value] of list(kernelWith(name))) if (!all.has(key)) all.set(key, { package: name, value });
  return all;
}
