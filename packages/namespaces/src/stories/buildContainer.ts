/** The container of the story "Checkpoint and restore": three tasks, all types of namespaces, objects of every kind. */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  IPC_CREAT,
  IPC_RMID,
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_REC,
  MS_SLAVE,
  SETALL,
  SIGCHLD,
  type Task,
} from "@kernelkit/core";
import { childOf, forked, type NsKernel, PR_SET_DUMPABLE } from "./rig.js";

const ALL = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
const PR_SET_NAME = 15;

/** An empty container: its init, in namespaces of its own, with these maps; `offsets` of its time namespace. */
export function newContainer(kernel: NsKernel, uidMap: string, gidMap: string, offsets: string): Task {
  const starter = forked(kernel, kernel.init);
  const s = kernel.sys(starter);
  const root = kernel.sys(kernel.init);
  s.unshare(CLONE_NEWUSER);
  root.writeFile(`/proc/${starter.nr}/uid_map`, uidMap);
  root.writeFile(`/proc/${starter.nr}/gid_map`, gidMap);
  s.setgroups([]);
  s.setresgid(0, 0, 0);
  s.setresuid(0, 0, 0);
  s.prctl(PR_SET_DUMPABLE, 1);
  s.unshare(CLONE_NEWTIME);
  s.writeFile("/proc/self/timens_offsets", offsets);
  const init = childOf(kernel, starter, s.clone(ALL | SIGCHLD));
  kernel.sys(init).mount(null, "/", null, MS_SLAVE | MS_REC);
  return init;
}

/** Inside: what is mounted at `root` becomes the root, nothing else is left. */
export function enterRoot(kernel: NsKernel, init: Task, root: string): void {
  const s = kernel.sys(init);
  s.chdir(root);
  s.pivot_root(".", ".");
  s.umount2(".", MNT_DETACH);
  s.chdir("/");
}

export function buildContainer(kernel: NsKernel): Task {
  const init = newContainer(
    kernel,
    "0 100000 1000\n1000 200000 10\n",
    "0 100000 65536\n",
    "monotonic 500 0\nboottime 700 0\n",
  );
  const s = kernel.sys(init);
  s.prctl(PR_SET_NAME, "init");
  s.mount("rootfs", "/mnt", "tmpfs", 0, "size=1m,mode=755");
  for (const d of ["proc", "tmp", "etc", "dev"]) s.mkdir(`/mnt/${d}`, 0o755);
  s.writeFile("/mnt/etc/hostname", "inner\n", 0o644);
  s.mount("proc", "/mnt/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  s.mount("tmp", "/mnt/tmp", "tmpfs", MS_NOSUID, "size=64k");
  s.mount("mqueue", "/mnt/dev", "mqueue", MS_NOEXEC);
  s.mkdir("/mnt/tmp/d", 0o700);
  s.writeFile("/mnt/tmp/d/note", "kept", 0o600);
  enterRoot(kernel, init, "/mnt");
  s.sethostname("inner");
  s.setdomainname("example");
  s.writeFile("/proc/sys/kernel/msgmni", "77");
  // ids that are not the first ones
  s.msgctl(s.msgget(1, IPC_CREAT | 0o600), IPC_RMID);
  const q = s.msgget(0x4242, IPC_CREAT | 0o640);
  s.msgsnd(q, 3, "hello");
  s.msgsnd(q, 1, "world");
  s.semctl(s.semget(0x77, 3, IPC_CREAT | 0o600), 0, SETALL, [4, 0, 9]);
  const m = s.shmget(0x99, 5000, IPC_CREAT | 0o600);
  const at = s.shmat(m);
  s.store(at, new TextEncoder().encode("shared"));
  s.shmdt(at);
  s.writeFile("/proc/sys/kernel/ns_last_pid", "40");
  const worker = childOf(kernel, init, s.fork());
  const w = kernel.sys(worker);
  w.prctl(PR_SET_NAME, "worker");
  w.unshare(CLONE_NEWUTS);
  w.sethostname("workshop");
  s.writeFile("/proc/sys/kernel/ns_last_pid", "98");
  const helper = childOf(kernel, worker, w.fork());
  const h = kernel.sys(helper);
  h.prctl(PR_SET_NAME, "helper");
  h.chdir("/tmp");
  h.setgroups([5]);
  h.setresgid(7, 7, 7);
  h.setresuid(1003, 1003, 1003);
  h.prctl(PR_SET_DUMPABLE, 1);
  return init;
}
