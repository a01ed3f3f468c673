/** A booted kernel for tests, with files read and written as root. Not part of the package. */
import {
  type CoreSys,
  createKernel,
  type Kernel,
  type KernelOptions,
  type MachineSys,
  O_RDONLY,
  O_WRONLY,
  type Outside,
  type Program,
  type ProgramDef,
  program,
} from "@kernelkit/core";
import type { PowerclampApi } from "../api.js";
import type { PowerclampOptions } from "../options.js";
import { powerclamp } from "../powerclamp.js";

const FOREVER_NS = 3600e9;

/** A task that never sleeps. */
export const busy: ProgramDef<MachineSys, Record<string, never>> = program(
  "busy",
  function* (sys: Program<MachineSys>, _s: Record<string, never>) {
    for (;;) yield* sys.compute(FOREVER_NS);
  },
);

export interface TestMachine {
  readonly kernel: Kernel<{ readonly powerclamp: PowerclampApi }, CoreSys>;
  readonly sys: Outside<CoreSys>;
  readonly api: PowerclampApi;
  /** The whole file, as root. */
  read(path: string): string;
  /** One write, as root; bytes written. */
  write(path: string, text: string): number;
  /** The name of the error a function fails with; "" if it does not. */
  errno(f: () => unknown): string;
  /** Lines of the log since boot. */
  readonly log: string[];
  /** Directory of the cooling device of that type. */
  cdev(type: string): string;
}

export function boot(options: PowerclampOptions = {}, kernelOptions: KernelOptions = {}): TestMachine {
  const kernel = createKernel({ ...kernelOptions, machine: { memory: "64M", ...kernelOptions.machine } })
    .use(powerclamp(options))
    .boot();
  const sys = kernel.sys(kernel.init);
  const read = (path: string): string => {
    const fd = sys.open(path, O_RDONLY);
    try {
      return String.fromCharCode(...sys.read(fd, 8192));
    } finally {
      sys.close(fd);
    }
  };
  const write = (path: string, text: string): number => {
    const fd = sys.open(path, O_WRONLY);
    try {
      return sys.write(fd, new TextEncoder().encode(text));
    } finally {
      sys.close(fd);
    }
  };
  const errno = (f: () => unknown): string => {
    try {
      f();
      return "";
    } catch (e) {
      const { code } = e as { code?: string };
      if (code === undefined) throw e;
      return code;
    }
  };
  const log: string[] = [];
  kernel.core.hooks.log.tap(990, "test", (l) => log.push(l.text));
  const cdev = (type: string): string => {
    const d = kernel.powerclamp.thermal.coolingDevices.find((x) => x.type === type);
    return `/sys/class/thermal/cooling_device${d?.id}`;
  };
  return { kernel, sys, read, write, errno, log, cdev, api: kernel.powerclamp };
}
