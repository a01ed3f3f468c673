/**
 * The hooks of a kernel, by the names packages tap them with. What each is called with stands here; when, at the call site
 * (kernel/hooks.ts explains the kinds).
 */
import type { Cgroup } from "../cgroup/cgroup.js";
import type { Fault } from "../mm/fault.js";
import type { AllocRequest } from "../mm/gfp.js";
import type { Mm } from "../mm/mm.js";
import type { PageRun } from "../mm/pageRun.js";
import type { Vma } from "../mm/vma.js";
import type { Zone } from "../mm/zone.js";
import type { IdleExitReason } from "../sched/idle.js";
import type { Wait } from "../sys/types.js";
import type { Cred } from "../task/cred.js";
import type { ExecCheck } from "../task/exec.js";
import type { SigInfo } from "../task/signalState.js";
import type { Task } from "../task/task.js";
import type { UserNamespace } from "../task/userNamespace.js";
import type { Dentry } from "../vfs/dentry.js";
import type { OpenFile } from "../vfs/file.js";
import type { Iattr, Inode } from "../vfs/inode.js";
import type { Pipe } from "../vfs/pipeRing.js";
import type { XattrChange } from "../vfs/xattr.js";
import type { Ctx } from "./ctx.js";
import { Choose, Notify, Veto } from "./hooks.js";

/** What a fork is about; the same object at every stage of one fork. */
export interface ForkEvent {
  /** "task" (before anything is made), "signal", "mm", "ns", "cgroup" (last: pids). */
  stage: string;
  parent: Task;
  /** null at stage "task". */
  child: Task | null;
  flags: number;
}

export class HookTable {
  // tasks
  readonly fork: Veto<ForkEvent> = new Veto();
  /** (running call, CLONE_ flags) before anything of a fork is done: WAIT, it has put the task to sleep and is asked again. */
  readonly forkRoom: Choose<Ctx, number, Wait> = new Choose();
  readonly forked: Notify<Task, Task> = new Notify();
  /** Each file of an execve before it is run, a script before its interpreter. */
  readonly execCheck: Veto<Task, ExecCheck> = new Veto();
  readonly execed: Notify<Task> = new Notify();
  /** Before anything of the task is given back. */
  readonly exit: Notify<Task> = new Notify();
  /** The zombie is gone. */
  readonly reaped: Notify<Task> = new Notify();
  readonly credChange: Notify<Task, { old: Cred; new: Cred }> = new Notify();
  /** (task, flags) unshare(2) has succeeded; namespaces are the new ones. */
  readonly unshared: Notify<Task, number> = new Notify();
  readonly commChange: Notify<Task, string> = new Notify();
  readonly capable: Veto<Task, { ns: UserNamespace; cap: number }> = new Veto();
  readonly signalSend: Veto<Task, SigInfo> = new Veto();
  readonly signalDeliver: Notify<Task, SigInfo> = new Notify();
  readonly returnToUser: Notify<Task> = new Notify();

  // scheduler, CPUs
  readonly schedIn: Notify<Task, number> = new Notify();
  readonly schedOut: Notify<Task, number> = new Notify();
  readonly wakeup: Notify<Task, number> = new Notify();
  readonly selectCpu: Choose<Task, number, number> = new Choose();
  /** (task, CPU) true: an idle CPU takes the task only if it finds no other that waits. */
  readonly migrateDegrades: Choose<Task, number, boolean> = new Choose();
  /** (task, mask) the CPUs a task may be given: listeners take bits away (cpusets). */
  readonly cpusAllowed: Notify<Task, Uint32Array> = new Notify();
  readonly tick: Notify<number, Task> = new Notify();
  readonly loadTick: Notify<number> = new Notify();
  readonly irqEnter: Notify<number, Task | null> = new Notify();
  readonly irqExit: Notify<number, Task | null> = new Notify();
  readonly idleSelect: Choose<number, number, number> = new Choose();
  readonly idleEnter: Notify<number, number> = new Notify();
  readonly idleExit: Notify<number, IdleExitReason> = new Notify();
  readonly cpuOnline: Notify<number> = new Notify();
  readonly cpuPrepareDown: Veto<number> = new Veto();
  readonly cpuDead: Notify<number> = new Notify();

  // files
  /** (file, MAY_READ|MAY_WRITE|MAY_APPEND of the open): after all other checks, before O_TRUNC takes effect. */
  readonly pathOpen: Veto<OpenFile, number> = new Veto();
  readonly fileOpened: Notify<OpenFile> = new Notify();
  /** (file, bytes): after data were written through it. */
  readonly fileWritten: Notify<OpenFile, number> = new Notify();
  /** Each close(2) of a descriptor. */
  readonly fileClosed: Notify<OpenFile, Task> = new Notify();
  /** The last reference has gone; the file's counts (writecount) still include it. */
  readonly finalFput: Notify<OpenFile> = new Notify();
  /** (inode, new size) */
  readonly truncated: Notify<Inode, number> = new Notify();
  /** (dentry, change) before attributes are changed, all checks passed. */
  readonly setattr: Veto<Dentry, Iattr> = new Veto();
  /** (dentry, change) after it. */
  readonly inodeChanged: Notify<Dentry, Iattr> = new Notify();
  /** Something new has a name: (dentry, mode asked for). */
  readonly inodeCreated: Notify<Dentry, number> = new Notify();
  /** Nobody has the inode any more; its data are still there. */
  readonly inodeEvict: Notify<Inode> = new Notify();
  readonly xattrSet: Veto<Dentry, XattrChange> = new Veto();
  readonly xattrRemove: Veto<Dentry, string> = new Veto();
  /** (dentry, name) after it was set or removed. */
  readonly xattrChanged: Notify<Dentry, string> = new Notify();
  /** A name was put into the dentry cache (positive or negative), or is gone from it. */
  readonly dentryAlloc: Notify<Dentry> = new Notify();
  readonly dentryFree: Notify<Dentry> = new Notify();
  /** A pipe or FIFO's buffer is made for a task: may refuse (ENFILE or ENOMEM is then the call's errno); and is gone. */
  readonly pipeAlloc: Veto<Pipe, Task> = new Veto();
  readonly pipeFree: Notify<Pipe> = new Notify();

