import { describe, expect, it } from "vitest";
import { builder } from "../kernel/createKernel.js";
import type { Kernel } from "../kernel/kernel.js";
import type { KernelOptions } from "../kernel/options.js";
import type { BareSys } from "../sys/bareSys.js";
import type { MemorySys } from "../sys/memorySys.js";
import type { Task } from "../task/task.js";
import { checkMemory } from "./checkMemory.js";
import { mapsText } from "./mapsText.js";
import { mmPart } from "./part.js";
import { smapsText } from "./smapsText.js";

type Sys = BareSys & MemorySys;

export function machine(o: KernelOptions = {}): Kernel<object, Sys> {
  return builder<Sys>([mmPart], { machine: { memory: "32M" }, ...o }).boot() as unknown as Kernel<object, Sys>;
}

const PROT_RW = 3;
const ANON = 0x22;
const SHARED_ANON = 0x21;
const FIXED = 0x10;
const P = 4096;
const AT = 0x200000000;

function fork(k: Kernel<object, Sys>, t: Task): Task {
  return k.tasks.find(k.sys(t).fork()) as Task;
}
const text = (b: Uint8Array): string => new TextDecoder("latin1").decode(b);
const errno = (fn: () => unknown): string => {
  try {
    fn();
  } catch (e) {
    return (e as { code?: string }).code ?? String(e);
  }
  return "none";
};

describe("mmap(2)", () => {
  it("gives the highest free place below the mapping base, as a machine without randomization does", () => {
    const k = machine();
    const s = k.sys(k.init);
    expect(s.mmap(0, P, PROT_RW, ANON)).toBe(0x7ffff7ffe000);
    expect(s.mmap(0, 2 * P, 1, ANON)).toBe(0x7ffff7ffc000);
    expect(s.munmap(0x7ffff7ffe000, P)).toBe(0);
    expect(s.mmap(0, P, 1, ANON)).toBe(0x7ffff7ffe000);
    checkMemory(k.core);
  });
  it("aligns private memory in whole huge pages to them", () => {
    const k = machine();
    const s = k.sys(k.init);
    expect(s.mmap(0, 0x400000, PROT_RW, ANON) % 0x200000).toBe(0);
    expect(s.mmap(0, 0x400000 + P, PROT_RW, ANON) % 0x200000).not.toBe(0);
  });
  it("checks length, offset, descriptor-less type and fixed addresses in Linux's order", () => {
    const k = machine();
    const s = k.sys(k.init);
    expect(errno(() => s.mmap(0, 0, 1, ANON))).toBe("EINVAL");
    expect(errno(() => s.mmap(0, P, 1, 0x20))).toBe("EINVAL");
    expect(errno(() => s.mmap(0, -1, 1, ANON))).toBe("ENOMEM");
    expect(errno(() => s.mmap(0, P, 1, ANON, -1, 100))).toBe("EINVAL");
    expect(errno(() => s.mmap(4097, P, 1, ANON | FIXED))).toBe("EINVAL");
    expect(errno(() => s.mmap(2 ** 47, P, 1, ANON | FIXED))).toBe("ENOMEM");
    expect(s.mmap(AT, 2 * P, PROT_RW, ANON | FIXED)).toBe(AT);
    expect(errno(() => s.mmap(AT + P, P, 1, ANON | 0x100000))).toBe("EEXIST");
    expect(s.mmap(AT, P, 1, ANON)).not.toBe(AT);
    expect(s.mmap(AT + 0x1000000, P, 1, ANON)).toBe(AT + 0x1000000);
    expect(() => s.mmap(0, 1.5, 1, ANON)).toThrow(TypeError);
  });
  it("merges neighbours with the same rights and splits them when they differ", () => {
    const k = machine();
    const s = k.sys(k.init);
    s.mmap(AT, P, PROT_RW, ANON | FIXED);
    s.mmap(AT + P, P, PROT_RW, ANON | FIXED);
    s.mmap(AT + 3 * P, P, 1, ANON | FIXED);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    expect(mapsText(k.core, mm)).toContain("200000000-200002000 rw-p 00000000 00:00 0 \n");
    s.mprotect(AT, P, 1);
    expect(mapsText(k.core, mm)).toContain("200000000-200001000 r--p 00000000 00:00 0 \n200001000-200002000 rw-p");
    s.mprotect(AT, P, PROT_RW);
    expect(mapsText(k.core, mm)).toContain("200000000-200002000 rw-p");
    s.mmap(AT + 2 * P, P, PROT_RW, ANON | FIXED);
    expect(mapsText(k.core, mm)).toContain("200000000-200003000 rw-p");
    checkMemory(k.core);
  });
  it("refuses more than memory and swap together, unless it is not to be reserved", () => {
    const k = machine();
    const s = k.sys(k.init);
    expect(errno(() => s.mmap(0, 2 ** 26, PROT_RW, ANON))).toBe("ENOMEM");
    expect(s.mmap(0, 2 ** 26, PROT_RW, ANON | 0x4000)).toBeGreaterThan(0);
    expect(s.mmap(0, 2 ** 26, 1, ANON)).toBeGreaterThan(0);
    checkMemory(k.core);
  });
});

