/**
 * composition: the kernel a case runs on. Every case is a fresh boot of one kernel with all packages that exist; a dialect
 * adds the machine and the options of its folder.
 */
import { createKernel, type VfsOptions } from "@kernelkit/core";
import { FEATURES } from "./features.js";
import { NotYet } from "./outcome.js";

/** A system call as the runner sees it: arguments as the man page has them. */
export type SysFunction = (...args: unknown[]) => unknown;
/** The calls of a task, by name. */
export type SysView = Readonly<Record<string, SysFunction | undefined>>;

/** What a dialect asks for. */
export interface Composition {
  /** Packages that must be there, or the case is "not yet". */
  readonly needs: readonly string[];
  readonly machine?: Readonly<Record<string, unknown>>;
  readonly cmdline?: string;
  /** How files behave, as `createKernel`'s option. */
  readonly vfs?: VfsOptions;
  /** Options of packages, by package name. */
  readonly options?: Readonly<Record<string, object | undefined>>;
}

/** Events at one instant of virtual time after which a case is given up: something goes round in circles. */
const EVENTS_PER_INSTANT = 1_000_000;
/** Virtual time that one call of a task may take, ns. */
const CALL_NS = 600_000_000_000;

interface AnyBuilder {
  use(feature: object): AnyBuilder;
  boot(): unknown;
}

/** Boots the kernel. NotYet if a needed package is not there. */
export function bootKernel(c: Composition): unknown {
  for (const name of c.needs) {
    if (!FEATURES.has(name)) throw new NotYet(`package ${name}`);
  }
  let builder = createKernel({
    ...(c.machine !== undefined && { machine: c.machine }),
    ...(c.cmdline !== undefined && { cmdline: c.cmdline }),
    ...(c.vfs !== undefined && { vfs: c.vfs }),
    seed: 1,
    limits: { eventsPerInstant: EVENTS_PER_INSTANT, outsideCallNs: CALL_NS },
  }) as unknown as AnyBuilder;
  for (const [name, feature] of FEATURES) builder = builder.use(feature(c.options?.[name]));
  return builder.boot();
}
