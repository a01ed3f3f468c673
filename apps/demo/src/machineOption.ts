/** `--machine "4cpu,2node,8G"`: parts in any order, each at most once. */
import type { MachineOptions } from "@kernelkit/core";

/** RangeError naming the part that is none. */
export function machineOption(text: string): MachineOptions {
  const out: MachineOptions = {};
  const once = <K extends keyof MachineOptions>(key: K, value: MachineOptions[K], part: string): void => {
    if (out[key] !== undefined) throw new RangeError(`machine: '${part}' is given twice`);
    out[key] = value;
  };
  for (const part of text.split(",").map((p) => p.trim())) {
    const m = /^(\d+)\s*(cpus?|nodes?)$/i.exec(part);
    const hz = /^(\d+)\s*hz$/i.exec(part);
    if (m !== null) once(m[2].toLowerCase().startsWith("cpu") ? "cpus" : "nodes", Number(m[1]), part);
    else if (hz !== null) once("hz", Number(hz[1]), part);
    else if (/^\d+[KMGT]i?B?$/i.test(part)) once("memory", part.replace(/i?B?$/i, ""), part);
    else throw new RangeError(`machine: '${part}'; allowed are NUMBERcpu, NUMBERnode, NUMBERhz and a size like 8G`);
  }
  return out;
}