describe("private and shared memory", () => {
  it("is copied on write after fork, and common if shared", () => {
    const k = machine();
    const a = k.init;
    const s = k.sys(a);
    const p = s.mmap(0, P, PROT_RW, ANON);
    const q = s.mmap(0, P, PROT_RW, SHARED_ANON);
    s.store(p, 65);
    s.store(q, 65);
    const b = fork(k, a);
    checkMemory(k.core);
    const sb = k.sys(b);
    sb.store(p, 66);
    sb.store(q, 66);
    expect(text(s.load(p))).toBe("A");
    expect(text(s.load(q))).toBe("B");
    expect(text(sb.load(p))).toBe("B");
    s.store(p, 67);
    expect(text(sb.load(p))).toBe("B");
    checkMemory(k.core);
    sb.exit(0);
    s.munmap(q, P);
    checkMemory(k.core);
  });
  it("counts in VmRSS only when written: a read maps the zero page", () => {
    const k = machine();
    const s = k.sys(k.init);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    s.mmap(AT, 256 * P, PROT_RW, ANON | FIXED);
    s.touch(AT, 256, false);
    expect(mm.rssPages).toBe(0);
    s.touch(AT, 256, true);
    expect(mm.rssPages).toBe(256);
    expect(smapsText(k.core, mm)).toMatch(
      /^200000000-200100000 rw-p[^\n]*\nSize: +1024 kB\n(?:.*\n){2}Rss: +1024 kB$/m,
    );
    s.madvise(AT, 128 * P, 4);
    expect(mm.rssPages).toBe(128);
    expect(mm.pgtablesBytes).toBe(3 * P);
    s.munmap(AT, 256 * P);
    expect(mm.pgtablesBytes).toBe(0);
    expect(mm.hiwaterRss).toBe(256);
    checkMemory(k.core);
  });
  it("is left out of a fork by MADV_DONTFORK and emptied by MADV_WIPEONFORK", () => {
    const k = machine();
    const s = k.sys(k.init);
    const p = s.mmap(0, 2 * P, PROT_RW, ANON);
    s.store(p, "A", 2 * P);
    s.madvise(p, P, 10);
    s.madvise(p + P, P, 18);
    const b = fork(k, k.init);
    expect(text(k.sys(b).load(p + P, 2))).toBe("\0\0");
    expect(text(s.load(p + P, 2))).toBe("AA");
    expect(errno(() => k.sys(b).mincore(p, P))).toBe("ENOMEM");
    checkMemory(k.core);
  });
  it("is stored to and loaded from in pieces that fit, and named if it is more", () => {
    const k = machine();
    const s = k.sys(k.init);
    for (const call of [
      () => s.store(AT, "/y/y/y", 2 ** 28),
      () => s.store(AT, 7, 2 ** 40),
      () => s.store(AT, new Uint8Array(3), Number.MAX_SAFE_INTEGER),
      () => s.load(AT, 2 ** 31),
    ])
      expect(call).toThrow(/^count: must be at most/);
  });
  it("kills with SIGSEGV whoever stores to read-only memory", () => {
    const k = machine();
    const b = fork(k, k.init);
    const s = k.sys(b);
    const p = s.mmap(0, P, 1, ANON);
    expect(() => s.store(p, 1)).not.toThrow("TypeError");
    expect(k.sys(k.init).wait4(-1).status & 0x7f).toBe(11);
    checkMemory(k.core);
  });
});

