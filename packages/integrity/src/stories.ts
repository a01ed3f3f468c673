/** The entry `@kernelkit/integrity/stories`: questions answered by running rivals on the same workload. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { attestation } from "./stories/attestation.js";
export { changedWhileOpen } from "./stories/changedWhileOpen.js";
export { deferredFput } from "./stories/deferredFput.js";
export { labelKinds } from "./stories/labelKinds.js";
export { labelling } from "./stories/labelling.js";
export { offlineAttacks } from "./stories/offlineAttacks.js";
export { policiesStory } from "./stories/policies.js";
export { copyDisk, DISK_UUID, type DiskFile, type DiskImage, Rig, type RigOptions } from "./stories/rig.js";
export { secureKexec } from "./stories/secureKexec.js";
export { violationCost } from "./stories/violationCost.js";
