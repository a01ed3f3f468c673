/**
 * What is kept of a container: plain JSON, made by looking at it from outside through /proc and by entering its namespaces, as a
 * checkpoint tool does. Restored by restoreContainer.ts with nothing but system calls.
 */

/** One namespace that tasks of the container share. */
export interface UtsImage {
  readonly nodename: string;
  readonly domainname: string;
}

export interface MessageQueueImage {
  readonly id: number;
  readonly key: number;
  readonly mode: number;
  readonly messages: readonly { readonly type: number; readonly data: readonly number[] }[];
}
export interface SemImage {
  readonly id: number;
  readonly key: number;
  readonly mode: number;
  readonly values: readonly number[];
}
export interface ShmImage {
  readonly id: number;
  readonly key: number;
  readonly mode: number;
  readonly bytes: number;
  /** Up to its last byte that is not zero. */
  readonly data: readonly number[];
}
export interface IpcImage {
  /** By name below /proc/sys. */
  readonly settings: Readonly<Record<string, string>>;
  readonly msg: readonly MessageQueueImage[];
  readonly sem: readonly SemImage[];
  readonly shm: readonly ShmImage[];
}

export interface MountImage {
  readonly mountpoint: string;
  readonly type: string;
  readonly source: string;
  /** Options of the mount ("rw,nosuid") and of the file system ("rw,size=64k"). */
  readonly options: string;
  readonly superOptions: string;
  /** Of a tmpfs: path below the mount point -> text, null for a directory; with modes. */
  readonly files: readonly { readonly path: string; readonly mode: number; readonly text: string | null }[];
}

export interface TaskImage {
  /** In the container's pid namespace. */
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  /** As the container sees them. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly cwd: string;
  /** Which of the images' uts namespaces it is in. */
  readonly uts: number;
}

export interface ContainerImage {
  readonly tasks: readonly TaskImage[];
  readonly uidMap: string;
  readonly gidMap: string;
  readonly uts: readonly UtsImage[];
  readonly ipc: IpcImage;
  readonly mounts: readonly MountImage[];
  /** monotonic and boottime lines of timens_offsets. */
  readonly timeOffsets: string;
  readonly lastPid: number;
  readonly pidMax: number;
}

/** Settings of an ipc namespace that are kept. */
export const IPC_SETTINGS: readonly string[] = [
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/sem",
  "kernel/shmmax",
  "kernel/shmall",
  "kernel/shmmni",
  "fs/mqueue/msg_max",
  "fs/mqueue/msgsize_max",
];
