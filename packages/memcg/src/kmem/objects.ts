/**
 * Kernel objects that are charged: those of tasks at fork, of pipes, of child groups. Sizes are those of x86-64.
 */
import {
  CLONE_THREAD,
  CLONE_VM,
  type Core,
  type Css,
  ENOMEM,
  HOOK_WAIT,
  type Mm,
  type Task,
  WAIT,
} from "@kernelkit/core";
import { makeRoom } from "../charge.js";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem, TaskMemory } from "../memcgSystem.js";
import { leaveOom } from "../oom.js";
import { S_KERNEL_STACK, S_PERCPU, S_SLAB } from "../stats.js";

/** Bytes of objects. Defaults: 6.18 on x86-64. */
export interface KmemSizes {
  /** Kernel stack of a thread; in whole pages. */
  readonly stack: number;
  readonly taskStruct: number;
  readonly pid: number;
  readonly cred: number;
  readonly signal: number;
  readonly sighand: number;
  readonly mm: number;
  readonly files: number;
  /** Areas of a small program: vm_area_struct, anon_vma and maple nodes. */
  readonly areas: number;
  /** pipe_inode_info, its array of buffers, inode, dentry, two files. */
  readonly pipe: number;
  /** Per-CPU memory of a child group on each CPU, and its objects. */
  readonly cgroupPercpu: number;
  readonly cgroup: number;
}

export const KMEM_SIZES: KmemSizes = {
  stack: 16384,
  taskStruct: 5900,
  pid: 192,
  cred: 192,
  signal: 1152,
  sighand: 2112,
  mm: 1600,
  files: 704,
  areas: 3676,
  pipe: 2570,
  cgroupPercpu: 1800,
  cgroup: 4096,
};

/** Upper levels of page tables, and a spare. */
const SPARE_TABLES = 2;

/** Bytes that a zombie still has. */
const zombieBytes = (z: KmemSizes): number => z.taskStruct + z.pid + z.cred + z.signal + z.sighand;
const threadBytes = (z: KmemSizes): number => z.taskStruct + z.pid;
const processBytes = (z: KmemSizes): number => zombieBytes(z) + z.mm + z.files + z.areas;

