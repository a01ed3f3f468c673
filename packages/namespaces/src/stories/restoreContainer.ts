/**
 * Restoring a container from its image, with system calls: namespaces first, then mounts, ipc objects under their old ids
 * (kernel.*_next_id), then the tasks under their old pids - by ns_last_pid as 3.8 can, or by clone3's set_tid (5.5).
 */
import {
  CLONE_NEWUTS,
  IPC_CREAT,
  IPC_PRIVATE,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  SETALL,
  SIGCHLD,
  type Task,
} from "@kernelkit/core";
import { enterRoot, newContainer } from "./buildContainer.js";
import type { ContainerImage, IpcImage, MountImage, TaskImage } from "./containerImage.js";
import { childOf, type NsCalls, type NsKernel, PR_SET_DUMPABLE } from "./rig.js";

/** How a pid is asked for. */
export type PidHook = "ns_last_pid" | "set_tid";

const PR_SET_NAME = 15;
const BASE = "/mnt";
const MOUNT_FLAGS: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
};

function restoreMount(s: NsCalls, m: MountImage): void {
  const at = m.mountpoint === "/" ? BASE : `${BASE}${m.mountpoint}`;
  let flags = 0;
  for (const o of m.options.split(",")) flags |= MOUNT_FLAGS[o] ?? 0;
  // owners are shown as the initial namespace has them, which the inner root cannot say: what it mounts is its own again
  const data = m.superOptions.split(",").filter((o) => !/^(r[wo]|[ug]id=\d+)$/.test(o));
  s.mount(m.source, at, m.type, flags, data.join(","));
  for (const f of m.files) {
    if (f.text === null) s.mkdir(`${at}${f.path}`, f.mode);
    else s.writeFile(`${at}${f.path}`, f.text, f.mode);
  }
}

/** The object that `make` gets has the id `id`. */
function withId(s: NsCalls, kind: string, id: number, make: () => number): number {
  s.writeFile(`/proc/sys/kernel/${kind}_next_id`, String(id));
  const got = make();
  if (got !== id) throw new TypeError(`${kind} ${id} became ${got}`);
  return got;
}

function restoreIpc(s: NsCalls, ipc: IpcImage): void {
  for (const q of ipc.msg) {
    const id = withId(s, "msg", q.id, () => s.msgget(q.key, IPC_CREAT | q.mode));
    for (const m of q.messages) s.msgsnd(id, m.type, Uint8Array.from(m.data));
  }
  for (const a of ipc.sem) {
    const id = withId(s, "sem", a.id, () => s.semget(a.key, a.values.length, IPC_CREAT | a.mode));
    s.semctl(id, 0, SETALL, a.values);
  }
  for (const m of ipc.shm) {
    const id = withId(s, "shm", m.id, () => s.shmget(m.key === 0 ? IPC_PRIVATE : m.key, m.bytes, IPC_CREAT | m.mode));
    const at = s.shmat(id);
    if (m.data.length > 0) s.store(at, Uint8Array.from(m.data));
    s.shmdt(at);
  }
  for (const [name, value] of Object.entries(ipc.settings)) s.writeFile(`/proc/sys/${name}`, value);
}

/** A child of `parent` with the pid of its image. */
function fork(kernel: NsKernel, parent: Task, init: Task, want: TaskImage, hook: PidHook): Task {
  const s = kernel.sys(parent);
  if (hook === "set_tid")
    return childOf(kernel, parent, s.clone3({ flags: 0, exit_signal: SIGCHLD, set_tid: [want.pid] }).pid);
  kernel.sys(init).writeFile("/proc/sys/kernel/ns_last_pid", String(want.pid - 1));
  return childOf(kernel, parent, s.fork());
}

export function restoreContainer(kernel: NsKernel, image: ContainerImage, hook: PidHook): Task {
  const init = newContainer(kernel, image.uidMap, image.gidMap, image.timeOffsets);
  const s = kernel.sys(init);
  for (const m of image.mounts) restoreMount(s, m);
  enterRoot(kernel, init, BASE);
  restoreIpc(s, image.ipc);
  s.writeFile("/proc/sys/kernel/pid_max", String(image.pidMax));
  const made = new Map<number, Task>();
  /** The first of each uts namespace makes it. */
  const utsOwner = new Map<number, Task>();
  for (const t of image.tasks) {
    const parent = made.get(t.ppid);
    const task = parent === undefined ? init : fork(kernel, parent, init, t, hook);
    made.set(t.pid, task);
    const own = kernel.sys(task);
    if (!utsOwner.has(t.uts)) {
      utsOwner.set(t.uts, task);
      if (parent !== undefined) own.unshare(CLONE_NEWUTS);
      const { nodename, domainname } = image.uts[t.uts];
      own.sethostname(nodename);
      own.setdomainname(domainname);
    }
  }
  s.writeFile("/proc/sys/kernel/ns_last_pid", String(image.lastPid));
  // ids last: they take the capabilities away
  for (const t of image.tasks) {
    const own = kernel.sys(made.get(t.pid) as Task);
    own.prctl(PR_SET_NAME, t.comm);
    own.chdir(t.cwd);
    own.setgroups(t.groups);
    own.setresgid(t.gid, t.gid, t.gid);
    own.setresuid(t.uid, t.uid, t.uid);
    own.prctl(PR_SET_DUMPABLE, 1);
  }
  return init;
}
