/**
 * A machine as the builder describes it: which packages, how many CPUs and nodes, memory, options - checked by booting it, and printed as
 * the program that builds the same kernel from the packages.
 */
import { createKernel } from "@kernelkit/core";
import { genirq } from "@kernelkit/genirq";
import { integrity } from "@kernelkit/integrity";
import { memcg } from "@kernelkit/memcg";
import { namespaces } from "@kernelkit/namespaces";
import { numa } from "@kernelkit/numa";
import { powerclamp } from "@kernelkit/powerclamp";
import { printkSyslog } from "@kernelkit/printk-syslog";
import { writeback } from "@kernelkit/writeback";
import { type MachineSpec, PACKAGES } from "./spec.js";

const MAKERS: Readonly<Record<string, () => unknown>> = {
  genirq,
  integrity,
  memcg,
  namespaces,
  numa,
  powerclamp,
  "printk-syslog": printkSyslog,
  writeback,
};

export interface Built {
  readonly digest: string;
  readonly bootLog: string;
  readonly bytesPerPage: number;
  readonly columnsMiB: number;
  readonly bootMs: number;
}

/** Boot it and say what it is. TypeError or RangeError that names the option that cannot be. */
export function buildMachine(spec: MachineSpec): Built {
  const unknown = spec.packages.find((p) => !PACKAGES.some((x) => x.name === p));
  if (unknown !== undefined) throw new RangeError(`packages: there is no '${unknown.slice(0, 40)}'`);
  const started = performance.now();
  let builder = createKernel({
    machine: {
      cpus: spec.cpus,
      nodes: spec.nodes,
      memory: `${spec.memoryMiB}M`,
      ...(spec.distances.length > 0 && { distances: spec.distances }),
    },
    cmdline: spec.cmdline,
    seed: spec.seed,
  }) as unknown as { use(f: unknown): never; boot(): ReturnType<ReturnType<typeof createKernel>["boot"]> };
  for (const name of spec.packages) builder = builder.use(MAKERS[name]());
  const kernel = builder.boot();
  kernel.run("1s");
  const log = (kernel as unknown as { printk?: { dmesg(): string } }).printk?.dmesg() ?? "";
  const { frames } = kernel.mm;
  let bytesPerPage = 0;
  for (const c of frames.columns.values()) bytesPerPage += c.BYTES_PER_ELEMENT;
  return {
    digest: kernel.digest(),
    bootLog: log === "" ? "The kernel log is in the package printk-syslog, which is off." : log,
    bytesPerPage,
    columnsMiB: (bytesPerPage * frames.nr) / 2 ** 20,
    bootMs: performance.now() - started,
  };
}
