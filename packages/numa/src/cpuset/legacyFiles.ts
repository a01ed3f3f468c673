/** The cpuset files of v1, as observed on 6.18. cpuset(7), kernel document admin-guide/cgroup-v1/cpusets. */
import { type CgroupFile, EACCES, EINVAL, Errno, fail, formatList, kstrtos64, kstrtou64 } from "@kernelkit/core";
import { type Cpuset, type CpusetFlag, cpusetOf } from "./cpuset.js";
import type { Cpusets } from "./cpusets.js";
import { parseCpus, parseMems } from "./parse.js";

const list = (m: Uint32Array): string => `${formatList(m)}\n`;
/** Scheduling domains whose idle CPUs may be searched: none is -1, the highest here 4. */
const RELAX_LEVELS = 4;

/** A number that is not 0 is 1. fail: EINVAL, ERANGE. */
function flagOf(text: string): boolean {
  const v = kstrtou64(text, 0);
  return v instanceof Errno ? fail(v.nr) : Number(v) !== 0;
}

function file(
  name: string,
  show: (cs: Cpuset) => string,
  store: ((cs: Cpuset, text: string) => void) | null,
  where: Partial<CgroupFile> = {},
): CgroupFile {
  return {
    name,
    mode: store === null ? 0o444 : 0o644,
    ...where,
    show: (_c, _g, css) => (css === null ? fail(EINVAL) : show(cpusetOf(css))),
    ...(store !== null && {
      store(_c, _g, css, text) {
        if (css === null) return fail(EINVAL);
        store(cpusetOf(css), text);
      },
    }),
  };
}

function flag(s: Cpusets, name: CpusetFlag): CgroupFile {
  return file(
    name,
    (cs) => `${cs.flags[name] ? 1 : 0}\n`,
    (cs, text) => {
      const on = flagOf(text);
      if (name === "cpu_exclusive" || name === "mem_exclusive") s.setExclusive(cs, name, on);
      else cs.flags[name] = on;
    },
  );
}

export function legacyFiles(s: Cpusets): CgroupFile[] {
  const notTop = (cs: Cpuset): void => {
    if (cs.parent === null) fail(EACCES);
  };
  return [
    file(
      "cpus",
      (cs) => list(cs.cpus),
      (cs, text) => {
        notTop(cs);
        s.change(cs, { cpus: parseCpus(text, s.k.cpus.nr) });
      },
    ),
    file(
      "mems",
      (cs) => list(cs.mems),
      (cs, text) => {
        notTop(cs);
        s.change(cs, { mems: parseMems(text, s.top.effectiveMems) });
      },
    ),
    file("effective_cpus", (cs) => list(cs.effectiveCpus), null),
    file("effective_mems", (cs) => list(cs.effectiveMems), null),
    flag(s, "cpu_exclusive"),
    flag(s, "mem_exclusive"),
    flag(s, "mem_hardwall"),
    flag(s, "sched_load_balance"),
    file(
      "sched_relax_domain_level",
      (cs) => `${cs.relaxDomainLevel}\n`,
      (cs, text) => {
        const v = kstrtos64(text, 0);
        if (v instanceof Errno) return fail(v.nr);
        if (Number(v) < -1 || Number(v) >= RELAX_LEVELS) return fail(EINVAL);
        cs.relaxDomainLevel = Number(v);
      },
    ),
    flag(s, "memory_migrate"),
    // there is no reclaim whose rate could be told
    file("memory_pressure", () => "0\n", null),
    flag(s, "memory_spread_page"),
    flag(s, "memory_spread_slab"),
    file(
      "memory_pressure_enabled",
      () => `${s.shared.pressure ? 1 : 0}\n`,
      (_cs, text) => {
        s.shared.pressure = flagOf(text);
      },
      { onlyOnRoot: true },
    ),
  ];
}
