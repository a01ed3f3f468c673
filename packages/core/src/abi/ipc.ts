/**
 * ipc: System V IPC, sysvipc(7): flags and commands of msgget(2), semget(2), shmget(2) and their controls.
 */

export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;

export const IPC_RMID = 0;
export const IPC_SET = 1;
export const IPC_STAT = 2;
export const IPC_INFO = 3;
export const SEM_UNDO = 4096;
export const GETPID = 11;
export const GETVAL = 12;
export const GETALL = 13;
export const SETVAL = 16;
export const SETALL = 17;

// shmat(2)
export const SHM_RDONLY = 0o10000;
export const SHM_RND = 0o20000;
export const SHM_REMAP = 0o40000;
export const SHM_EXEC = 0o100000;
