/**
 * The invariants of every package, on an assembled kernel that has been running: counters are those of what they count, registers those
 * of the list, times those that have passed. Throws an Error that says what is broken.
 */
import { PG_BUDDY, type Task } from "@kernelkit/core";
import { parseInterrupts } from "@kernelkit/genirq";
import { imaReplay } from "@kernelkit/integrity";
import { checkMemory } from "../../../../packages/core/src/mm/checkMemory.js";
import { checkTasks } from "../../../../packages/core/src/testing/checkTasks.js";
import { checkMemcg } from "../../../../packages/memcg/src/checkMemcg.js";
import { checkNamespaces } from "../../../../packages/namespaces/src/testing/checkNamespaces.js";
import type { WbInode } from "../../../../packages/writeback/src/fs/wbInode.js";
import { WritebackChecker } from "../../../../packages/writeback/src/testing/checkWriteback.js";
import type { AssembledKernel } from "../kernel.js";

function must(ok: boolean, what: string): void {
  if (!ok) throw new Error(`does not hold: ${what}`);
}
const same = (what: string, a: unknown, b: unknown): void =>
  must(a === b, `${what}: ${String(a)} and ${String(b)} must be the same`);

/** genirq: totals are the sums of the CPUs' counts, in /proc/interrupts, /proc/stat and sysfs; what is disabled is so for a reason. */
function checkInterrupts(kernel: AssembledKernel): void {
  const sys = kernel.sys(kernel.init);
  const rows = parseInterrupts(sys.readText("/proc/interrupts")).rows;
  const intr = (/^intr (.*)$/m.exec(sys.readText("/proc/stat")) as RegExpExecArray)[1].split(" ").map(Number);
  for (const row of rows) {
    if (!/^\d+$/.test(row.label)) continue;
    const irq = Number(row.label);
    const sum = row.counts.reduce((a, b) => a + b, 0);
    same(`interrupt ${irq} in /proc/stat`, intr[irq + 1], sum);
    same(
      `interrupt ${irq} in sysfs`,
      sys.readText(`/sys/kernel/irq/${irq}/per_cpu_count`).trim(),
      row.counts.join(","),
    );
    must(kernel.genirq.irqs.desc[irq] !== null, `interrupt ${irq} has a descriptor`);
  }
  must(intr[0] >= intr.slice(1).reduce((a, b) => a + b, 0), "all interrupts are at least those of the lines");
}

/** powerclamp: no CPU was idle for longer than there has been time; energy only of what was on; injection is idle time. */
function checkPower(kernel: AssembledKernel): void {
  const { machine, playIdle } = kernel.powerclamp;
  const { now, cpus } = kernel;
  for (let cpu = 0; cpu < cpus.nr; cpu++) {
    let idle = 0;
    for (let s = 0; s < machine.states.length; s++) idle += machine.cpuResidencyNs(cpu, s, now);
    must(idle <= now, `cpu${cpu} was idle ${idle} of ${now} ns`);
    must(machine.residencyNs(machine.cpuPkg[cpu], now) <= idle, `cpu${cpu} was idle while its package was`);
    if (playIdle.active[cpu] === 1) must(now <= playIdle.untilNs[cpu], `cpu${cpu}: an injection ends in time`);
    let all = 0;
    for (let cls = 0; cls < 8; cls++) all += cpus.timeAt(cpu, cls, now);
    same(`cpu${cpu}: the classes of /proc/stat are all of its time`, Math.round(all), now);
  }
}