  // cgroups
  readonly mkdirCgroup: Veto<Cgroup> = new Veto();
  readonly rmdirCgroup: Notify<Cgroup> = new Notify();
  readonly populated: Notify<Cgroup> = new Notify();

  /** ns that a task's clock (CLOCK_MONOTONIC or CLOCK_BOOTTIME) is ahead of the machine's: time namespaces. */
  readonly clockOffset: Choose<Task, number, number> = new Choose();

  // memory; see mm/pageAlloc.ts for the order of the first nine
  /** Sets nid, nodemask, interleave of the request. */
  readonly pageChoose: Choose<AllocRequest, undefined, true> = new Choose();
  /** (zone, order): it is below its low watermark. */
  readonly wakeKswapd: Notify<Zone, number> = new Notify();
  /** Pages freed; HOOK_WAIT: it has put the task to sleep. */
  readonly reclaim: Choose<AllocRequest, undefined, number> = new Choose();
  /** True: somebody is being killed, try again. */
  readonly outOfMemory: Choose<AllocRequest, undefined, boolean> = new Choose();
  /** (first frame, order), as with all of them: taken. */
  readonly pageAlloc: Notify<number, number> = new Notify();
  /** 0, an errno, or HOOK_WAIT: the task sleeps and asks again. */
  readonly pageCharge: Veto<number, AllocRequest> = new Veto();
  /** A charged or uncharged page goes: give back what it was charged. */
  readonly pageUncharge: Notify<number, number> = new Notify();
  readonly pageFree: Notify<number, number> = new Notify();
  /** A block becomes single pages: fields of its head hold for each. */
  readonly pageSplit: Notify<number, number> = new Notify();
  /** (old frame, new frame): its owner, charge and place on a list move. */
  readonly pageMigrate: Notify<number, number> = new Notify();
  /** (frame, change): a counter of the page's owner changes; stateSlot(change) and statePages(change). */
  readonly pageState: Notify<number, number> = new Notify();
  /** (frame, list 0..4) */
  readonly lruAdd: Notify<number, number> = new Notify();
  readonly lruDel: Notify<number, number> = new Notify();
  /** MADV_PAGEOUT: these frames, in order. */
  readonly reclaimPages: Notify<readonly number[]> = new Notify();
  /** How many of n pages for this request can be charged at once, without reclaim or sleep; nothing is charged yet. */
  readonly chargeRun: Choose<AllocRequest, number, number> = new Choose();
  /** Instead of pageCharge, pageState and lruAdd for each: many private pages were made by first stores in a row. */
  readonly pageRun: Notify<PageRun> = new Notify();
  /** (mm, 1 if it was a major fault): a fault is complete. */
  readonly pageFault: Notify<Mm, number> = new Notify();
  /** (mm, n), instead of pageFault for each: n minor faults in a row are complete. */
  readonly faultRun: Notify<Mm, number> = new Notify();
  /** (fault, running call): a FAULT_ code; undefined: not taken. */
  readonly faultMissing: Choose<Fault, Ctx | null, number> = new Choose();
  readonly faultHint: Choose<Fault, Ctx | null, number> = new Choose();
  /** Instead of faultHint for each: the task uses `run` armed pages of one area in a row, from `slot` on. How many were dealt with; it never waits. */
  readonly hintRun: Choose<Fault, Task, number> = new Choose();
  readonly faultWp: Choose<Fault, Ctx | null, number> = new Choose();
  /** (frame, write): user code has used a page. */
  readonly userAccess: Notify<number, boolean> = new Notify();
  readonly mmapCheck: Veto<Task, { file: OpenFile | null; prot: number; flags: number }> = new Veto();
  readonly mprotectCheck: Veto<Task, { vma: Vma; prot: number }> = new Veto();
  /** An area (or the part of one that has been cut off) is about to be unmapped. */
  readonly munmap: Notify<Vma> = new Notify();
  /** (parent's, child's) */
  readonly mmDup: Notify<Mm, Mm> = new Notify();
  readonly mmExit: Notify<Mm> = new Notify();

  // messages
  readonly log: Notify<LogLine> = new Notify();
  readonly audit: Notify<{ type: number; body: string }> = new Notify();
  /** (text, Linux's file and function or "") */
  readonly warn: Notify<string, string> = new Notify();
  readonly panic: Notify<string> = new Notify();
  readonly reboot: Notify<number> = new Notify();
  /** (net namespace, { level, text }) */
  readonly packetLog: Notify<object, { level: number; text: string }> = new Notify();
}

/** A line for the kernel log, as `k.log` was given it. */
export interface LogLine {
  /** 0 (emergency) .. 7 (debug) */
  level: number;
  text: string;
  /** ns since boot */
  timeNs: number;
  facility: number;
  /** Device or subsystem dictionary, as `SUBSYSTEM=`, `DEVICE=` lines. */
  dict: string;
  /** Continues the line before. */
  cont: boolean;
  /** The task in whose context it was logged, or null (interrupt, boot). */
  task: Task | null;
  inInterrupt: boolean;
  cpu: number;
}
