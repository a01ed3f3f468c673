/** The cpuset files of v2. Kernel document admin-guide/cgroup-v2, "Cpuset Interface Files". */
import { type CgroupFile, EACCES, EINVAL, fail, formatList } from "@kernelkit/core";
import { type Cpuset, cpusetOf, or } from "./cpuset.js";
import type { Cpusets } from "./cpusets.js";
import { parseCpus, parseMems } from "./parse.js";
import { partitionText } from "./partition.js";

const list = (m: Uint32Array): string => `${formatList(m)}\n`;

function readOnly(name: string, show: (cs: Cpuset) => string, where: Partial<CgroupFile> = {}): CgroupFile {
  return { name, mode: 0o444, ...where, show: (_c, _g, css) => (css === null ? fail(EINVAL) : show(cpusetOf(css))) };
}

function file(name: string, show: (cs: Cpuset) => string, store: (cs: Cpuset, text: string) => void): CgroupFile {
  return {
    ...readOnly(name, show, { notOnRoot: true }),
    mode: 0o644,
    store(_c, _g, css, text) {
      if (css === null) return fail(EINVAL);
      const cs = cpusetOf(css);
      if (cs.parent === null) return fail(EACCES);
      store(cs, text);
    },
  };
}

/** CPUs of isolated partitions. */
function isolated(cs: Cpuset): Uint32Array {
  let m: Uint32Array = new Uint32Array(cs.cpus.length);
  const walk = (c: Cpuset): void => {
    if (c.partition === "isolated" && c.isPartition) m = or(m, c.exclusiveEffective);
    for (const d of c.children) walk(d);
  };
  walk(cs);
  return m;
}

export function cpusetFiles(s: Cpusets): CgroupFile[] {
  const nr = s.k.cpus.nr;
  const nodes = new Uint32Array(Math.max(1, (s.sys.nodes + 31) >> 5));
  for (let n = 0; n < s.sys.nodes; n++) nodes[n >> 5] |= 1 << (n & 31);
  return [
    file(
      "cpus",
      (cs) => list(cs.cpus),
      (cs, text) => s.change(cs, { cpus: parseCpus(text, nr) }),
    ),
    file(
      "mems",
      (cs) => list(cs.mems),
      (cs, text) => s.change(cs, { mems: parseMems(text, nodes) }),
    ),
    readOnly("cpus.effective", (cs) => list(cs.effectiveCpus)),
    readOnly("mems.effective", (cs) => list(cs.effectiveMems)),
    file(
      "cpus.partition",
      (cs) => `${partitionText(cs)}\n`,
      (cs, text) => {
        const word = text.trim();
        if (word !== "member" && word !== "root" && word !== "isolated") fail(EINVAL);
        if (word === cs.partition) return;
        cs.partition = word as Cpuset["partition"];
        cs.invalid = "";
        cs.exclusiveEffective = new Uint32Array(cs.cpus.length);
        s.refresh();
      },
    ),
    file(
      "cpus.exclusive",
      (cs) => list(cs.exclusive),
      (cs, text) => s.change(cs, { exclusive: parseCpus(text, nr) }),
    ),
    readOnly("cpus.exclusive.effective", (cs) => list(cs.exclusiveEffective), { notOnRoot: true }),
    readOnly("cpus.isolated", (cs) => list(isolated(cs)), { onlyOnRoot: true }),
  ];
}