/** numa: every frame is free or used, on one node; a node's counts agree with each other. */
function checkNodes(kernel: AssembledKernel): void {
  const { mm } = kernel.core;
  const stat = (name: string): number => mm.read(mm.stat(name));
  for (let nid = 0; nid < mm.nodes; nid++) {
    const [hit, miss, , , local, other] = [0, 1, 2, 3, 4, 5].map((i) => mm.readNode(mm.stat("numa_hit") + i, nid));
    same(`node ${nid}: local and other`, local + other, hit + miss);
  }
  same("numa_miss and numa_foreign", stat("numa_miss"), stat("numa_foreign"));
  must(stat("numa_hint_faults_local") <= stat("numa_hint_faults"), "local hinting faults are hinting faults");
  must(stat("numa_hint_faults") <= stat("numa_pte_updates"), "a hinting fault was hinted");
  for (const z of mm.zones) {
    let used = 0;
    for (let pfn = Math.max(z.start, 2); pfn < z.end; pfn++)
      if (mm.frames.refcount[pfn] > 0 && (mm.frames.flags[pfn] & PG_BUDDY) === 0) used++;
    same(`zone ${z.name}: used and free`, used + z.free, z.managed);
  }
}

/** integrity: the registers are what the list replays to, and no template hash is wrong. */
function checkMeasurements(kernel: AssembledKernel): void {
  // reading a file may measure it
  const count = kernel.sys(kernel.init).readText("/sys/kernel/security/ima/runtime_measurements_count");
  const replay = imaReplay(kernel.integrity.binaryMeasurements());
  same("template hashes that are wrong", replay.badTemplateHashes, 0);
  same("entries of the list", Number(count), replay.entries);
  const hex = Buffer.from(replay.read(2, 10) as Uint8Array).toString("hex");
  same("register 10", kernel.integrity.pcrRead("sha1", 10), hex);
}

/** printk: every log's records are numbered without a gap, and later ones are not earlier. */
function checkLog(kernel: AssembledKernel, task: Task): void {
  const sys = kernel.sys(task);
  const fd = sys.open("/dev/kmsg", 0o4000);
  let seq = -1;
  let at = 0;
  for (;;) {
    let record: string;
    try {
      record = new TextDecoder().decode(sys.read(fd, 8192) as Uint8Array);
    } catch {
      break;
    }
    const [, n, us] = /^\d+,(\d+),(\d+),/.exec(record) as RegExpExecArray;
    if (seq >= 0) same("number of a record", Number(n), seq + 1);
    must(Number(us) >= at, `record ${n} is not earlier than the one before`);
    seq = Number(n);
    at = Number(us);
  }
  sys.close(fd);
  must(seq >= 0, "there is a record");
}

/** writeback: dirty pages are counted once each, where they are; every dirty file is on its device's lists. */
function checkFiles(kernel: AssembledKernel, mount: string): void {
  const { vfs } = kernel.core;
  const names = kernel.sys(kernel.init).readdir(mount);
  const sb = [...vfs.superBlocks].find((s) => s.bdi !== null && vfs.dcache.findName(s.root, names[0]) !== null);
  if (sb === undefined) throw new Error(`nothing is mounted at ${mount}`);
  const inodes = names.flatMap((name) => {
    const slots = vfs.dcache.findName(sb.root, name)?.inode?.slots ?? [];
    return slots.filter((x): x is WbInode => x !== null && typeof x === "object" && "diskSize" in x);
  });
  must(inodes.length > 0, `${mount} has files`);
  new WritebackChecker(
    kernel.core,
    () => [...new Set(inodes.map((wi) => wi.wb))],
    () => inodes,
    () => kernel.writeback.globalDirtyLimits(),
  ).check();
}

/** `mount`: where the one disk is that was written to; `tasks`: one reader for each log. */
export function checkAll(kernel: AssembledKernel, mount: string, tasks: readonly Task[]): void {
  checkTasks(kernel.core);
  checkMemory(kernel.core);
  checkMemcg(kernel.memcg.system);
  checkNamespaces(kernel as never);
  checkFiles(kernel, mount);
  checkInterrupts(kernel);
  checkPower(kernel);
  checkNodes(kernel);
  checkMeasurements(kernel);
  for (const t of tasks) checkLog(kernel, t);
}
