/**
 * namespaces: the package as a feature.
 *
 *     const kernel = createKernel().use(namespaces({ profile: "6.18" })).boot();
 *     kernel.sys(task).unshare(CLONE_NEWUSER | CLONE_NEWUTS);
 */
import { type Core, coreInstance, type Feature, type Impl } from "@kernelkit/core";
import { NamespacesApi } from "./api.js";
import { cgroupPart } from "./cgroup/cgroupPart.js";
import { NsFrame } from "./frame.js";
import { ipcPart } from "./ipc/ipcPart.js";
import type { IpcSys } from "./ipc/ipcSys.js";
import { type MntSys, mntPart } from "./mnt/mntPart.js";
import type { NetApi } from "./net/netApi.js";
import { netPart } from "./net/netPart.js";
import { installNsIoctl } from "./nsfs/nsIoctl.js";
import type { NsPart } from "./nsPart.js";
import { type NamespacesOptions, resolveOptions } from "./options.js";
import { pidPart } from "./pid/pidPart.js";
import { timePart } from "./time/timePart.js";
import { userPart } from "./user/userPart.js";
import { utsPart } from "./uts/utsPart.js";

/** The types, in the order in which they are installed. */
const PARTS: readonly NsPart<object, never>[] = [
  userPart,
  mntPart,
  utsPart,
  ipcPart,
  pidPart,
  cgroupPart,
  netPart,
  timePart,
];

/** The calls of the package. */
export interface NamespacesSys extends IpcSys, MntSys {}

/** The feature. TypeError or RangeError for a bad option, naming it. */
export function namespaces(options: NamespacesOptions = {}): Feature<"namespaces", NamespacesApi, NamespacesSys> {
  const o = resolveOptions(options);
  return {
    name: "namespaces",
    core: coreInstance,
    install(k: Core) {
      const f = new NsFrame(k, o);
      const installed = PARTS.map((p) => p.install(f));
      installNsIoctl(f);
      return {
        api: new NamespacesApi(f, installed[PARTS.indexOf(netPart)].api as NetApi),
        sys: Object.assign({}, ...installed.map((i) => i.sys ?? {})) as Impl<NamespacesSys>,
        boot() {
          f.born(k.tasks.initUserNs, null);
          for (const ns of k.tasks.initNsproxy.ns) f.born(ns, null);
          for (const i of installed) i.boot?.();
        },
      };
    },
  };
}
