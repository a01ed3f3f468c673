/**
 * The functions of the layer, by Linux's names: what `kernel.genirq` has, there without the first argument. In drivers, chips and
 * flows, which are handed the lines (`d.g`, `g`), they are called as they stand here.
 */

// arrivals
export { genericHandleDomainIrq, genericHandleIrq, raise } from "./arrival.js";
export { irqAllocGenericChip, irqSetupGenericChip } from "./chip/genericChip.js";
export { irqDomainAllocIrqs, irqDomainFreeIrqs } from "./domain/hierarchy.js";
// domains
export {
  irqDomainAssociate,
  irqDomainCreateHierarchy,
  irqDomainCreateLinear,
  irqDomainCreateTree,
  irqDomainRemove,
  irqFindMapping,
} from "./domain/irqDomain.js";
export { irqDomainCreateSim, irqSimFire } from "./domain/irqSim.js";
export { irqCreateFwspecMapping, irqCreateMapping, irqDisposeMapping } from "./domain/mapping.js";
export { presetInterrupts } from "./files/preset.js";
// what user space sees
export { interruptsText, intrText, kstatIrqs } from "./files/procInterrupts.js";
export { storeAffinity, storeDefaultAffinity } from "./files/writeAffinity.js";
// flows
export { chainedIrqEnter, chainedIrqExit, irqSetChainedHandler, irqSetHandler } from "./flow/chained.js";
export { handleNestedIrq } from "./flow/nested.js";
// affinity
export {
  irqAffinityOnlineCpu,
  irqCanSetAffinityUsr,
  irqForceAffinity,
  irqMigrateAllOffThisCpu,
  irqMoveIrq,
  irqSetAffinity,
  irqSetAffinityAndHint,
  irqSetAffinityNotifier,
  irqUpdateAffinityHint,
} from "./manage/affinity.js";
export { probeIrqOff, probeIrqOn } from "./manage/autoprobe.js";
export { irqGetIrqchipState, irqInjectInterrupt, irqSetIrqchipState } from "./manage/chipState.js";
export { devmFreeIrq, devmRelease, devmRequestIrq, devmRequestThreadedIrq } from "./manage/devres.js";
// enabling
export { disableHardirq, disableIrq, disableIrqNosync, enableIrq } from "./manage/enableIrq.js";
export { freeIrq, freePercpuIrq } from "./manage/freeIrq.js";
export {
  irqClearStatusFlags,
  irqModifyStatus,
  irqSetNestedThread,
  irqSetParent,
  irqSetPercpuDevid,
  irqSetStatusFlags,
} from "./manage/modifyStatus.js";
export { disablePercpuIrq, enablePercpuIrq, irqPercpuIsEnabled } from "./manage/percpuIrq.js";
export {
  disableIrqWake,
  enableIrqWake,
  irqPmSyscoreResume,
  irqSetIrqWake,
  irqSetIrqWake as setIrqWake,
  pmWakeupIrq,
  resumeDeviceIrqs,
  suspendDeviceIrqs,
} from "./manage/pm.js";
// requests
export { requestAnyContextIrq, requestIrq, requestPercpuIrq, requestThreadedIrq } from "./manage/requestIrq.js";
// lines and chips
export {
  canRequestIrq,
  irqAllocDesc,
  irqAllocDescs,
  irqFreeDescs,
  irqGetHandlerData,
  irqGetIrqData,
  irqSetChip,
  irqSetChipAndHandler,
  irqSetChipAndHandlerName,
  irqSetChipData,
  irqSetHandlerData,
} from "./manage/setChip.js";
// triggers and waking
export { irqGetTriggerType, irqSetIrqType, irqSetIrqType as setIrqType } from "./manage/setType.js";
export { synchronizeHardirq, synchronizeIrq } from "./manage/synchronize.js";
export { irqWakeThread } from "./manage/wakeThread.js";
export { irqWorkQueue } from "./softirq/irqWork.js";
// soft interrupts
export { openSoftirq, raiseSoftirq } from "./softirq/softirq.js";
export { taskletDisable, taskletEnable, taskletHiSchedule, taskletKill, taskletSchedule } from "./softirq/tasklet.js";
