/**
 * Files without a disk, for authors of packages: /proc, /sys, /dev and their kind are made of `PseudoFile` definitions.
 *
 * A definition has a mode, what reading shows and what writing does. It is a static: register it during `install` (or `boot`),
 * by name, in every kernel of the same composition. What it works on (`owner`) is plain state.
 *
 *     // a file of /proc, and one of every /proc/PID (and /proc/PID/task/TID)
 *     k.proc.file("/proc/interrupts", { show: (c) => interruptsText(c.k) });
 *     k.proc.pidFile("uid_map", { mode: 0o644, show: (c, task) => ..., store: (c, task, text, file, pos) => ... });
 *
 *     // numbers, strings and lists below /proc/sys, with Linux's syntax, ranges and offsets
 *     k.sysctl.register("vm/dirty_ratio", intSysctl({ min: 0, max: 100, get: () => wb.ratio, set: (_c, v) => { wb.ratio = v; } }));
 *     k.sysctl.register("kernel/poweroff_cmd", stringSysctl({ size: 256, get: () => cmd, set: (_c, v) => { cmd = v; } }));
 *
 *     // sysfs: one file; a directory whose files all show the same object
 *     k.sysfs.file("/sys/kernel/mm/ksm/run", { show: () => `${ksm.run}\n`, store: (c, _, text) => { ksm.run = ...; } });
 *     const irqFiles = k.sysfs.group("genirq.irq", { chip_name: { show: (c, desc: IrqDesc) => `${desc.chip}\n` } });
 *     const dir = k.sysfs.dir("/sys/kernel/irq/7", { group: irqFiles, owner: desc });
 *     k.sysfs.link("/sys/class/x", dir);  k.sysfs.remove(dir);  k.sysfs.notify(dir, "chip_name");   // poll: PRI|ERR
 *
 *     // /proc has directories with owners too (k.proc.group, k.proc.dir("/proc/irq/7", ...)), and so have
 *     k.debugfs  k.securityfs  k.tracefs           // "/sys/kernel/debug/sched/x", "/sys/kernel/security/ima/policy" ...
 *
 *     // a device: the node in /dev and the operations behind its number
 *     k.devices.chrdev(mkdev(1, 11), "kmsg", kmsgOps, { mode: 0o644 });
 *
 * Rules:
 * - `show` gives the whole text (one newline at the end is yours to write). Text is UTF-8; bytes are given as they are.
 *   It only reads. `fail(errno)` makes the read fail.
 * - `store` gets what one write(2) brought, one character per byte (parsers of lib/ take that; `utf8Text(latin1Bytes(text))` for
 *   people's text). It returns how many bytes it took; nothing: all; a negative number: the errno. It may `fail(errno)` and
 *   sleep (return c.sleep(...)).
 * - `file` is the open description (its `cred` is the opener's), `pos` the offset of the write.
 * - Who may open, offsets, lseek and poll are the file system's: see seqFile.ts (proc, debugfs, securityfs, tracefs),
 *   kernfs.ts (sysfs, cgroup), sysctl.ts. A file that needs more brings `ops`, a `FileOps` table of its own, whose file.inode.data is a
 *   `Knode` (its `owner` is what the directory is about).
 */
import type { Ctx } from "../../kernel/ctx.js";
import type { WaitQueue } from "../../sched/waitQueue.js";
import type { Wait } from "../../sys/types.js";
import type { FileOps, OpenFile } from "../file.js";

export interface PseudoFile<O = undefined> {
  /** Permission bits. Left out: 0444 with `show`, 0200 with `store`, 0644 with both. */
  readonly mode?: number;
  show?(c: Ctx, owner: O, file: OpenFile): string | Uint8Array;
  // biome-ignore lint/suspicious/noConfusingVoidType: a store that takes everything need not say so
  store?(c: Ctx, owner: O, text: string, file: OpenFile, pos: number): number | Wait | void;
  /** More checks at open: fail(errno). */
  open?(c: Ctx, owner: O, file: OpenFile): void;
  /** Everything is done by this table (a registered static). */
  readonly ops?: FileOps;
  /** Is the file there for this owner? Asked when it is looked up and listed. Left out: always. */
  visible?(owner: O): boolean;
  /** Its text is made anew by each read and served by offset; lseek knows SEEK_END. (Left out: made by the read at 0 and kept.) */
  readonly plain?: boolean;
  /** A write moves the offset, so that a second one through the descriptor has another `pos` (/proc; in sysfs all do). */
  readonly moves?: boolean;
  /** poll(2): the queue that is woken when what is shown has changed, and the number that has moved then. */
  readonly poll?: (c: Ctx, owner: O) => { queue: WaitQueue; event: number };
  /** poll(2) of a file in sysfs or a cgroup whose answer is its own: POLL* bits. */
  readonly pollMask?: (c: Ctx, owner: O, file: OpenFile) => number;
}

/** The files of a kind of directory: made by `tree.group(name, files)`, a static. */
export interface FileGroup<O = unknown> {
  readonly name: string;
  readonly files: ReadonlyMap<string, PseudoFile<O>>;
}

/** What a file's mode is if its definition does not say. */
export function defaultMode(f: PseudoFile<never>): number {
  return f.mode ?? (f.show !== undefined ? 0o444 : 0) | (f.store !== undefined ? 0o200 : 0);
}
