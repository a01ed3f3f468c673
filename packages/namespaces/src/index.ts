export { NamespacesApi } from "./api.js";
export type * from "./ipc/ipcSys.js";
export { type NamespacesSys, namespaces } from "./namespaces.js";
export type * from "./options.js";
export { type FeatureName, featuresOf, type Profile, profiles } from "./profiles.js";
export { UCOUNT_TYPES, type UcountType } from "./ucounts.js";
export { type Extent, makeMap, parseMap } from "./user/idMap.js";
