/**
 * /proc/PID files about memory: maps, smaps, statm, mem, pagemap, clear_refs, environ, auxv, cmdline. Looking needs ptrace access, asked
 * when the file is opened. proc_pid_maps(5), proc_pid_mem(5), proc_pid_pagemap(5).
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EACCES, EINVAL, EIO, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { kstrtoint } from "../lib/numberParsers.js";
import { utf8Bytes } from "../lib/text.js";
import { mapsText, statmText } from "../mm/mapsText.js";
import type { Mm } from "../mm/mm.js";
import { smapsRollupText, smapsText } from "../mm/smapsText.js";
import { accessRemoteVm } from "../mm/userAccess.js";
import { clearRefs, pagemapRead } from "../mm/userPage.js";
import { WAIT } from "../sys/types.js";
import { fileNsCapable } from "../task/capable.js";
import { PTRACE_MODE_ATTACH_FSCREDS, PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from "../task/ptraceAccess.js";
import type { Task } from "../task/task.js";
import { FileOps, type FileOpsInit, type OpenFile } from "../vfs/file.js";
import { genericLlseek, noEndLlseek } from "../vfs/llseek.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { give } from "../vfs/pseudo/seqFile.js";
import { procTask } from "./pidEntry.js";

/** What a file of a process's memory keeps: the memory it was opened on. */
interface MemFile {
  mm: Mm;
}

/** mm_access(): EACCES without ptrace access. */
export function mmAccess(c: Ctx, t: Task, mode: number): void {
  if (t.mm !== null && t.mm !== c.task.mm && !ptraceMayAccess(c.k, c.task, t, mode)) fail(EACCES);
}

function memOps(
  mode: number,
  llseek: NonNullable<FileOpsInit["llseek"]>,
  read: (c: Ctx, file: OpenFile, mm: Mm, count: number, pos: number) => Uint8Array | typeof WAIT,
): FileOps {
  return new FileOps({
    open(c, inode, file) {
      const t = procTask(inode);
      mmAccess(c, t, mode);
      file.data = { mm: t.mm ?? fail(ESRCH) } satisfies MemFile;
      return undefined;
    },
    read(c, file, count, pos, buf) {
      const { mm } = file.data as MemFile;
      // an address space nobody uses any more has nothing in it
      if (mm.refs === 0) return new Uint8Array(0);
      const r = read(c, file, mm, count, pos);
      return r === WAIT ? r : give(buf, r as Uint8Array);
    },
    llseek,
  });
}

const slice = (bytes: Uint8Array, pos: number, count: number): Uint8Array => bytes.slice(pos, pos + count);

/** Strings with a NUL behind each. */
export function nulText(strings: readonly string[]): Uint8Array {
  return utf8Bytes(strings.length === 0 ? "" : `${strings.join("\0")}\0`);
}

const environOps: FileOps = /* @__PURE__ */ memOps(PTRACE_MODE_READ_FSCREDS, genericLlseek, (_c, _f, mm, count, pos) =>
  slice(nulText(mm.envp), pos, count),
);

/** AT_ pairs of 64-bit words. */
function auxv(t: Task, mm: Mm): Uint8Array {
  const { cred } = t;
  const pairs = [
    16,
    0x178bfbff,
    6,
    4096,
    17,
    100,
    9,
    mm.startCode,
    11,
    cred.uid,
    12,
    cred.euid,
    13,
    cred.gid,
    14,
    cred.egid,
    23,
    0,
    0,
    0,
  ];
  const out = new DataView(new ArrayBuffer(pairs.length * 8));
  pairs.forEach((v, i) => {
    out.setUint32(i * 8, v >>> 0, true);
    out.setUint32(i * 8 + 4, Math.floor(v / 2 ** 32), true);
  });
  return new Uint8Array(out.buffer);
}

const auxvOps: FileOps = /* @__PURE__ */ memOps(PTRACE_MODE_READ_FSCREDS, genericLlseek, (_c, file, mm, count, pos) =>
  slice(auxv(procTask(file.inode), mm), pos, count),
);

const pagemapOps: FileOps = /* @__PURE__ */ memOps(PTRACE_MODE_READ_FSCREDS, noEndLlseek, (c, file, mm, count, pos) => {
  if (pos % 8 !== 0 || count % 8 !== 0) return fail(EINVAL);
  return pagemapRead(
    c.k.mm,
    mm,
    pos,
    Math.min(count, 0x100000),
    fileNsCapable(file, c.k.tasks.initUserNs, CAP_SYS_ADMIN),
  );
});

const memFileOps: FileOps = /* @__PURE__ */ memOps(PTRACE_MODE_ATTACH_FSCREDS, noEndLlseek, (c, _f, mm, count, pos) => {
  const r = accessRemoteVm(c.k.mm, c, mm, pos, Math.min(count, 0x100000));
  return r !== WAIT && (r as Uint8Array).length === 0 && count > 0 ? fail(EIO) : r;
});

/** A text about memory whose reader was checked at open. */
function memText(show: (k: Core, mm: Mm, t: Task) => string): PseudoFile<Task> {
  return {
    open: (c, t) => mmAccess(c, t, PTRACE_MODE_READ_FSCREDS),
    show: (c, t) => (t.mm === null ? "" : show(c.k, t.mm, c.task)),
  };
}

/** clear_refs: 1 all, 2 anonymous, 3 file pages; 4 soft-dirty; 5 highest resident size. */
const clearRefsFile: PseudoFile<Task> = {
  mode: 0o200,
  store(c, t, text) {
    const n = kstrtoint(text.trim(), 10);
    if (typeof n !== "number" || n < 1 || n > 5) return fail(EINVAL);
    if (t.mm !== null) clearRefs(c.k.mm, t.mm, n);
    return undefined;
  },
};

export function installPidMem(k: Core): void {
  const { proc } = k;
  proc.pidFile("environ", { mode: 0o400, ops: environOps });
  proc.pidFile("auxv", { mode: 0o400, ops: auxvOps });
  proc.pidFile("cmdline", {
    mode: 0o444,
    plain: true,
    show: (_c, t) => (t.mm === null ? "" : nulText(t.mm.argv)),
  });
  proc.pidFile("statm", { show: (_c, t) => statmText(t.mm) });
  proc.pidFile(
    "maps",
    memText((k, mm, t) => mapsText(k, mm, t)),
  );
  proc.pidFile("mem", { mode: 0o600, ops: memFileOps });
  proc.pidFile("clear_refs", clearRefsFile);
  proc.pidFile(
    "smaps",
    memText((k, mm, t) => smapsText(k, mm, t)),
  );
  proc.pidFile("smaps_rollup", {
    open: (c, t) => (t.mm === null ? fail(ESRCH) : mmAccess(c, t, PTRACE_MODE_READ_FSCREDS)),
    show: (c, t) => (t.mm === null ? fail(ESRCH) : smapsRollupText(c.k, t.mm)),
  });
  proc.pidFile("pagemap", { mode: 0o400, ops: pagemapOps });
}
