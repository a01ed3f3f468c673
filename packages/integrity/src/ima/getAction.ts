/**
 * getAction: what the policy in force says about an inode and the running task (`ima_get_action`).
 */
import { CAP_SETGID, CAP_SETUID, type Cred, credCapable, type Inode } from "@kernelkit/core";
import type { Integrity } from "../integrityCore.js";
import type { PolicyMatch } from "../policy/matchPolicy.js";

/** Fills the facts about a file; null for a buffer. */
function setInode(g: Integrity, inode: Inode | null): void {
  const e = g.event;
  if (inode === null) {
    e.fowner = -1;
    e.fgroup = -1;
    e.fsmagic = -1;
    e.fsname = "";
    e.fsuuid = "";
    return;
  }
  const { sb } = inode;
  e.fowner = inode.uid;
  e.fgroup = inode.gid;
  e.fsmagic = sb.magic;
  e.fsname = sb.type.name;
  e.fsuuid = sb.uuid;
}

/** The policy's answer. The object is reused by the next call. `cred` defaults to the running task's. */
export function getAction(
  g: Integrity,
  inode: Inode | null,
  mask: number,
  func: number,
  data: string | null = null,
  cred?: Cred,
): PolicyMatch {
  const { k, event: e, state } = g;
  const c = cred ?? (k.current ?? k.tasks.init).cred;
  e.func = func;
  e.mask = mask;
  e.uid = c.uid;
  e.euid = c.euid;
  e.suid = c.suid;
  e.gid = c.gid;
  e.egid = c.egid;
  e.sgid = c.sgid;
  const policy = g.policy();
  if (policy.needsCaps) {
    // CAP_SETUID and CAP_SETGID are looked at without a trace: no audit, no PF_SUPERPRIV.
    const own = (k.current ?? k.tasks.init).cred;
    e.capSetuid = credCapable(own, k.tasks.initUserNs, CAP_SETUID);
    e.capSetgid = credCapable(own, k.tasks.initUserNs, CAP_SETGID);
  }
  e.data = data;
  setInode(g, inode);
  return policy.match(e, state.policyFlag, g.match);
}
