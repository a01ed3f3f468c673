/**
 * bareTypes: the types ipc and net as namespaces: owner, number, limits, joining. What is in one is `data`, filled by whoever brings
 * System V objects or devices. ipc_namespaces(7), network_namespaces(7).
 */
import { CLONE_NEWIPC, CLONE_NEWNET, type NsType } from "@kernelkit/core";
import type { NsPart } from "./nsPart.js";
import { PlainNamespace } from "./plainNs.js";

const PROC_IPC_INIT_INO = 4026531839;
const PROC_NET_INIT_INO = 4026531833;

function barePart(
  name: "ipc" | "net",
  flag: number,
  order: number,
  initIno: number,
  feature: "IPC_NS" | "NET_NS",
): NsPart {
  return {
    name,
    install(f) {
      const { k } = f;
      if (!f.o.features[feature] || k.tasks.nsTypes.some((t) => t.name === name)) return {};
      k.state.class(PlainNamespace);
      const type: NsType = { name, flag, procNames: [name], index: -1, order };
      k.tasks.registerNsType(type, new PlainNamespace(type, initIno, k.tasks.initUserNs));
      f.define<PlainNamespace>(type, {
        ucount: name,
        make: (_old, of, ino) => new PlainNamespace(type, ino, of.userNs),
      });
      f.installPlain(type);
      return {};
    },
  };
}

export const ipcTypePart: NsPart = barePart("ipc", CLONE_NEWIPC, 2, PROC_IPC_INIT_INO, "IPC_NS");
export const netTypePart: NsPart = barePart("net", CLONE_NEWNET, 5, PROC_NET_INIT_INO, "NET_NS");