describe("mlock(2)", () => {
  it("counts locked pages once, and puts them on the unevictable list", () => {
    const k = machine();
    const s = k.sys(k.init);
    const p = s.mmap(0, 4 * P, PROT_RW, ANON);
    s.mlock(p + 1, 2 * P);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    expect(mm.lockedVm).toBe(3);
    s.mlock(p, P);
    expect(mm.lockedVm).toBe(3);
    expect(mm.rssPages).toBe(3);
    expect(k.mm.read(k.mm.stat("nr_unevictable"))).toBe(3);
    checkMemory(k.core);
    expect(errno(() => s.madvise(p, P, 4))).toBe("EINVAL");
    s.munlock(p, 4 * P);
    expect(k.mm.read(k.mm.stat("nr_unevictable"))).toBe(0);
    checkMemory(k.core);
    expect(errno(() => s.mlockall(0))).toBe("EINVAL");
    expect(errno(() => s.mlockall(4))).toBe("EINVAL");
    s.mlockall(3);
    expect(mm.lockedVm).toBe(mm.totalVm);
    const q = s.mmap(0, P, PROT_RW, ANON);
    expect(s.mincore(q, P)[0]).toBe(1);
    checkMemory(k.core);
    s.munlockall();
    expect(mm.lockedVm).toBe(0);
    checkMemory(k.core);
  });
});

describe("mremap(2)", () => {
  it("grows in place, moves with the contents, and shrinks", () => {
    const k = machine();
    const s = k.sys(k.init);
    s.mmap(AT, 2 * P, PROT_RW, ANON | FIXED);
    s.store(AT + P, "xy");
    expect(s.mremap(AT, 2 * P, 3 * P, 0)).toBe(AT);
    s.mmap(AT + 3 * P, P, 1, ANON | FIXED);
    expect(errno(() => s.mremap(AT, 3 * P, 4 * P, 0))).toBe("ENOMEM");
    const to = s.mremap(AT, 3 * P, 4 * P, 1);
    expect(to).not.toBe(AT);
    expect(text(s.load(to + P, 2))).toBe("xy");
    checkMemory(k.core);
    expect(s.mremap(to, 4 * P, P, 0)).toBe(to);
    expect(s.mremap(to, P, P, 3, AT)).toBe(AT);
    checkMemory(k.core);
    expect(errno(() => s.mremap(AT, P, 0, 1))).toBe("EINVAL");
    expect(errno(() => s.mremap(AT + 0x100000, P, 2 * P, 1))).toBe("EFAULT");
    expect(errno(() => s.mremap(AT, P, P, 2, AT + P))).toBe("EINVAL");
  });
});

describe("brk(2)", () => {
  it("moves the end of the heap, which maps as [heap]", () => {
    const k = machine();
    const s = k.sys(k.init);
    const end = s.brk(0);
    expect(s.brk(end + 3 * P)).toBe(end + 3 * P);
    s.store(end + 5, "heap");
    expect(mapsText(k.core, k.init.mm as NonNullable<Task["mm"]>)).toContain("[heap]");
    expect(s.brk(end + 100)).toBe(end + 100);
    expect(s.brk(end - 1)).toBe(end + 100);
    checkMemory(k.core);
  });
});

describe("stacks", () => {
  it("grow down to RLIMIT_STACK when touched below", () => {
    const k = machine();
    const s = k.sys(k.init);
    const top = 0x7ffffffff000;
    s.touch(top - 200 * P, 1, true);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    expect(mm.stackVm).toBe(200);
    expect(mapsText(k.core, mm)).toContain("[stack]");
    checkMemory(k.core);
    const b = fork(k, k.init);
    expect(() => k.sys(b).touch(top - 2049 * P, 1, true)).not.toThrow("TypeError");
    expect(s.wait4(-1).status & 0x7f).toBe(11);
  });
});

