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
export { type CoreInstance, coreInstance } from "./kernel/coreInstance.js";
export { createMachine } from "./kernel/createKernel.js";
export * from "./kernel/ctx.js";
export * from "./kernel/feature.js";
export { createKernel } from "./kernel/full.js";
export * from "./kernel/hooks.js";
export * from "./kernel/hookTable.js";
export type * from "./kernel/kernel.js";
export type * from "./kernel/options.js";
export { type AnyProgramDef, type ProgramDef, program } from "./kernel/program.js";
export { createSimulator } from "./kernel/simulator.js";
export type { StateGraph, StateRegistry } from "./kernel/state.js";
export type { SignalOutcome } from "./kernel/userMode.js";
export * from "./lib/bitmap.js";
export * from "./lib/bitmapText.js";
export * from "./lib/hash.js";
export * from "./lib/hashString.js";
export * from "./lib/lowestFree.js";
export * from "./lib/numberParsers.js";
export * from "./lib/rng.js";
export * from "./lib/sortedIndex.js";
export * from "./lib/sysctlParser.js";
export * from "./lib/text.js";
export * from "./lib/units.js";
export * from "./mm/index.js";
export { doMmap, doMunmap, intersects } from "./mm/mmap.js";
export { vmEnoughMemory } from "./mm/overcommit.js";
export type { Net, SocketFamily } from "./net/net.js";
export { NetNamespace } from "./net/netNamespace.js";
export { netGlobalMode, netSysctlOwner } from "./net/netSysctl.js";
export * from "./net/sock.js";
export { openNsFile } from "./proc/nsfs.js";
export type { Proc } from "./proc/proc.js";
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
export type * from "./sys/socketSys.js";
export type * from "./sys/timeSys.js";
export * from "./sys/types.js";
export type * from "./sys/xattrSys.js";
export * from "./task/capable.js";
export * from "./task/cred.js";
export type { ExecCheck } from "./task/exec.js";
export type { ModuleDef, ModuleParam } from "./task/modules.js";
export * from "./task/namespace.js";
export { credsInUserNs } from "./task/nsCreate.js";
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
export { TEST_PROGRAM_FILE, testProgram } from "./testing/testProgram.js";
export * from "./time/eventQueue.js";
export * from "./time/time.js";
export { processCpuNs, taskCpuNs } from "./time/timeCalls.js";
export type { TimerFn, Timers } from "./time/timers.js";
export type { Trace } from "./trace/trace.js";
export * from "./trace/tracepoint.js";
export { internalMount } from "./vfs/anonInode.js";
export { newsizeOk, removePrivs, setattrCopy, setSize, simpleSetattr } from "./vfs/attr.js";
export * from "./vfs/dentry.js";
export { mkdev } from "./vfs/dev.js";
export { doMknod, doUnlink, unhash } from "./vfs/dir.js";
export { type Disk, type DiskOptions, type DiskProfile, DiskStore, diskType } from "./vfs/disk.js";
export { isUnlinked } from "./vfs/dpath.js";
export * from "./vfs/file.js";
export type { FilesStruct } from "./vfs/filesStruct.js";
export { unusedFd } from "./vfs/fileTable.js";
export type { FsStruct } from "./vfs/fsStruct.js";
export * from "./vfs/inode.js";
export { changedAttr, changedData, fileUpdateTime, touchCtime } from "./vfs/inodeTime.js";
export * from "./vfs/iversion.js";
export { genericLlseek } from "./vfs/llseek.js";
export { type MemFs, memDirFileOps, memEvict, memFs } from "./vfs/memFs.js";
export { shmemFile } from "./vfs/memfd.js";
export * from "./vfs/mount.js";
export {
  checkCopy,
  checkLockedFlags,
  checkMnt,
  checkWriters,
  copyOf,
  isFloating,
  mayMount,
  moveTree,
  setMountFlags,
} from "./vfs/mountOps.js";
export * from "./vfs/mountTree.js";
export { LOOKUP_DIRECTORY, LOOKUP_EMPTY, LOOKUP_FOLLOW, userPath } from "./vfs/namei.js";
export { allocFile, openDentry, pathFileOps, pathOpen } from "./vfs/open.js";
export { kernMount } from "./vfs/part.js";
export { inodePermission, mayCreate, mayDelete } from "./vfs/perm.js";
export { EventfdCtx, eventfdOps } from "./vfs/poll/eventfd.js";
export { pidfdOps } from "./vfs/poll/pidfd.js";
export type { Propagation } from "./vfs/propagation.js";
export * from "./vfs/pseudo/knode.js";
export * from "./vfs/pseudo/pseudoFile.js";
export { type NodeOptions, PseudoTree, type TreeKind } from "./vfs/pseudo/pseudoTree.js";
export { procFileOps } from "./vfs/pseudo/seqFile.js";
export * from "./vfs/pseudo/sysctl.js";
export { eventsOf, nodeOf } from "./vfs/pseudo/treeInode.js";
export { newTreeSuper } from "./vfs/pseudo/treeSuper.js";
export { genericRead, punchPages, writeChecks } from "./vfs/regularFile.js";
export { isBelow } from "./vfs/rename.js";
export { chrdevOps } from "./vfs/specialFile.js";
export * from "./vfs/superBlock.js";
export { memStatfs } from "./vfs/tmpfs.js";
export type { Vfs } from "./vfs/vfs.js";
export * from "./vfs/xattr.js";
