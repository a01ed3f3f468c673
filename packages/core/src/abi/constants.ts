/**
 * constants: every constant of the system call interface under its Linux name, x86-64. One file per topic; this one only
 * re-exports them, so that `import { O_CREAT, CLONE_NEWUSER } from ...` needs no knowledge of the files. Plain constants: a
 * bundler keeps only what is used.
 */
export * from "./capability.js";
export * from "./fcntl.js";
export * from "./ioctl.js";
export * from "./ipc.js";
export * from "./magic.js";
export * from "./mman.js";
export * from "./mount.js";
export * from "./numa.js";
export * from "./poll.js";
export * from "./prctl.js";
export * from "./random.js";
export * from "./reboot.js";
export * from "./resource.js";
export * from "./sched.js";
export * from "./seals.js";
export * from "./signal.js";
export * from "./socket.js";
export * from "./stat.js";
export * from "./syslog.js";
export * from "./time.js";
export * from "./userfaultfd.js";
export * from "./wait.js";
export * from "./xattr.js";
