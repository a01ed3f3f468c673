/** Settings below /proc/sys/net: whose they are, and core's own. Documentation/admin-guide/sysctl/net. */
import { CAP_NET_ADMIN } from "../abi/capability.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { nsCapable } from "../task/capable.js";
import { INVALID_ID, makeKgid, makeKuid } from "../task/userNamespace.js";
import { intSysctl, type SysctlFile } from "../vfs/pseudo/sysctl.js";

const INT_MAX = 0x7fffffff;

function ids(c: Ctx): { uid: number; gid: number } {
  const { userNs } = c.k.net.of(c.task);
  const uid = makeKuid(userNs, 0);
  const gid = makeKgid(userNs, 0);
  return { uid: uid === INVALID_ID ? 0 : uid, gid: gid === INVALID_ID ? 0 : gid };
}

/**
 * Settings of a namespace: they belong to the root of its owner, and whoever has CAP_NET_ADMIN over that is as good as it.
 * Give these to `intSysctl` and its like.
 */
export const netSysctlOwner: Required<Pick<SysctlFile, "ids" | "modeFor">> = {
  ids,
  modeFor(c, mode) {
    const { uid, gid } = ids(c);
    const { cred } = c.task;
    const owner = cred.euid === uid || nsCapable(c.k, c.task, c.k.net.of(c.task).userNs, CAP_NET_ADMIN);
    const shift = owner ? 6 : cred.egid === gid || cred.groups.includes(gid) ? 3 : 0;
    return ((mode >> shift) & 7) * 0o111;
  },
};

/** Settings of the whole machine can only be read inside a namespace of its own. */
export const netGlobalMode = (c: Ctx, mode: number): number =>
  c.k.net.of(c.task) === c.k.net.init ? mode : mode & ~0o222;

export function installSysctl(k: Core): void {
  const { net, sysctl } = k;
  const memory = (field: "wmemDefault" | "rmemDefault" | "wmemMax" | "rmemMax", min: number): SysctlFile =>
    intSysctl({
      min,
      max: INT_MAX,
      modeFor: netGlobalMode,
      get: () => net[field],
      set: (_c, v) => {
        net[field] = v;
      },
    });
  sysctl.registerAll("net/core", {
    rmem_default: memory("rmemDefault", 2304),
    rmem_max: memory("rmemMax", 2304),
    wmem_default: memory("wmemDefault", 4608),
    wmem_max: memory("wmemMax", 4608),
    somaxconn: intSysctl({
      min: 0,
      max: INT_MAX,
      ...netSysctlOwner,
      get: (c) => net.of(c.task).somaxconn,
      set: (c, v) => {
        net.of(c.task).somaxconn = v;
      },
    }),
  });
  sysctl.register(
    "net/unix/max_dgram_qlen",
    intSysctl({
      ...netSysctlOwner,
      get: (c) => net.of(c.task).maxDgramQlen,
      set: (c, v) => {
        net.of(c.task).maxDgramQlen = v;
      },
    }),
  );
}
