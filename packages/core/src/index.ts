/**
 * The public face of core: what packages, apps and tests import. Everything is tree-shakable; `createMachine` alone brings no
 * files and no memory.
 */
export * from "./abi/capability.js";
export * from "./abi/errno.js";
export * from "./abi/errors.js";
export * from "./abi/fcntl.js";
export * from "./abi/ioctl.js";
export * from "./abi/ipc.js";
export * from "./abi/magic.js";
export * from "./abi/mman.js";
export * from "./abi/mount.js";
export { constantsByName, parseFlags } from "./abi/names.js";
export * from "./abi/numa.js";
export * from "./abi/poll.js";
export * from "./abi/prctl.js";
export * from "./abi/random.js";
export * from "./abi/reboot.js";
export * from "./abi/resource.js";
export * from "./abi/sched.js";
export * from "./abi/seals.js";
export * from "./abi/signal.js";
export * from "./abi/socket.js";
export * from "./abi/stat.js";
export * from "./abi/syslog.js";
export * from "./abi/time.js";
export * from "./abi/userfaultfd.js";
export * from "./abi/wait.js";
export * from "./abi/xattr.js";
export * from "./cgroup/cgroup.js";
export type { Cgroups } from "./cgroup/cgroups.js";
export type * from "./cgroup/controller.js";
export * from "./cgroup/hierarchy.js";
export * from "./kernel/checkpoint.js";
export * from "./kernel/cmdline.js";
export * from "./kernel/core.js";
export { createMachine } from "./kernel/createKernel.js";
export * from "./kernel/ctx.js";
export type { SignalOutcome } from "./kernel/entry.js";
export * from "./kernel/feature.js";
export { createKernel } from "./kernel/full.js";
export * from "./kernel/hooks.js";
export * from "./kernel/hookTable.js";
export type * from "./kernel/kernel.js";
export type * from "./kernel/options.js";
export { type AnyProgramDef, type ProgramDef, program } from "./kernel/program.js";
export type { StateGraph, StateRegistry } from "./kernel/state.js";
export * from "./lib/bitmap.js";
export * from "./lib/bitmapText.js";
export * from "./lib/hash.js";
export * from "./lib/hashString.js";
export * from "./lib/numberParsers.js";
export * from "./lib/rng.js";
export * from "./lib/sysctlParser.js";
export * from "./lib/text.js";
export * from "./lib/units.js";
export * from "./sched/cpus.js";
export type * from "./sched/hotplug.js";
export type * from "./sched/idle.js";
export * from "./sched/irq.js";
export type * from "./sched/kthread.js";
export * from "./sched/runQueue.js";
export * from "./sched/waitQueue.js";
export type { WorkFn } from "./sched/workqueue.js";
export * from "./sys/args.js";
export type * from "./sys/bareSys.js";
export type * from "./sys/coreSys.js";
export type * from "./sys/credSys.js";
export type * from "./sys/fdSys.js";
export type { Dirent, FileSys, Stat } from "./sys/fileSys.js";
export type * from "./sys/memorySys.js";
export type * from "./sys/miscSys.js";
export type * from "./sys/mountSys.js";
export type * from "./sys/pollSys.js";
export type * from "./sys/processSys.js";
export type * from "./sys/schedSys.js";
export type * from "./sys/signalSys.js";
export type * from "./sys/timeSys.js";
export * from "./sys/types.js";
export type * from "./sys/xattrSys.js";
export * from "./task/capable.js";
export * from "./task/cred.js";
export * from "./task/namespace.js";
export * from "./task/pid.js";
export * from "./task/ptraceAccess.js";
export { rlimit } from "./task/rlimits.js";
export * from "./task/signalPending.js";
export {
  PendingSignals,
  type SigAction,
  SigHand,
  type SigInfo,
  SignalStruct,
  SigSet,
} from "./task/signalState.js";
export * from "./task/task.js";
export * from "./task/userNamespace.js";
export * from "./task/utsNamespace.js";
export * from "./time/eventQueue.js";
export * from "./time/time.js";
export { processCpuNs, taskCpuNs } from "./time/timeCalls.js";
export type { TimerFn, Timers } from "./time/timers.js";
export type { Trace } from "./trace/trace.js";
export * from "./trace/tracepoint.js";
