/**
 * The general files of /proc: stat, uptime, loadavg, version, cmdline, filesystems, devices, meminfo and its kind, modules.
 * proc_stat(5), proc_uptime(5), proc_meminfo(5) ...
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Bytes } from "../lib/text.js";
import { meminfoBytes, meminfoText } from "../mm/meminfo.js";
import { vmstatText } from "../mm/vmstat.js";
import { buddyinfoText, zoneinfoText } from "../mm/zoneinfo.js";
import { NR_SOFTIRQS } from "../sched/irq.js";
import { TASK_RUNNING } from "../task/task.js";
import { FS_INTERNAL, FS_REQUIRES_DEV } from "../vfs/superBlock.js";

/** Units of 1/100 s. */
const NSEC_PER_USER_HZ = 1e7;
const CLASSES = 8;

export function statText(k: Core): string {
  const { cpus, now } = k;
  let lines = "";
  const sum = new Array<number>(CLASSES).fill(0);
  for (let cpu = 0; cpu < cpus.nr; cpu++) {
    let line = "";
    for (let c = 0; c < CLASSES; c++) {
      const ns = cpus.timeAt(cpu, c, now);
      sum[c] += ns;
      line += ` ${Math.floor(ns / NSEC_PER_USER_HZ)}`;
    }
    if (cpus.online[cpu] === 1) lines += `cpu${cpu}${line} 0 0\n`;
  }
  let all = "cpu ";
  for (let c = 0; c < CLASSES; c++) all += ` ${Math.floor(sum[c] / NSEC_PER_USER_HZ)}`;
  let running = 0;
  for (const rq of k.sched.rqs) running += rq.nrRunning;
  for (const t of cpus.curr) if (t !== null) running++;
  // a driven task in a call runs, too
  if (k.current !== null && !cpus.curr.includes(k.current)) running++;
  let blocked = 0;
  for (let cpu = 0; cpu < cpus.nr; cpu++) blocked += cpus.nrIowait[cpu];
  const vectors = new Array<number>(NR_SOFTIRQS).fill(0);
  let total = 0;
  for (let i = 0; i < k.irq.softirqCount.length; i++) {
    vectors[i % NR_SOFTIRQS] += k.irq.softirqCount[i];
    total += k.irq.softirqCount[i];
  }
  return `${all} 0 0\n${lines}intr ${k.proc.intr()}\nctxt ${k.sched.ctxt}\nbtime ${bootTime(k)}\nprocesses ${k.tasks.processes}\nprocs_running ${running}\nprocs_blocked ${blocked}\nsoftirq ${total} ${vectors.join(" ")}\n`;
}

function bootTime(k: Core): number {
  return k.time.epochSec;
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));
/** `seconds.hundredths` of ns. */
export function centiseconds(ns: number): string {
  const cs = Math.floor(ns / 1e7);
  const s = Math.floor(cs / 100);
  return `${s}.${two(cs - s * 100)}`;
}

/** Offset of the boot clock in the caller's time namespace, ns. */
export function boottimeOffset(c: Ctx): number {
  const { clockOffset } = c.k.hooks;
  return clockOffset.on === null ? 0 : (clockOffset.on(c.task, 7) ?? 0);
}

function uptimeText(c: Ctx): string {
  const { k } = c;
  const { cpus, now } = k;
  let idle = 0;
  for (let cpu = 0; cpu < cpus.nr; cpu++) idle += cpus.timeAt(cpu, 3, now) + cpus.timeAt(cpu, 4, now);
  return `${centiseconds(k.time.boottimeNs + boottimeOffset(c))} ${centiseconds(idle)}\n`;
}

function loadavgText(c: Ctx): string {
  const { k } = c;
  let running = 0;
  for (const rq of k.sched.rqs) running += rq.nrRunning;
  for (const t of k.cpus.curr) if (t !== null && t.state === TASK_RUNNING) running++;
  if (!k.cpus.curr.includes(c.task)) running++;
  const ns = c.task.pid.ns[c.task.pid.level];
  return `${k.proc.loadavg.text()} ${running}/${k.tasks.nrThreads} ${ns.last}\n`;
}