describe("transparent huge pages", () => {
  const M2 = 0x200000;
  it("serve a first write with 2 MiB, and split when a part is unmapped", () => {
    const k = machine({ cmdline: "transparent_hugepage=always" });
    const s = k.sys(k.init);
    s.mmap(AT, 2 * M2, PROT_RW, ANON | FIXED);
    s.touch(AT, 1, true);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    expect(mm.rssPages).toBe(512);
    expect(k.mm.read(k.mm.stat("thp_fault_alloc"))).toBe(1);
    checkMemory(k.core);
    s.store(AT + 5 * P, "five");
    const b = fork(k, k.init);
    checkMemory(k.core);
    k.sys(b).store(AT + 5 * P, "FIVE");
    expect(text(s.load(AT + 5 * P, 4))).toBe("five");
    expect(text(k.sys(b).load(AT + 5 * P, 4))).toBe("FIVE");
    checkMemory(k.core);
    s.munmap(AT, P);
    expect(mm.rssPages).toBe(511);
    checkMemory(k.core);
  });
  it("are split where an area is: advice or a lock on a part of one", () => {
    const k = machine({ cmdline: "transparent_hugepage=always" });
    const s = k.sys(k.init);
    s.mmap(AT, 2 * M2, PROT_RW, ANON | FIXED);
    s.touch(AT, 1, true);
    s.touch(AT + M2, 1, true);
    s.madvise(AT + 100 * P, P, 10);
    checkMemory(k.core);
    const b = fork(k, k.init);
    checkMemory(k.core);
    expect((b.mm as NonNullable<Task["mm"]>).rssPages).toBe(1023);
    s.mlock(AT + M2 + 5 * P, P);
    checkMemory(k.core);
    expect(k.mm.read(k.mm.stat("nr_mlock"))).toBe(1);
  });
  it("map one huge zero page for reads, which is not charged and lives until the shrinker", () => {
    const k = machine({ cmdline: "transparent_hugepage=always" });
    const s = k.sys(k.init);
    const mm = k.init.mm as NonNullable<Task["mm"]>;
    s.mmap(AT, 4 * M2, PROT_RW, ANON | FIXED);
    const free = k.mm.read(0);
    s.touch(AT, 2048, false);
    expect(mm.rssPages).toBe(0);
    expect(k.mm.read(k.mm.stat("thp_zero_page_alloc"))).toBe(1);
    expect(free - k.mm.read(0)).toBeLessThan(512 + 10);
    checkMemory(k.core);
    s.touch(AT, 1, true);
    expect(mm.rssPages).toBe(512);
    checkMemory(k.core);
    k.mm.thp.hugeZero = "split";
    s.touch(AT + M2, 1, true);
    expect(mm.rssPages).toBe(513);
    checkMemory(k.core);
    checkMemory(k.core);
  });
  it("free the huge zero page when nobody holds it and the shrinker runs", () => {
    const k = machine({ cmdline: "transparent_hugepage=always" });
    const b = fork(k, k.init);
    const s = k.sys(b);
    s.mmap(AT, M2, PROT_RW, ANON | FIXED);
    s.touch(AT, 1, false);
    k.mm.dropCaches(2);
    expect(k.mm.hugeZero.pfn).not.toBe(0);
    s.exit(0);
    expect(k.mm.hugeZero.pfn).not.toBe(0);
    k.mm.dropCaches(2);
    expect(k.mm.hugeZero.pfn).toBe(0);
    checkMemory(k.core);
  });
});

describe("a call that fails", () => {
  it("leaves the state of memory as it was", () => {
    const k = machine({ machine: { memory: "2M" } });
    const s = k.sys(k.init);
    s.mmap(AT, 4 * P, PROT_RW, ANON | FIXED);
    s.store(AT, "x");
    const state = (): string => JSON.stringify(k.core.state.save(["mm"]));
    const big = 2 ** 40;
    const calls: (() => unknown)[] = [
      () => s.mmap(0, 0, 3, ANON),
      () => s.mmap(0, big, 3, ANON),
      () => s.mmap(0, big, 3, SHARED_ANON),
      () => s.mmap(AT, big, 3, ANON | FIXED),
      () => s.mmap(AT, P, 3, ANON | 0x100000),
      () => s.mmap(0, P, 3, 0x20),
      () => s.munmap(AT + 1, P),
      () => s.mprotect(AT, P, 64),
      () => s.mprotect(AT + 8 * P, P, 1),
      () => s.madvise(AT, P, 9999),
      () => s.madvise(AT + 8 * P, P, 4),
      () => s.mlock(AT + 8 * P, P),
      () => s.mlockall(0),
      () => s.mincore(AT, 8 * P),
      () => s.mremap(AT, P, 0, 0),
      () => s.mremap(AT, P, 2 ** 46, 1),
      () => s.mremap(AT, P, P, 3, AT),
      () => s.msync(AT, P, 5),
    ];
    for (const call of calls) {
      const before = state();
      expect(errno(call), String(call)).toMatch(/^E[A-Z]+$/);
      expect(state(), String(call)).toBe(before);
    }
    checkMemory(k.core);
  });
});
