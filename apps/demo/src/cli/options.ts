/** Options that several commands share: the machine, the kernel's command line, packages' own options, disks, traces. */

import type { DeviceModel } from "@kernelkit/writeback";
import { type Command, InvalidArgumentError } from "commander";
import { type AssembledKernel, type BootOptions, bootKernel } from "../kernel.js";
import { machineOption } from "../machineOption.js";

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** A RangeError of ours is the user's: its message, and exit code 2. */
export function checked<T>(fn: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return fn(text);
    } catch (e) {
      throw new InvalidArgumentError((e as Error).message);
    }
  };
}

export const integer: (text: string) => number = checked((text) => {
  const n = Number(text);
  if (text.trim() === "" || !Number.isInteger(n)) throw new RangeError("a whole number is needed.");
  return n;
});

/** Bytes: 512M, 8G, 1024. */
export const size: (text: string) => number = checked((text) => {
  const m = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(text);
  if (m === null) throw new RangeError(`'${text}' is no size like 512M.`);
  return Math.round(Number(m[1]) * 1024 ** " KMGT".indexOf(m[2] === "" ? " " : m[2].toUpperCase()));
});

/** Kernels that the packages can follow, and the options that means. */
const PROFILES: Readonly<Record<string, BootOptions>> = {
  "6.18": {},
  "6.1": {
    machine: { release: "6.1.0" },
    printk: { semantics: "6.1" },
    memcg: { semantics: "6.1" },
    integrity: { profile: "debian-6.1" },
    powerclamp: { driver: "6.1", thermal: "6.1" },
  },
  "5.6": {
    machine: { release: "5.6.0" },
    namespaces: { profile: "5.6" },
    powerclamp: { driver: "3.9", thermal: "6.1" },
  },
  "4.9": {
    machine: { release: "4.9.0" },
    namespaces: { profile: "4.9" },
    powerclamp: { driver: "3.9", thermal: "6.1" },
  },
  "3.8": {
    machine: { release: "3.8.0" },
    namespaces: { profile: "3.8" },
    powerclamp: { driver: "3.9", thermal: "6.1" },
  },
};

const PACKAGES = ["genirq", "integrity", "memcg", "namespaces", "numa", "powerclamp", "printk", "writeback"] as const;

export interface MachineFlags {
  readonly machine: ReturnType<typeof machineOption>;
  readonly cmdline: string;
  readonly seed: number;
  readonly profile: string;
  readonly option: readonly string[];
  readonly disk: readonly string[];
  readonly trace?: string;
  readonly traceEvents: readonly string[];
}

export function withMachine(c: Command, machine = "4cpu,1node,4G"): Command {
  return c
    .option("--machine <what>", 'the machine: "4cpu,2node,8G"', checked(machineOption), machineOption(machine))
    .option("--cmdline <text>", "kernel command line", "loglevel=7")
    .option("--seed <n>", "seed: the same seed gives the same run", integer, 1)
    .option(
      "--profile <kernel>",
      `the kernel that is followed where kernels differ: ${Object.keys(PROFILES).join(", ")}`,
      "6.18",
    )
    .option("--option <package.name=value>", "an option of a package (repeatable): powerclamp.driver=3.9", collect, [])
    .option(
      "--disk <name[:key=value,...]>",
      "a disk, to be mounted from /dev/NAME (repeatable): sda:writeBps=4M",
      collect,
      [],
    );
}

export function withTrace(c: Command): Command {
  return c
    .option("--trace <file>", "write a trace at the end: .json for trace viewers, else the text of ftrace")
    .option("--trace-events <pattern>", 'events to be traced (repeatable): "sched:*" (default: all)', collect, []);
}

/** `powerclamp.quirks.maxIdleZero=false`: JSON where it is, else text. */
function setOption(into: Record<string, unknown>, text: string): void {
  const at = text.indexOf("=");
  const path = text.slice(0, at).split(".");
  if (at < 0 || path.length < 2) throw new RangeError(`option: '${text}'; PACKAGE.NAME=VALUE is needed`);
  if (!(PACKAGES as readonly string[]).includes(path[0]))
    throw new RangeError(`option: no package '${path[0]}'; there are ${PACKAGES.join(", ")}`);
  let value: unknown = text.slice(at + 1);
  try {
    value = JSON.parse(value as string);
  } catch {
    // plain text
  }
  let o = into;
  for (const key of path.slice(0, -1)) o = o[key] = { ...(o[key] as object | undefined) } as Record<string, unknown>;
  o[path.at(-1) as string] = value;
}

/** What the flags say, as options of bootKernel. RangeError naming what is wrong. */
export function bootOptions(o: MachineFlags): BootOptions {
  const profile = PROFILES[o.profile];
  if (!Object.hasOwn(PROFILES, o.profile))
    throw new RangeError(`profile: '${o.profile}'; there are ${Object.keys(PROFILES).join(", ")}`);
  const out: Record<string, unknown> = {
    ...profile,
    machine: { ...profile.machine, ...o.machine },
    cmdline: o.cmdline,
    seed: o.seed,
  };
  // as a distribution's thermal daemon loads it
  out["powerclamp"] = { autoload: true, ...profile.powerclamp };
  for (const text of o.option) setOption(out, text);
  return out as BootOptions;
}

/** `sda:writeBps=4M,integrity=crc` */
function addDisk(kernel: AssembledKernel, text: string): void {
  const [name, rest = ""] = text.split(":", 2);
  if (!/^[a-z][a-z0-9]*$/.test(name)) throw new RangeError(`disk: '${text}'; NAME:KEY=VALUE,... is needed`);
  const model: Record<string, unknown> = {};
  for (const part of rest.split(",").filter(Boolean)) {
    const [key, value = ""] = part.split("=", 2);
    model[key] = /^\d+(?:\.\d+)?[KMGT]?$/i.test(value)
      ? size(value)
      : value === "true" || value === "false"
        ? value === "true"
        : value;
  }
  kernel.writeback.addDevice(name, model as DeviceModel);
}

/** Disks and traces of the flags. */
export function prepare<T extends AssembledKernel>(kernel: T, o: MachineFlags): T {
  for (const d of o.disk) addDisk(kernel, d);
  if (o.trace !== undefined)
    for (const pattern of o.traceEvents.length === 0 ? ["*"] : o.traceEvents) kernel.trace.enable(pattern);
  return kernel;
}

export function bootWith(o: MachineFlags): AssembledKernel {
  return prepare(bootKernel(bootOptions(o)), o);
}

/** The trace as its file's name wants it. */
export function traceOutput(kernel: AssembledKernel, file: string): string {
  return file.endsWith(".json")
    ? `${kernel.trace.toJson()}\n`
    : kernel.sys(kernel.init).readText("/sys/kernel/tracing/trace");
}
