/**
 * The image of a program: where its text, heap and stack areas are. execve(2), proc_pid_maps(5).
 *
 * Programs here have no machine code, so the image is the least that Linux would show for a static one: the executable mapped
 * readable and executable at 4 MiB, the heap's start after it, the stack below the end of user addresses. Nothing is touched.
 */
import { RLIMIT_STACK } from "../abi/resource.js";
import { rlimit } from "../task/rlimits.js";
import type { Task } from "../task/task.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { STACK_GUARD_GAP } from "./unmappedArea.js";
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from "./vma.js";
import { insertVma, newVma, vmStatAccount } from "./vmaMerge.js";

const TEXT_START = 0x400000;
const STACK_BYTES = 132 * 1024;
const MIN_GAP = 128 * 1024 * 1024;

function pageUp(n: number): number {
  return Math.ceil(n / 4096) * 4096;
}

/** Lay out the image of `mm.exeFile` (none: a process that never did execve) for task `t`, whose stack limit counts. */
export function setupExec(m: MmSystem, mm: Mm, t: Task): void {
  const gap = Math.min(Math.max(rlimit(t, RLIMIT_STACK) + STACK_GUARD_GAP, MIN_GAP), Math.floor((TASK_SIZE / 6) * 5));
  mm.mmapBase = pageUp(TASK_SIZE - gap);
  mm.freeCache = mm.mmapBase;
  mm.cachedHole = 0;
  mm.startCode = TEXT_START;
  mm.endCode = TEXT_START;
  const file = mm.exeFile;
  if (file !== null && file.inode.mapping !== null) {
    const bytes = Math.max(pageUp(file.inode.size), 4096);
    const v = newVma(
      m,
      mm,
      TEXT_START,
      TEXT_START + bytes,
      VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
      0,
    );
    v.file = m.k.vfs.getFile(file);
    v.mapping = file.inode.mapping;
    insertVma(v);
    vmStatAccount(mm, v.flags, v.pages);
    mm.endCode = TEXT_START + file.inode.size;
  }
  const heap = pageUp(mm.endCode) + 4096;
  mm.startData = heap;
  mm.endData = heap;
  mm.startBrk = heap;
  mm.brk = heap;
  const flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_ACCOUNT;
  const stack = newVma(m, mm, TASK_SIZE - STACK_BYTES, TASK_SIZE, flags, (TASK_SIZE - STACK_BYTES) / 4096);
  insertVma(stack);
  vmStatAccount(mm, flags, stack.pages);
  m.committed += stack.pages;
  mm.startStack = TASK_SIZE - 4096;
  mm.hiwaterVm = mm.totalVm;
}
