/** The areas of a process as text: /proc/PID/maps, statm, and the memory lines of status. proc_pid_maps(5), proc_pid_status(5). */
import type { Core } from "../kernel/core.js";
import { padLeft } from "../lib/text.js";
import type { Task } from "../task/task.js";
import { major, minor } from "../vfs/dev.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type Mm } from "./mm.js";
import type { ShmemObject } from "./shmemZero.js";
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE, type Vma } from "./vma.js";

/** Name of an area: its file's path as `t` sees it, [heap], [stack] ..., "" none. */
export function vmaName(k: Core, v: Vma, t: Task | null): string {
  if (v.file !== null) return k.vfs.filePath(v.file, t).replaceAll("\n", "\\012");
  if (v.mapping !== null) return "/dev/zero (deleted)";
  if (v.name !== "") return v.name;
  const { mm } = v;
  if (v.start < mm.brk && v.end > mm.startBrk) return "[heap]";
  if (v.start <= mm.startStack && v.end >= mm.startStack) return "[stack]";
  return "";
}

/** Start-end, rights, offset, device and inode of an area, and where its name goes, without it. */
export function mapsHeader(v: Vma): string {
  const { flags } = v;
  let dev = 0;
  let ino = 0;
  let offset = 0;
  if (v.file !== null) {
    const { inode } = v.file;
    dev = inode.sb.dev;
    ino = inode.ino;
    offset = v.pgoff * 4096;
  } else if (v.mapping !== null) {
    dev = 1;
    ino = (v.mapping.host as ShmemObject).ino;
    offset = v.pgoff * 4096;
  }
  const rights =
    ((flags & VM_READ) !== 0 ? "r" : "-") +
    ((flags & VM_WRITE) !== 0 ? "w" : "-") +
    ((flags & VM_EXEC) !== 0 ? "x" : "-") +
    ((flags & VM_MAYSHARE) !== 0 ? "s" : "p");
  return `${hex8(v.start)}-${hex8(v.end)} ${rights} ${hex8(offset)} ${hex2(major(dev))}:${hex2(minor(dev))} ${ino} `;
}

function hex8(n: number): string {
  return n.toString(16).padStart(8, "0");
}
function hex2(n: number): string {
  return n.toString(16).padStart(2, "0");
}

/** One line, with its newline. */
export function mapsLine(k: Core, v: Vma, t: Task | null): string {
  const head = mapsHeader(v);
  const name = vmaName(k, v, t);
  return name === "" ? `${head}\n` : `${head.padEnd(73)}${name}\n`;
}

/** /proc/PID/maps, with paths as `t` sees them (null: from the top). */
export function mapsText(k: Core, mm: Mm, t: Task | null = null): string {
  let s = "";
  for (const v of mm.vmas) s += mapsLine(k, v, t);
  return s;
}

function textPages(mm: Mm): number {
  return Math.ceil(mm.endCode / 4096) - Math.floor(mm.startCode / 4096);
}

/** /proc/PID/statm. A process without memory (null): seven zeros. */
export function statmText(mm: Mm | null): string {
  if (mm === null) return "0 0 0 0 0 0 0\n";
  const shared = mm.rss[MM_FILEPAGES] + mm.rss[MM_SHMEMPAGES];
  return `${mm.totalVm} ${mm.rssPages} ${shared} ${textPages(mm)} 0 ${mm.dataVm + mm.stackVm} 0\n`;
}

/** The lines VmPeak .. VmSwap, HugetlbPages of /proc/PID/status. */
export function statusVmText(mm: Mm): string {
  const { rss } = mm;
  const text = Math.min(textPages(mm), mm.execVm);
  const kb = (name: string, pages: number): string => `${name}:\t${padLeft(pages * 4, 8)} kB\n`;
  return (
    kb("VmPeak", Math.max(mm.hiwaterVm, mm.totalVm)) +
    kb("VmSize", mm.totalVm) +
    kb("VmLck", mm.lockedVm) +
    kb("VmPin", mm.pinnedVm) +
    kb("VmHWM", Math.max(mm.hiwaterRss, mm.rssPages)) +
    kb("VmRSS", mm.rssPages) +
    kb("RssAnon", rss[MM_ANONPAGES]) +
    kb("RssFile", rss[MM_FILEPAGES]) +
    kb("RssShmem", rss[MM_SHMEMPAGES]) +
    kb("VmData", mm.dataVm) +
    kb("VmStk", mm.stackVm) +
    kb("VmExe", text) +
    kb("VmLib", mm.execVm - text) +
    kb("VmPTE", mm.pgtablesBytes / 4096) +
    kb("VmSwap", rss[MM_SWAPENTS]) +
    kb("HugetlbPages", 0)
  );
}