function filesystemsText(c: Ctx): string {
  let s = "";
  for (const t of c.k.vfs.types.values())
    if ((t.flags & FS_INTERNAL) === 0) s += `${(t.flags & FS_REQUIRES_DEV) === 0 ? "nodev" : ""}\t${t.name}\n`;
  return s;
}

function softirqsText(k: Core): string {
  const names = ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];
  let s = "                    ";
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) s += `CPU${String(cpu).padEnd(8)}`;
  s += "\n";
  for (let v = 0; v < NR_SOFTIRQS; v++) {
    s += `${names[v].padStart(12)}:`;
    for (let cpu = 0; cpu < k.cpus.nr; cpu++) s += ` ${String(k.irq.softirqCount[cpu * NR_SOFTIRQS + v]).padStart(10)}`;
    s += "\n";
  }
  return s;
}

const FLAGS =
  "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx pdpe1gb rdtscp lm constant_tsc rep_good nopl nonstop_tsc cpuid pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor lahf_lm";

function cpuinfoText(k: Core): string {
  const { machine } = k.options;
  const mhz = machine.tscHz / 1e6;
  let s = "";
  for (let cpu = 0; cpu < k.cpus.nr; cpu++) {
    if (k.cpus.online[cpu] === 0) continue;
    const node = machine.cpuNode[cpu];
    const siblings = machine.cpuNode.filter((n) => n === node);
    const core = machine.cpuNode.slice(0, cpu).filter((n) => n === node).length;
    s +=
      `processor\t: ${cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Processor @ ${(mhz / 1000).toFixed(2)}GHz\n` +
      `stepping\t: 6\nmicrocode\t: 0x1\ncpu MHz\t\t: ${mhz.toFixed(3)}\ncache size\t: 36864 KB\nphysical id\t: ${node}\nsiblings\t: ${siblings.length}\n` +
      `core id\t\t: ${core}\ncpu cores\t: ${siblings.length}\napicid\t\t: ${cpu}\ninitial apicid\t: ${cpu}\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\n` +
      `flags\t\t: ${FLAGS}\nbugs\t\t:\nbogomips\t: ${(mhz * 2).toFixed(2)}\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits virtual\npower management:\n\n`;
  }
  return s;
}

function modulesText(k: Core): string {
  const { modules } = k.tasks;
  let s = "";
  for (const name of modules.loaded)
    if (modules.get(name)?.builtin !== true) s = `${name} 16384 0 - Live 0x0000000000000000\n${s}`;
  return s;
}

export function installGeneral(k: Core): void {
  const texts: Record<string, (c: Ctx) => string> = {
    stat: () => statText(k),
    uptime: uptimeText,
    loadavg: loadavgText,
    version: () =>
      `Linux version ${k.tasks.uts.release} (kernelkit@kernelkit) (gcc (GCC) 14.2.0, GNU ld (GNU Binutils) 2.44) ${k.tasks.uts.version}\n`,
    cmdline: () => `${k.cmdline.text}\n`,
    filesystems: filesystemsText,
    devices: () => k.devices.text(),
    cpuinfo: () => cpuinfoText(k),
    modules: () => modulesText(k),
    softirqs: () => softirqsText(k),
    vmstat: () => vmstatText(k),
    zoneinfo: () => zoneinfoText(k),
    buddyinfo: () => buddyinfoText(k),
    swaps: () => `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${k.contracts.swap?.areaLines() ?? ""}`,
    execdomains: () => "0-0\tLinux           \t[kernel]\n",
    partitions: () => "",
  };
  for (const [name, show] of Object.entries(texts)) k.proc.file(name, { show });
  const last: { bytes: Uint8Array } = { bytes: new Uint8Array(0) };
  k.proc.file("meminfo", {
    show() {
      if (last.bytes.length === 0) last.bytes = utf8Bytes(meminfoText(k));
      return meminfoBytes(k, last.bytes) ?? meminfoText(k);
    },
  });
  k.proc.link("mounts", "self/mounts");
  k.proc.link("net", "self/net");
  k.proc.dir("fs");
  k.proc.dir("bus");
  k.proc.dir("irq");
  k.proc.dir("driver");
  k.proc.dir("tty");
}
