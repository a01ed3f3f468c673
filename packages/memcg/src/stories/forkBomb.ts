/**
 * The story "A bomb in a container": what a process that forks without end can do to the machine, by how kernel memory is limited.
 */
import type { Task } from "@kernelkit/core";
import { knobsOf, type Series, type Story } from "@kernelkit/core/stories";
import { errnoOf, Rig } from "./rig.js";

type Knobs = { readonly limit: number; readonly pids: number; readonly threadsMax: number; readonly user: string };

const knobs: Story<Knobs>["knobs"] = {
  limit: { kind: "number", default: 2, min: 1, max: 64, unit: "MiB of kernel memory (or memory)" },
  pids: { kind: "number", default: 64, min: 2, max: 1024, unit: "tasks" },
  threadsMax: { kind: "number", default: 600, min: 100, max: 4000, unit: "tasks of the machine" },
  user: { kind: "choice", default: "root", choices: ["root", "mapped"] },
};

/** Forks that the host tries while the bomb goes on. */
const HOST_FORKS = 20;
const MAPPED_UID = 100_000;
const LIMIT_NPROC = 6;

interface Design {
  readonly name: string;
  rig(o: Knobs): Rig;
}

const legacy = (kmem: string, file: string): Design => ({
  name: file === "" ? `${kmem}, no limit` : `${kmem}, ${file}`,
  rig(o) {
    const rig = new Rig({ memory: "1G", version: 1, options: { kmem } });
    rig.group("/c", file === "" ? {} : { [file]: `${o.limit}M` });
    return rig;
  },
});

const DESIGNS: readonly Design[] = [
  legacy("3.8", ""),
  legacy("3.8", "memory.kmem.limit_in_bytes"),
  legacy("4.5", ""),
  legacy("4.5", "memory.kmem.limit_in_bytes"),
  legacy("unified", "memory.kmem.limit_in_bytes"),
  {
    name: "unified, memory.max",
    rig(o) {
      const rig = new Rig({ memory: "1G" });
      rig.group("/c", { "memory.max": `${o.limit}M` });
      return rig;
    },
  },
  {
    name: "unified, pids.max",
    rig(o) {
      const rig = new Rig({ memory: "1G" });
      rig.group("/c", { "pids.max": String(o.pids) });
      return rig;
    },
  },
];

/** Every task of the bomb forks in turn, until none can. */
function explode(rig: Rig, first: Task, most: number): { made: number; errno: string; rounds: number[] } {
  const bomb = [first];
  const rounds: number[] = [1];
  let errno = "";
  for (let grew = true; grew && bomb.length <= most; ) {
    grew = false;
    for (const t of [...bomb]) {
      errno = errnoOf(() => {
        const child = rig.kernel.tasks.find(rig.kernel.sys(t).fork());
        if (child !== null) bomb.push(child);
        grew = true;
      });
      if (errno !== "" || bomb.length > most) break;
    }
    rounds.push(bomb.length);
    if (errno !== "") break;
  }
  return { made: bomb.length - 1, errno, rounds };
}

export const forkBomb: Story<Knobs> = {
  id: "fork-bomb",
  question: "Does a limit of kernel memory keep a fork bomb inside its container?",
  source: "Linux 3.8, resource controls (kernel memory accounting)",
  claim:
    "with a limit in force fork fails in the container (ENOMEM; EAGAIN by pids.max) and the host forks on; without one, or with 3.8 before " +
    "one is set, or with the old file on a unified kernel, the bomb takes every task number that the machine has",
  assumes: [
    "sizes of kernel objects are those of x86-64, about 40 KiB of kernel memory for a child of a small process",
    "tasks of the bomb may not be killed by the OOM killer (oom_score_adj -1000), so that fork's own answer shows",
    "a user namespace shows as what its root is to the machine: an ordinary user id with a limit of processes of its own",
  ],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const numbers: Record<string, number> = {};
    const series: Series[] = [];
    const rows: (string | number)[][] = [];
    for (const design of DESIGNS) {
      const rig = design.rig(o);
      rig.sys.writeFile("/proc/sys/kernel/threads-max", String(o.threadsMax));
      const first = rig.task("/c");
      const host = rig.task();
      rig.sys.writeFile(`/proc/${first.nr}/oom_score_adj`, "-1000");
      if (o.user === "mapped") {
        const view = rig.kernel.sys(first);
        view.prlimit64(0, LIMIT_NPROC, { cur: o.threadsMax / 2, max: o.threadsMax / 2 });
        view.setresuid(MAPPED_UID, MAPPED_UID, MAPPED_UID);
      }
      const { made, errno, rounds } = explode(rig, first, o.threadsMax * 2);
      let forks = 0;
      for (let i = 0; i < HOST_FORKS; i++) if (errnoOf(() => rig.kernel.sys(host).fork()) === "") forks++;
      numbers[`made ${design.name}`] = made;
      numbers[`host ${design.name}`] = forks;
      rows.push([design.name, made, errno, `${forks} of ${HOST_FORKS}`]);
      series.push({ name: design.name, unit: "tasks", of: "round", x: rounds.map((_, i) => i), y: rounds });
    }
    return {
      series,
      table: { columns: ["kernel, limit", "tasks made", "then fork says", "host's forks"], rows },
      numbers,
    };
  },
};
