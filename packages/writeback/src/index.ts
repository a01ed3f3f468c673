export { type BackingDevInfo, type BdiList, bdiSetMaxRatio, bdiSetMinRatio } from "./bdi.js";
export * from "./control/bandwidth.js";
export * from "./control/constants.js";
export * from "./control/dirtyLimits.js";
export * from "./control/fprop.js";
export * from "./control/pause.js";
export * from "./control/positionRatio.js";
export * from "./errseq.js";
export { type WritebackApi, type WritebackOptions, writeback } from "./writeback.js";
