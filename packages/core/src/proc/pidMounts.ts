/** /proc/PID/mounts, mountinfo and mountstats: the mounts a task can see, from its root. proc_pid_mountinfo(5), fstab(5). */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_RDONLY, MS_SYNCHRONOUS } from "../abi/mount.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { escapeOctal } from "../lib/text.js";
import type { Task } from "../task/task.js";
import type { Dentry } from "../vfs/dentry.js";
import { major, minor } from "../vfs/dev.js";
import { prependPath, REACHED_ROOT } from "../vfs/dpath.js";
import type { FsStruct } from "../vfs/fsStruct.js";
import {
  MNT_NOATIME,
  MNT_NODEV,
  MNT_NODIRATIME,
  MNT_NOEXEC,
  MNT_NOSUID,
  MNT_NOSYMFOLLOW,
  MNT_READONLY,
  MNT_RELATIME,
  type MntNamespace,
  type Mount,
} from "../vfs/mount.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";

const MNT_OPTS: readonly [number, string][] = [
  [MNT_NOSUID, ",nosuid"],
  [MNT_NODEV, ",nodev"],
  [MNT_NOEXEC, ",noexec"],
  [MNT_NOATIME, ",noatime"],
  [MNT_NODIRATIME, ",nodiratime"],
  [MNT_RELATIME, ",relatime"],
  [MNT_NOSYMFOLLOW, ",nosymfollow"],
];
const SB_OPTS: readonly [number, string][] = [
  [MS_SYNCHRONOUS, ",sync"],
  [MS_DIRSYNC, ",dirsync"],
  [MS_MANDLOCK, ",mand"],
  [MS_LAZYTIME, ",lazytime"],
];

function opts(flags: number, names: readonly [number, string][]): string {
  let s = "";
  for (const [bit, name] of names) if ((flags & bit) !== 0) s += name;
  return s;
}

const mntOpts = (m: Mount): string => opts(m.flags, MNT_OPTS) + (m.idmap === null ? "" : ",idmapped");

/** A mangled path inside the superblock. */
function rootPath(d: Dentry): string {
  let s = "";
  for (let at = d; !at.isRoot; at = at.parent) s = `/${at.name}${s}`;
  return s === "" ? "/" : s;
}

const super_ = (m: Mount): string => opts(m.sb.flags, SB_OPTS);
const more = (m: Mount): string => m.sb.ops.showOptions?.(m.sb) ?? "";
/** Names with blanks and the like in octal; the comment sign too. */
const mangle = (s: string): string => escapeOctal(s, " \t\n\\#");
const typeName = (m: Mount): string => mangle(m.sb.type.name);

function mountsLine(m: Mount, at: string): string {
  const ro = (m.flags & MNT_READONLY) !== 0 || (m.sb.flags & MS_RDONLY) !== 0;
  return `${m.devname === "" ? "none" : mangle(m.devname)} ${at} ${typeName(m)} ${ro ? "ro" : "rw"}${super_(m)}${mntOpts(m)}${more(m)} 0 0\n`;
}

function mountinfoLine(m: Mount, at: string, reader: Task): string {
  const { sb } = m;
  const tags =
    (m.group === 0 ? "" : ` shared:${m.group}`) +
    (m.master === null ? "" : ` master:${m.master.group}`) +
    (m.unbindable ? " unbindable" : "");
  return (
    `${m.id} ${m.parent.id} ${major(sb.dev)}:${minor(sb.dev)} ${escapeOctal(sb.ops.showPath?.(m.root, reader) ?? rootPath(m.root))} ${at} ${(m.flags & MNT_READONLY) !== 0 ? "ro" : "rw"}${mntOpts(m)}${tags} - ` +
    `${typeName(m)} ${m.devname === "" ? "none" : mangle(m.devname)} ${(sb.flags & MS_RDONLY) !== 0 ? "ro" : "rw"}${super_(m)}${more(m)}\n`
  );
}

function mountstatsLine(m: Mount, at: string): string {
  return `device ${m.devname === "" ? "none" : mangle(m.devname)} mounted on ${at} with fstype ${typeName(m)}\n`;
}

function nsOf(c: Ctx, t: Task): MntNamespace {
  const { k } = c;
  return (t.nsproxy.ns[k.vfs.mntNsIndex] ?? fail(EINVAL)) as MntNamespace;
}

function mountsFile(line: (m: Mount, at: string, reader: Task) => string, mode: number): PseudoFile<Task> {
  return {
    mode,
    open: (c, t) => void nsOf(c, t),
    show(c, t) {
      const fs = t.fs as FsStruct | null;
      if (fs === null) return "";
      let s = "";
      for (const m of nsOf(c, t).mounts) {
        const at = prependPath(m, m.root, fs.rootMnt, fs.rootDentry);
        // what the task's root does not reach is not shown
        if (at.how === REACHED_ROOT) s += line(m, escapeOctal(at.text), c.task);
      }
      return s;
    },
    poll(c, t) {
      const ns = nsOf(c, t);
      return { queue: ns.poll, event: ns.event };
    },
  };
}

export function installPidMounts(k: Core): void {
  k.proc.pidFile("mounts", mountsFile(mountsLine, 0o444));
  k.proc.pidFile("mountinfo", mountsFile(mountinfoLine, 0o444));
  k.proc.pidFile("mountstats", mountsFile(mountstatsLine, 0o400), "tgid");
}
