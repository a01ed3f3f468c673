/** utsPart: a copy of nodename and domainname. uts_namespaces(7). */
import { UtsNamespace } from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";

export const utsPart: NsPart = {
  name: "uts",
  install(f) {
    const type = f.k.tasks.utsType;
    if (!f.o.features.UTS_NS) {
      type.procNames = [];
      return {};
    }
    f.define<UtsNamespace>(type, {
      ucount: "uts",
      make(old, of, ino) {
        const ns = new UtsNamespace(type, ino, of.userNs, { nodename: old.nodename, release: old.release });
        ns.domainname = old.domainname;
        ns.version = old.version;
        ns.machine = old.machine;
        ns.sysname = old.sysname;
        return ns;
      },
    });
    f.installPlain(type);
    return {};
  },
};
