/** userFiles: /proc/PID/{uid_map,gid_map,projid_map,setgroups} and /proc/sys/user. user_namespaces(7), namespaces(7). */
import {
  CAP_SETFCAP,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_ADMIN,
  CAP_SYS_RESOURCE,
  type Ctx,
  EACCES,
  EINVAL,
  EPERM,
  fail,
  fileNsCapable,
  type IdMap,
  intSysctl,
  makeKgid,
  makeKuid,
  mapIdUp,
  nsCapable,
  type OpenFile,
  type PseudoFile,
  type Task,
  type UserNamespace,
} from "@kernelkit/core";
import type { NsFrame } from "../frame.js";
import { countsOf, UCOUNT_TYPES } from "../ucounts.js";
import { type Extent, makeMap, parseMap } from "./idMap.js";

type MapName = "uidMap" | "gidMap" | "projidMap";
const FMODE_WRITE = 2;

function showMap(ns: UserNamespace, name: MapName, file: OpenFile): string {
  const map = ns[name];
  if (map === null) return "         0          0 4294967295\n";
  const seen = file.cred.userNs;
  const lowerNs = seen === ns && seen.parent !== null ? seen.parent : seen;
  const col = (n: number): string => String(n).padStart(10);
  let s = "";
  for (let i = 0; i < map.count; i++)
    s += `${col(map.first[i])} ${col(mapIdUp(lowerNs[name], map.lower[i]))} ${col(map.length[i])}\n`;
  return s;
}

/** Who maps the parent's root lets files get capabilities there. */
function rootMapAllowed(ns: UserNamespace, file: OpenFile, extents: readonly Extent[]): boolean {
  if (!extents.some((e) => e.lower === 0)) return true;
  const opener = file.cred.userNs;
  if (opener === ns) return ns.data.parentCouldSetfcap === true;
  return opener === ns.parent && fileNsCapable(file, opener, CAP_SETFCAP);
}

function mapPermitted(
  f: NsFrame,
  c: Ctx,
  ns: UserNamespace,
  name: MapName,
  file: OpenFile,
  ext: readonly Extent[],
): boolean {
  const parent = ns.parent as UserNamespace;
  const { cred } = file;
  if (name === "uidMap" && f.o.features.SETFCAP_RULE && !rootMapAllowed(ns, file, ext)) return false;
  if (ext.length === 1 && ext[0].count === 1 && ns.owner === cred.euid) {
    if (name === "uidMap" && makeKuid(parent, ext[0].lower) === cred.euid) return true;
    if (
      name === "gidMap" &&
      (!ns.setgroupsAllowed || !f.o.features.SETGROUPS) &&
      makeKgid(parent, ext[0].lower) === cred.egid
    )
      return true;
  }
  if (name === "projidMap") return true;
  const cap = name === "uidMap" ? CAP_SETUID : CAP_SETGID;
  return nsCapable(c.k, c.task, parent, cap) && fileNsCapable(file, parent, cap);
}

function mapFile(f: NsFrame, name: MapName): PseudoFile<Task> {
  return {
    mode: 0o644,
    moves: true,
    show: (_c, t, file) => showMap(t.cred.userNs, name, file),
    store(c, t, text, file, pos) {
      const ns = t.cred.userNs;
      const opener = file.cred.userNs;
      if (ns.parent === null || (opener !== ns && opener !== ns.parent)) return fail(EPERM);
      if (pos !== 0 || text.length >= 4096) return fail(EINVAL);
      if ((ns[name] as IdMap).count > 0) return fail(EPERM);
      if (name !== "projidMap" && !fileNsCapable(file, ns, CAP_SYS_ADMIN)) return fail(EPERM);
      const extents = parseMap(text, f.o.features.IDMAP_340 ? 340 : 5);
      if (!mapPermitted(f, c, ns, name, file, extents)) return fail(EPERM);
      ns[name] = makeMap(extents, ns.parent[name]);
      return undefined;
    },
  };
}

const setgroups: PseudoFile<Task> = {
  mode: 0o644,
  moves: true,
  open(c, t, file) {
    if ((file.mode & FMODE_WRITE) !== 0 && !nsCapable(c.k, c.task, t.cred.userNs, CAP_SYS_ADMIN)) fail(EACCES);
  },
  show: (_c, t) => (t.cred.userNs.setgroupsAllowed ? "allow\n" : "deny\n"),
  store(_c, t, text, _file, pos) {
    const ns = t.cred.userNs;
    const word = /^(allow|deny)\s*(\0|$)/.exec(text);
    if (pos !== 0 || text.length >= 8 || word === null) return fail(EINVAL);
    if (word[1] === "allow") return ns.setgroupsAllowed ? undefined : fail(EPERM);
    if (ns.gidMap === null || ns.gidMap.count > 0) return fail(EPERM);
    ns.setgroupsAllowed = false;
    return undefined;
  },
};

export function installUserFiles(f: NsFrame): void {
  const { proc, sysctl } = f.k;
  if (proc === undefined) return;
  proc.pidFile("uid_map", mapFile(f, "uidMap"));
  proc.pidFile("gid_map", mapFile(f, "gidMap"));
  proc.pidFile("projid_map", mapFile(f, "projidMap"));
  if (f.o.features.SETGROUPS) proc.pidFile("setgroups", setgroups);
  if (!f.o.features.UCOUNTS) return;
  UCOUNT_TYPES.forEach((type, i) => {
    sysctl.register(
      `user/max_${type}_namespaces`,
      intSysctl({
        min: 0,
        max: 0x7fffffff,
        get: (c) => countsOf(c.task.cred.userNs).max[i],
        set: (c, v) => {
          countsOf(c.task.cred.userNs).max[i] = v;
        },
        modeFor(c, mode) {
          const may = nsCapable(c.k, c.task, c.task.cred.userNs, CAP_SYS_RESOURCE);
          return ((may ? mode >> 6 : mode & 4) & 7) * 0o111;
        },
      }),
    );
  });
}
