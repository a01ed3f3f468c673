/**
 * The machine in sysfs: /sys/devices/system/{cpu,node}, /sys/kernel/mm/transparent_hugepage, /sys/module and the empty directories that
 * tools look for. Documentation/admin-guide/{cputopology,mm/transhuge}, Documentation/ABI/stable/sysfs-devices-node.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import { formatList, formatMask } from "../lib/bitmapText.js";
import { kstrtobool, kstrtouint } from "../lib/numberParsers.js";
import { nodeMeminfoText } from "../mm/meminfo.js";
import { showChoice, storeChoice, THP_DEFRAG, THP_ENABLED, THP_SHMEM } from "../mm/thp.js";
import { NUMA_HIT, nodeVmstatText } from "../mm/vmstat.js";
import { maskFirst } from "../sched/cpus.js";
import type { ModuleDef } from "../task/modules.js";
import type { PseudoFile } from "../vfs/pseudo/pseudoFile.js";
import { installMemoryBlocks } from "./memoryBlocks.js";

/** CPUs (or nodes) for which `is` holds, as a mask of `n` bits. */
function maskOf(n: number, is: (i: number) => boolean): Uint32Array {
  const m = new Uint32Array((n + 31) >> 5);
  for (let i = 0; i < n; i++) if (is(i)) m[i >> 5] |= 1 << (i & 31);
  return m;
}

const list = (m: Uint32Array): string => `${formatList(m)}\n`;

/** What the directory of a CPU or node is about. */
interface Numbered {
  nr: number;
}

function installCpus(k: Core): void {
  const { cpus, sysfs } = k;
  const { machine } = k.options;
  const n = cpus.nr;
  const dir = "devices/system/cpu";
  const all = maskFirst(n);
  const files: Record<string, () => string> = {
    online: () => list(maskOf(n, (i) => cpus.online[i] === 1)),
    possible: () => list(all),
    present: () => list(maskOf(n, (i) => cpus.present[i] === 1)),
    offline: () => list(maskOf(n, (i) => cpus.online[i] === 0)),
    isolated: () => "\n",
    kernel_max: () => `${Math.max(n, 256) - 1}\n`,
  };
  for (const [name, show] of Object.entries(files)) sysfs.file(`${dir}/${name}`, { show });
  const same = (cpu: number): Uint32Array => maskOf(n, (i) => machine.cpuNode[i] === machine.cpuNode[cpu]);
  const own = (cpu: number): Uint32Array => maskOf(n, (i) => i === cpu);
  const topology: Record<string, PseudoFile<Numbered>> = {
    physical_package_id: { show: (_c, o) => `${machine.cpuNode[o.nr]}\n` },
    die_id: { show: () => "0\n" },
    cluster_id: { show: () => "65535\n" },
    core_id: {
      show: (_c, o) => `${machine.cpuNode.slice(0, o.nr).filter((x) => x === machine.cpuNode[o.nr]).length}\n`,
    },
  };
  for (const [name, mask] of [
    ["core_cpus", own],
    ["thread_siblings", own],
    ["cluster_cpus", own],
    ["core_siblings", same],
    ["die_cpus", same],
    ["package_cpus", same],
  ] as const) {
    topology[name] = { show: (_c, o) => `${formatMask(mask(o.nr), n)}\n` };
    topology[`${name}_list`] = { show: (_c, o) => list(mask(o.nr)) };
  }
  const group = sysfs.group("cpu.topology", topology);
  const online: PseudoFile<Numbered> = {
    show: (_c, o) => `${cpus.online[o.nr]}\n`,
    store(_c, o, text) {
      const v = kstrtobool(text);
      if (typeof v !== "boolean") return fail(EINVAL);
      if (v === (cpus.online[o.nr] === 1)) return undefined;
      return -(v ? k.hotplug.up(o.nr) : k.hotplug.down(o.nr)) || undefined;
    },
  };
  const bus = sysfs.dir("bus/cpu");
  for (let nr = 0; nr < n; nr++) {
    const cpu = sysfs.dir(`${dir}/cpu${nr}`);
    if (k.hotplug.removable(nr)) sysfs.file("online", online, { in: cpu, owner: { nr } });
    sysfs.dir("topology", { in: cpu, group, owner: { nr } });
    sysfs.link("subsystem", bus, { in: cpu });
    sysfs.link(`devices/cpu${nr}`, cpu, { in: bus });
  }
}

