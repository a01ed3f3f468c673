/**
 * Files of /proc/sys that belong to the root of a namespace's owner: it sees itself as their owner, and its class of the mode bits
 * counts for it. Where it is not mapped they are the initial root's.
 */
import { type Ctx, INVALID_ID, makeKgid, makeKuid, type SysctlFile, type UserNamespace } from "@kernelkit/core";

/** `powerful`: who counts as the owner besides. */
export function ownedByNsRoot(
  owner: (c: Ctx) => UserNamespace,
  powerful: (c: Ctx) => boolean = () => false,
): Required<Pick<SysctlFile, "ids" | "modeFor">> {
  const ids = (c: Ctx): { uid: number; gid: number } => {
    const ns = owner(c);
    const uid = makeKuid(ns, 0);
    const gid = makeKgid(ns, 0);
    return { uid: uid === INVALID_ID ? 0 : uid, gid: gid === INVALID_ID ? 0 : gid };
  };
  return {
    ids,
    modeFor(c, mode) {
      const { uid, gid } = ids(c);
      const { cred } = c.task;
      const shift = cred.euid === uid || powerful(c) ? 6 : cred.egid === gid || cred.groups.includes(gid) ? 3 : 0;
      return ((mode >> shift) & 7) * 0o111;
    },
  };
}
