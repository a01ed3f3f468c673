/** userPart: making and joining user namespaces. user_namespaces(7). */
import {
  CAP_SETFCAP,
  CAP_SYS_ADMIN,
  credsInUserNs,
  type Dentry,
  EINVAL,
  ENOSPC,
  EPERM,
  EUSERS,
  type FsStruct,
  fail,
  fromKgid,
  fromKuid,
  INVALID_ID,
  type Mount,
  nsCapable,
  putNs,
  RLIMIT_MSGQUEUE,
  rlimit,
  UserNamespace,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { decUcount, UserNsCounts } from "../ucounts.js";
import { EMPTY_MAP } from "./idMap.js";
import { installUserFiles } from "./userFiles.js";

/** Namespaces of a deeper level have no children. */
const MAX_LEVEL = 32;

/** Is the root directory another than the namespace's? */
function chrooted(fs: FsStruct): boolean {
  let mnt: Mount | undefined = fs.rootMnt.ns?.root;
  if (mnt === undefined) return true;
  let dentry: Dentry = mnt.root;
  for (let on = mnt.children.get(dentry); on !== undefined; on = mnt.children.get(dentry)) {
    mnt = on;
    dentry = on.root;
  }
  return fs.rootMnt !== mnt || fs.rootDentry !== dentry;
}

export const userPart: NsPart = {
  name: "user",
  install(f) {
    const { k, o } = f;
    const type = k.tasks.userType;
    if (!o.features.USER_NS) {
      type.procNames = [];
      for (const name of ["uid_map", "gid_map", "projid_map", "setgroups"]) k.proc?.dropPidEntry(name);
      return {};
    }
    if (!o.features.SETGROUPS) k.proc?.dropPidEntry("setgroups");
    type.copy = (oldNs, of) => {
      const old = oldNs as UserNamespace;
      const { cred } = of.by;
      if (old.level > MAX_LEVEL) return fail(o.features.UCOUNTS ? ENOSPC : EUSERS);
      const uc = f.charge(old, cred.euid, "user");
      const refuse = (errno: number): never => {
        decUcount(uc, "user");
        return fail(errno);
      };
      if (of.fs !== null && chrooted(of.fs)) return refuse(EPERM);
      if (fromKuid(old, cred.euid) === INVALID_ID || fromKgid(old, cred.egid) === INVALID_ID) return refuse(EPERM);
      const ns = new UserNamespace(type, f.allocInum(), old.level + 1, old, cred.euid, cred.egid);
      ns.uidMap = EMPTY_MAP;
      ns.gidMap = EMPTY_MAP;
      ns.projidMap = EMPTY_MAP;
      ns.setgroupsAllowed = old.setgroupsAllowed;
      ns.data.parentCouldSetfcap = cred.effective.has(CAP_SETFCAP);
      ns.data.ucounts = new UserNsCounts(0x7fffffff, uc, rlimit(of.by, RLIMIT_MSGQUEUE));
      old.refs++;
      f.born(ns, uc);
      return ns;
    };
    type.put = (ns) => {
      f.gone(ns, "user");
      putNs((ns as UserNamespace).parent as UserNamespace);
    };
    type.install = (set, nsArg) => {
      const ns = nsArg as UserNamespace;
      const t = set.task;
      if (ns === t.cred.userNs || t.signal.live > 1) fail(EINVAL);
      if (t.fs !== null && t.fs.refs > 1) fail(EINVAL);
      if (!nsCapable(k, t, ns, CAP_SYS_ADMIN)) fail(EPERM);
      set.cred = credsInUserNs(t.cred, ns);
    };
    installUserFiles(f);
    return {};
  },
};
