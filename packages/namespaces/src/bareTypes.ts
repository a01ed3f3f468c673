/**
 * bareTypes: the type net as a namespace: owner, number, limits, joining. What is in one is `data`, filled by whoever brings devices.
 * network_namespaces(7).
 */
import { CLONE_NEWNET, type NsType } from "@kernelkit/core";
import type { NsPart } from "./nsPart.js";
import { PlainNamespace } from "./plainNs.js";

const PROC_NET_INIT_INO = 4026531833;

export const netTypePart: NsPart = {
  name: "net",
  install(f) {
    const { k } = f;
    if (!f.o.features.NET_NS || k.tasks.nsTypes.some((t) => t.name === "net")) return {};
    k.state.class(PlainNamespace);
    const type: NsType = { name: "net", flag: CLONE_NEWNET, procNames: ["net"], index: -1, order: 5 };
    k.tasks.registerNsType(type, new PlainNamespace(type, PROC_NET_INIT_INO, k.tasks.initUserNs));
    f.define<PlainNamespace>(type, {
      ucount: "net",
      make: (_old, of, ino) => new PlainNamespace(type, ino, of.userNs),
    });
    f.installPlain(type);
    return {};
  },
};
