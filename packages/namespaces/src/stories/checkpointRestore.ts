/**
 * The story "Checkpoint and restore": a container of three tasks is dumped to plain JSON and restored in a second kernel, with the
 * hooks that 3.8 brought for it. Everything that can be read inside is compared.
 */
import { O_RDONLY, type Task } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { buildContainer } from "./buildContainer.js";
import type { ContainerImage } from "./containerImage.js";
import { dumpContainer } from "./dumpContainer.js";
import { type PidHook, restoreContainer } from "./restoreContainer.js";
import { boot, errnoOf, forked, type NsKernel } from "./rig.js";

type Knobs = { readonly hook: string };
const knobs: Story<Knobs>["knobs"] = {
  hook: { kind: "choice", default: "ns_last_pid", choices: ["ns_last_pid", "set_tid"] },
};

const PER_TASK = ["status", "uid_map", "gid_map", "mountinfo", "timens_offsets", "comm", "cgroup"];
const GLOBAL = [
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/domainname",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/kernel/pid_max",
  "/proc/sys/kernel/msgmni",
  "/proc/sys/kernel/sem",
  "/proc/sys/kernel/shmmax",
  "/proc/sysvipc/msg",
  "/proc/sysvipc/sem",
  "/proc/sysvipc/shm",
  "/etc/hostname",
  "/tmp/d/note",
];

/** Numbers that the machine gives out, by order of their first appearance. */
function renumber(text: string, pattern: RegExp): string {
  const seen = new Map<string, number>();
  return text.replaceAll(pattern, (m) => {
    if (!seen.has(m)) seen.set(m, seen.size);
    return `#${seen.get(m)}`;
  });
}

/** What is not the container's: time, counters of use, numbers of mounts and devices. */
function normal(file: string, text: string): string {
  if (file.endsWith("/mountinfo")) return renumber(renumber(text, /^\d+ \d+(?= )/gm), /0:\d+/g);
  if (file.startsWith("/proc/sysvipc"))
    return text.replaceAll(/ 17\d{8}\b| 1[0-9]{9}\b/g, " time").replaceAll(/ {2,}/g, " ");
  if (file.endsWith("/status"))
    return text
      .split("\n")
      .filter((l) => !/^(Vm|Rss|voluntary|nonvoluntary|Hugetlb|x86|Mems|Cpus)/.test(l))
      .join("\n");
  return text;
}

/** Every view inside, by name. */
export function viewsInside(kernel: NsKernel, init: Task): Record<string, string> {
  const s = kernel.sys(init);
  const out: Record<string, string> = {};
  const pids = s.readdir("/proc").filter((n) => /^\d+$/.test(n));
  out["pids in /proc"] = pids.join(" ");
  for (const file of GLOBAL) out[file] = normal(file, s.readText(file));
  const links: string[] = [];
  for (const pid of pids) {
    for (const name of PER_TASK) out[`/proc/${pid}/${name}`] = normal(`/${name}`, s.readText(`/proc/${pid}/${name}`));
    out[`/proc/${pid}/cwd`] = s.readlink(`/proc/${pid}/cwd`);
    for (const ns of s.readdir("/proc/self/ns")) links.push(`${pid} ${s.readlink(`/proc/${pid}/ns/${ns}`)}`);
  }
  // who shares a namespace with whom
  out["/proc/PID/ns"] = renumber(links.join("\n"), /\[\d+\]/g);
  return out;
}

/** Build, dump, restore elsewhere. */
export function checkpointAndRestore(hook: PidHook): {
  image: ContainerImage;
  before: Record<string, string>;
  after: Record<string, string>;
  source: NsKernel;
  target: NsKernel;
  restored: Task;
} {
  const source = boot();
  const init = buildContainer(source);
  const before = viewsInside(source, init);
  const image = JSON.parse(JSON.stringify(dumpContainer(source, init))) as ContainerImage;
  const target = boot();
  // another history: other tasks, mounts and namespaces were there before
  for (let i = 0; i < 7; i++) forked(target, target.init);
  const busy = target.sys(forked(target, target.init));
  busy.unshare(0x04000000);
  busy.msgget(0, 0o600);
  const restored = restoreContainer(target, image, hook);
  return { image, before, after: viewsInside(target, restored), source, target, restored };
}

export const checkpointRestore: Story<Knobs> = {
  id: "checkpoint-restore",
  question: "Can a container be restored in another kernel so that nothing inside can tell?",
  source: "Kernel Log: Coming in 3.8 (Part 2); clone(2) set_tid, proc(5) ns_last_pid, sysvipc(7) msg_next_id",
  claim:
    "every view inside is the same: pids, ipc ids and contents, namespaces shared by the same tasks, maps, mounts, hostnames",
  assumes: [
    "times of ipc objects, counters of memory use and the numbers of mounts and devices are not the container's",
    "the memory of tasks and open files are not dumped",
  ],
  knobs,
  run(given) {
    const { hook } = knobsOf(knobs, given);
    const { image, before, after, target, restored } = checkpointAndRestore(hook as PidHook);
    const names = Object.keys(before);
    const different = names.filter((n) => before[n] !== after[n]);
    const text = JSON.stringify(image);
    const s = target.sys(restored);
    const q = image.ipc.msg[0];
    const message = String.fromCharCode(...s.msgrcv(q.id, 100, 0, 0).data);
    // the restored container lives on: its numbers go on where they were
    const next = s.fork();
    const escaped = errnoOf(() => s.setns(s.open("/proc/1/ns/user", O_RDONLY), 0));
    return {
      series: [],
      table: {
        columns: ["view inside", "restored"],
        rows: names.map((n) => [n, before[n] === after[n] ? "the same" : "different"]),
      },
      numbers: {
        views: names.length,
        different: different.length,
        missing: Object.keys(after).length - names.length,
        tasks: image.tasks.length,
        imageBytes: text.length,
        messageKept: message === "hello" ? 1 : 0,
        nextPid: next,
        expectedNextPid: image.lastPid + 1,
        rejoinOwn: escaped === "EINVAL" ? 1 : 0,
      },
    };
  },
};
