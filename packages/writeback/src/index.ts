export { type BackingDevInfo, type BdiList, bdiSetMaxRatio, bdiSetMinRatio } from "./bdi.js";
export * from "./control/bandwidth.js";
export * from "./control/constants.js";
export * from "./control/dirtyLimits.js";
export * from "./control/fprop.js";
export * from "./control/pause.js";
export * from "./control/positionRatio.js";
export type { BlockDevice } from "./device/blockDevice.js";
export type { DeviceModel } from "./device/model.js";
export * from "./errseq.js";
export type { RecoveredFile } from "./fs/recovery.js";
export type { StablePages, Throttle, WritebackOptions } from "./options.js";
export {
  type ReplayCount,
  type ReplayedEvent,
  type ReplayOptions,
  type ReplayResult,
  replayText,
  replayTrace,
} from "./replay/replay.js";
export { parseTrace, type TraceLine } from "./replay/traceText.js";
export type { Offset } from "./sync.js";
export { type WritebackApi, type WritebackSys, writeback } from "./writeback.js";