function installNodes(k: Core): void {
  const { sysfs, mm } = k;
  const { machine } = k.options;
  const dir = "devices/system/node";
  const has = (is: (nid: number) => boolean): string => list(maskOf(machine.nodes, is));
  const memory = (nid: number): boolean => machine.nodeMemoryBytes[nid] > 0;
  const files: Record<string, () => string> = {
    online: () => has(() => true),
    possible: () => has(() => true),
    has_cpu: () => has((nid) => machine.cpuNode.includes(nid)),
    has_memory: () => has(memory),
    has_normal_memory: () => has(memory),
    has_generic_initiator: () => "\n",
  };
  for (const [name, show] of Object.entries(files)) sysfs.file(`${dir}/${name}`, { show });
  const cpusOf = (nid: number): Uint32Array =>
    maskOf(k.cpus.nr, (i) => machine.cpuNode[i] === nid && k.cpus.online[i] === 1);
  const names = ["numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node"];
  const group = sysfs.group<Numbered>("node", {
    cpulist: { show: (_c, o) => list(cpusOf(o.nr)) },
    cpumap: { show: (_c, o) => `${formatMask(cpusOf(o.nr), k.cpus.nr)}\n` },
    meminfo: { show: (_c, o) => nodeMeminfoText(k, o.nr) },
    numastat: { show: (_c, o) => names.map((name, i) => `${name} ${mm.readNode(NUMA_HIT + i, o.nr)}\n`).join("") },
    distance: { show: (_c, o) => `${machine.distances[o.nr].join(" ")}\n` },
    vmstat: { show: (_c, o) => nodeVmstatText(k, o.nr) },
  });
  for (let nr = 0; nr < machine.nodes; nr++) {
    const node = sysfs.dir(`${dir}/node${nr}`, { group, owner: { nr } });
    for (let cpu = 0; cpu < k.cpus.nr; cpu++) {
      if (machine.cpuNode[cpu] !== nr) continue;
      const c = sysfs.dir(`devices/system/cpu/cpu${cpu}`);
      sysfs.link(`cpu${cpu}`, c, { in: node });
      sysfs.link(`node${nr}`, node, { in: c });
    }
  }
}

function installThp(k: Core): void {
  const { sysfs } = k;
  const { thp } = k.mm;
  const dir = "kernel/mm/transparent_hugepage";
  const choice = (key: "enabled" | "defrag" | "shmemEnabled", words: readonly string[]): PseudoFile => ({
    show: () => showChoice(words, thp[key]),
    store(_c, _o, text) {
      thp[key] = storeChoice(words, text);
    },
  });
  const flag = (get: () => boolean, set: (v: boolean) => void): PseudoFile => ({
    show: () => `${get() ? 1 : 0}\n`,
    store(_c, _o, text) {
      const v = kstrtouint(text, 10);
      if (typeof v !== "number") return -v.nr;
      if (v > 1) return -EINVAL;
      set(v === 1);
      return undefined;
    },
  });
  sysfs.file(`${dir}/enabled`, choice("enabled", THP_ENABLED));
  sysfs.file(`${dir}/defrag`, choice("defrag", THP_DEFRAG));
  sysfs.file(`${dir}/shmem_enabled`, choice("shmemEnabled", THP_SHMEM));
  sysfs.file(
    `${dir}/use_zero_page`,
    flag(
      () => thp.useZeroPage,
      (v) => {
        thp.useZeroPage = v;
      },
    ),
  );
  sysfs.file(`${dir}/hpage_pmd_size`, { show: () => "2097152\n" });
  const READ_ONLY = new Set(["pages_collapsed", "full_scans"]);
  for (const name of Object.keys(thp.khugepaged)) {
    const max = name === "defrag" ? 1 : name.startsWith("max_ptes") ? 511 : 0xffffffff;
    sysfs.file(`${dir}/khugepaged/${name}`, {
      show: () => `${thp.khugepaged[name]}\n`,
      ...(!READ_ONLY.has(name) && {
        store(_c: unknown, _o: undefined, text: string) {
          const v = kstrtouint(text, 10);
          if (typeof v !== "number" || v > max || (name === "pages_to_scan" && v === 0)) return -EINVAL;
          thp.khugepaged[name] = v;
          return undefined;
        },
      }),
    });
  }
}

/** What /sys/module/NAME/parameters/PARAM is about. */
interface Param {
  module: string;
  param: string;
}

/** Loaded modules show themselves and their parameters. */
export function watchModules(k: Core): void {
  const { sysfs } = k;
  const { modules } = k.tasks;
  const def = (o: Param): NonNullable<ModuleDef["params"]>[string] =>
    modules.get(o.module)?.params?.[o.param] ?? fail(EINVAL);
  const param: PseudoFile<Param> = {
    show: (_c, o) => `${def(o).get()}\n`,
    store(_c, o, text) {
      def(o).set(text.endsWith("\n") ? text.slice(0, -1) : text);
    },
  };
  k.state.static("sysfs.moduleParam", param);
  const files = sysfs.group<undefined>("module", {
    initstate: { show: () => "live\n" },
    refcnt: { show: () => "0\n" },
    coresize: { show: () => "16384\n" },
    taint: { show: () => "\n" },
  });
  modules.watch((m, loaded) => {
    const there = sysfs.find(`module/${m.name}`);
    if (!loaded) {
      if (there !== null) sysfs.remove(there);
      return;
    }
    const params = Object.entries(m.params ?? {}).filter(([, p]) => p.mode !== 0);
    if (m.builtin === true && params.length === 0) return;
    const dir = sysfs.dir(`module/${m.name}`, m.builtin === true ? {} : { group: files });
    for (const [name, p] of params)
      sysfs.file(`parameters/${name}`, param, { in: dir, mode: p.mode, owner: { module: m.name, param: name } });
  });
}

export function installMachineSysfs(k: Core): void {
  for (const dir of [
    "block",
    "bus",
    "class",
    "dev/block",
    "dev/char",
    "devices/system",
    "devices/virtual",
    "firmware",
    "hypervisor",
    "power",
  ])
    k.sysfs.dir(dir);
  k.sysfs.file("kernel/cpu_byteorder", { show: () => "little\n" });
  k.sysfs.file("kernel/address_bits", { show: () => "64\n" });
  installCpus(k);
  installNodes(k);
  installMemoryBlocks(k);
  installThp(k);
  k.sysfs.dir("module");
}
