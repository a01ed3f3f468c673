/**
 * What a controller is to the cgroup core: a static with its name, how css are made and go, what attaching and forking mean to
 * it, and its files. Register it with `k.cgroup.register(controller)`; files are named without the controller's prefix.
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Wait } from "../sys/types.js";
import type { Task } from "../task/task.js";
import type { OpenFile } from "../vfs/file.js";
import type { Cgroup, Css } from "./cgroup.js";

/** A file in each directory of a hierarchy. `fail(errno)` in show and store. */
export interface CgroupFile {
  /** Without prefix: "max" of the controller "pids" is pids.max. Core's own have "cgroup.". */
  readonly name: string;
  /** The whole name is `name` (cgroup.event_control of v1's memory controller). CFTYPE_NO_PREFIX. */
  readonly noPrefix?: boolean;
  /** Permission bits, e.g. 0o644. */
  readonly mode: number;
  /** Not in the root group / only there. */
  readonly notOnRoot?: boolean;
  readonly onlyOnRoot?: boolean;
  /** Left out: reading is EINVAL. `css` is the controller's in this group (null for core's files). */
  show?(c: Ctx, cgroup: Cgroup, css: Css | null, file: OpenFile): string;
  /** The text written, as it is. Returns nothing, or WAIT (it is then called again). Left out: writing is EINVAL. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a store that is done need not say so
  store?(c: Ctx, cgroup: Cgroup, css: Css | null, text: string, file: OpenFile): Wait | undefined | void;
  /** Is it there now? After a change `cgroups.onControllers` of the group takes away what is not. */
  visible?(css: Css): boolean;
  /** What poll(2) says, POLL* bits; left out: PRI|ERR when the file was notified since it was last read. */
  poll?(c: Ctx, css: Css, file: OpenFile): number;
}

export interface Controller {
  readonly name: string;
  /** Its name in v1, where it differs (blkio of io). */
  readonly legacyName?: string;
  /** May be enabled in threaded groups. */
  readonly threaded?: boolean;
  /** Exists in v1 / in v2 only. Default both. */
  readonly only?: "v1" | "v2";
  /** Make `css.data`. May fail: mkdir or enabling then fails with the errno and nothing has changed. */
  cssAlloc(k: Core, css: Css): void;
  cssOnline?(k: Core, css: Css): void;
  /** Its group is being removed or the controller disabled: nobody can be attached any more. */
  cssOffline?(k: Core, css: Css): void;
  /** The last reference has gone. */
  cssFree?(k: Core, css: Css): void;
  /** May these tasks come to `css`? 0 or a positive errno. */
  canAttach?(k: Core, css: Css, tasks: readonly Task[]): number;
  /** canAttach agreed, but another controller refused. */
  cancelAttach?(k: Core, css: Css, tasks: readonly Task[]): void;
  /** A task's css changed. */
  attach?(k: Core, css: Css, task: Task, old: Css): void;
  readonly files?: readonly CgroupFile[];
  readonly legacyFiles?: readonly CgroupFile[];
}