/** Linux's dup_task_struct() and what follows it, at hook "fork"; the stack goes at death, the rest with the zombie. */
export function installTaskObjects(s: MemcgSystem, sizes: KmemSizes): void {
  const { k, kmem } = s;
  const stackPages = Math.ceil(sizes.stack / 4096);
  const slotOf = (t: Task): TaskMemory => t.slots[s.slot] as TaskMemory;
  const giveStack = (m: MemCgroup): void => {
    kmem.uncharge(m, stackPages);
    m.stat(S_KERNEL_STACK, -stackPages);
  };
  k.hooks.forkRoom.tap(105, "memcg", (c, flags) => {
    const mm = c.task.mm as Mm | null;
    if (!kmem.accounted(s.ofTask(c.task))) return undefined;
    const tables = (flags & CLONE_VM) !== 0 || mm === null ? 0 : mm.pgtablesBytes / 4096 + SPARE_TABLES;
    const objects = Math.ceil(((flags & CLONE_THREAD) !== 0 ? threadBytes(sizes) : processBytes(sizes)) / 4096);
    return makeRoom(s, stackPages + objects + tables, c, c.task) === HOOK_WAIT ? WAIT : undefined;
  });
  k.hooks.fork.tap(
    105,
    "memcg",
    (ev) => {
      if (ev.stage !== "task") return 0;
      const m = s.ofTask(ev.parent);
      if (!kmem.accounted(m)) return 0;
      if (kmem.charge(m, stackPages, null, ev.parent) !== 0) return ENOMEM;
      const bytes = (ev.flags & CLONE_THREAD) !== 0 ? threadBytes(sizes) : processBytes(sizes);
      if (kmem.chargeBytes(m, bytes, S_SLAB, null, ev.parent) !== 0) {
        kmem.uncharge(m, stackPages);
        return ENOMEM;
      }
      m.stat(S_KERNEL_STACK, stackPages);
      pending.payer = m;
      pending.bytes = bytes;
      return 0;
    },
    (ev) => {
      if (ev.stage !== "task" || pending.payer === null) return;
      kmem.unchargeBytes(pending.payer, pending.bytes, S_SLAB);
      giveStack(pending.payer);
      pending.payer = null;
    },
  );
  /** The fork that is going on; nothing sleeps between its stages. */
  const pending: { payer: MemCgroup | null; bytes: number } = { payer: null, bytes: 0 };
  k.hooks.forked.tap(105, "memcg", (parent, child) => {
    const own = slotOf(child);
    own.memcg = null;
    const m = pending.payer;
    pending.payer = null;
    if (m === null || s.ofTask(parent) !== m) return;
    own.payer = m;
    own.objBytes = pending.bytes;
    own.stackPages = stackPages;
    k.cgroup.cssGet(m.css);
  });
  k.hooks.exit.tap(105, "memcg", (t) => {
    const own = slotOf(t);
    leaveOom(s, t);
    if (own.payer === null) return;
    if (own.stackPages > 0) giveStack(own.payer);
    own.stackPages = 0;
    const left = Math.min(own.objBytes, t.signal.leader === t ? zombieBytes(sizes) : threadBytes(sizes));
    kmem.unchargeBytes(own.payer, own.objBytes - left, S_SLAB);
    own.objBytes = left;
  });
  k.hooks.reaped.tap(105, "memcg", (t) => {
    const own = t.slots[s.slot] as TaskMemory | undefined;
    if (own === undefined || own.payer === null) return;
    const m = own.payer;
    own.payer = null;
    kmem.unchargeBytes(m, own.objBytes, S_SLAB);
    own.objBytes = 0;
    k.cgroup.cssPut(m.css);
  });
}

/** Pipes: charged to who makes them. */
export function installPipes(k: Core, s: MemcgSystem, sizes: KmemSizes): void {
  k.hooks.pipeAlloc.tap(105, "memcg", (p, t) => {
    const m = s.ofTask(t);
    if (!s.kmem.accounted(m)) return 0;
    if (s.kmem.chargeBytes(m, sizes.pipe, S_SLAB, null, t) !== 0) return ENOMEM;
    s.kmem.pipes.set(p, m);
    k.cgroup.cssGet(m.css);
    return 0;
  });
  k.hooks.pipeFree.tap(105, "memcg", (p) => {
    const m = s.kmem.pipes.get(p);
    if (m === undefined) return;
    s.kmem.pipes.delete(p);
    s.kmem.unchargeBytes(m, sizes.pipe, S_SLAB);
    k.cgroup.cssPut(m.css);
  });
}

/** A child group costs its parent per-CPU memory and objects. `sign` -1: it is gone. */
export function chargeChildGroup(s: MemcgSystem, parent: MemCgroup, sizes: KmemSizes, sign: 1 | -1, css: Css): void {
  if (!s.kmem.accounted(parent)) return;
  const percpu = sizes.cgroupPercpu * s.k.cpus.nr;
  const charged = css.data as MemCgroup;
  if (sign > 0) {
    // where there is no room the group is made all the same, at nobody's cost
    if (s.kmem.chargeBytes(parent, percpu, S_PERCPU, null, s.k.current) !== 0) return;
    if (s.kmem.chargeBytes(parent, sizes.cgroup, S_SLAB, null, s.k.current) !== 0) {
      s.kmem.unchargeBytes(parent, percpu, S_PERCPU);
      return;
    }
    charged.paidFor = true;
    return;
  }
  if (!charged.paidFor) return;
  s.kmem.unchargeBytes(parent, percpu, S_PERCPU);
  s.kmem.unchargeBytes(parent, sizes.cgroup, S_SLAB);
}
