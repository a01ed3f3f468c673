/** Dumping a container from outside: /proc of its tasks, and a helper that enters its ipc namespace. See containerImage.ts. */
import {
  GETALL,
  IPC_NOWAIT,
  MSG_COPY,
  MSG_STAT_ANY,
  O_RDONLY,
  SEM_STAT_ANY,
  SHM_RDONLY,
  SHM_STAT_ANY,
  type Task,
} from "@kernelkit/core";
import type { MsqidDs, SemidDs, ShmidDs } from "../ipc/ipcSys.js";
import {
  type ContainerImage,
  IPC_SETTINGS,
  type IpcImage,
  type MountImage,
  type TaskImage,
  type UtsImage,
} from "./containerImage.js";
import { errnoOf, forked, type NsCalls, type NsKernel } from "./rig.js";

const PERMISSIONS = 0o777;
const ROOM = 65536;

/** A task that has joined some namespaces of `of`, and what it does there. */
function inside<T>(kernel: NsKernel, of: Task, types: readonly string[], look: (s: NsCalls) => T): T {
  const helper = forked(kernel, kernel.init);
  const s = kernel.sys(helper);
  for (const type of types) s.setns(s.open(`/proc/${of.nr}/ns/${type}`, O_RDONLY), 0);
  const found = look(s);
  s.exit(0);
  kernel.run("1ms");
  kernel.sys(kernel.init).wait4(-1, 1);
  return found;
}

/** Objects by slot, as X_STAT_ANY gives them. */
function bySlot<T>(highest: number, stat: (slot: number) => T): T[] {
  const out: T[] = [];
  for (let i = 0; i <= highest; i++) if (errnoOf(() => stat(i)) === "ok") out.push(stat(i));
  return out;
}

function dumpIpc(kernel: NsKernel, init: Task): IpcImage {
  return inside(kernel, init, ["ipc"], (s) => {
    const settings: Record<string, string> = {};
    for (const name of IPC_SETTINGS) settings[name] = s.readText(`/proc/sys/${name}`);
    const IPC_INFO = 3;
    const msg = bySlot(s.msgctl(0, IPC_INFO) as number, (i) => s.msgctl(i, MSG_STAT_ANY) as MsqidDs).map((d) => ({
      id: d.id as number,
      key: d.key,
      mode: d.mode & PERMISSIONS,
      messages: Array.from({ length: d.qnum }, (_, i) => {
        const m = s.msgrcv(d.id as number, ROOM, i, MSG_COPY | IPC_NOWAIT);
        return { type: m.type, data: [...m.data] };
      }),
    }));
    const sem = bySlot(s.semctl(0, 0, IPC_INFO) as number, (i) => s.semctl(i, 0, SEM_STAT_ANY) as SemidDs).map((d) => ({
      id: d.id as number,
      key: d.key,
      mode: d.mode & PERMISSIONS,
      values: s.semctl(d.id as number, 0, GETALL) as number[],
    }));
    const shm = bySlot(s.shmctl(0, IPC_INFO) as number, (i) => s.shmctl(i, SHM_STAT_ANY) as ShmidDs).map((d) => {
      const at = s.shmat(d.id as number, null, SHM_RDONLY);
      const bytes = s.load(at, d.segsz);
      s.shmdt(at);
      let n = bytes.length;
      while (n > 0 && bytes[n - 1] === 0) n--;
      return {
        id: d.id as number,
        key: d.key,
        mode: d.mode & PERMISSIONS,
        bytes: d.segsz,
        data: [...bytes.subarray(0, n)],
      };
    });
    return { settings, msg, sem, shm };
  });
}

/** Directories and files below a directory, those above first. */
function tree(s: NsCalls, top: string, path = ""): { path: string; mode: number; text: string | null }[] {
  return s.readdir(`${top}${path}`).flatMap((name) => {
    const at = `${path}/${name}`;
    const { mode } = s.stat(`${top}${at}`);
    if ((mode & 0o170000) !== 0o040000) return [{ path: at, mode: mode & 0o7777, text: s.readText(`${top}${at}`) }];
    const own = { path: at, mode: mode & 0o7777, text: null };
    return s.stat(`${top}${at}`).dev === s.stat(top).dev ? [own, ...tree(s, top, at)] : [own];
  });
}

function dumpMounts(kernel: NsKernel, init: Task): MountImage[] {
  const s = kernel.sys(kernel.init);
  const lines = s.readText(`/proc/${init.nr}/mountinfo`).trim().split("\n");
  return lines.map((line) => {
    const [left, right] = line.split(" - ");
    const [, , , , mountpoint, options] = left.split(" ");
    const [type, source, superOptions] = right.split(" ");
    const files = type === "tmpfs" ? tree(s, `/proc/${init.nr}/root${mountpoint === "/" ? "" : mountpoint}`) : [];
    return { mountpoint, type, source, options, superOptions, files };
  });
}

const fieldOf = (status: string, name: string): string[] =>
  (new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "").trim().split(/\s+/);

/** Tasks of a pid namespace, parents before children. */
function members(kernel: NsKernel, init: Task): Task[] {
  const ns = kernel.tasks.pidNsOf(init);
  return [...ns.pids.keys()].sort((a, b) => a - b).map((nr) => ns.pids.get(nr)?.task as Task);
}

export function dumpContainer(kernel: NsKernel, init: Task): ContainerImage {
  const s = kernel.sys(kernel.init);
  const uts: UtsImage[] = [];
  const utsOf = new Map<string, number>();
  const tasks: TaskImage[] = members(kernel, init).map((t) => {
    const dir = `/proc/${t.nr}`;
    const link = s.readlink(`${dir}/ns/uts`);
    if (!utsOf.has(link)) {
      utsOf.set(link, uts.length);
      uts.push(inside(kernel, t, ["uts"], (x) => ({ nodename: x.uname().nodename, domainname: x.uname().domainname })));
    }
    const status = inside(kernel, init, ["user"], (x) => x.readText(`${dir}/status`));
    const nspid = fieldOf(status, "NSpid");
    const parent = Number(fieldOf(status, "PPid")[0]);
    const above = parent === 0 ? [] : fieldOf(s.readText(`/proc/${parent}/status`), "NSpid");
    return {
      pid: Number(nspid[nspid.length - 1]),
      ppid: above.length === nspid.length ? Number(above[above.length - 1]) : 0,
      comm: fieldOf(status, "Name")[0],
      uid: Number(fieldOf(status, "Uid")[0]),
      gid: Number(fieldOf(status, "Gid")[0]),
      groups: fieldOf(status, "Groups")
        .filter((g) => g !== "")
        .map(Number),
      cwd: inside(kernel, t, ["mnt"], () => s.readlink(`${dir}/cwd`)),
      uts: utsOf.get(link) as number,
    };
  });
  const outside = (file: string): string => s.readText(`/proc/${init.nr}/${file}`).replaceAll(/ +/g, " ");
  const ns = kernel.tasks.pidNsOf(init);
  return {
    tasks,
    uidMap: outside("uid_map"),
    gidMap: outside("gid_map"),
    uts,
    ipc: dumpIpc(kernel, init),
    mounts: dumpMounts(kernel, init),
    timeOffsets: s.readText(`/proc/${init.nr}/timens_offsets`),
    lastPid: ns.last,
    pidMax: ns.pidMax,
  };
}
