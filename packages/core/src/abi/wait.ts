/**
 * wait: options of wait4(2) and waitid(2), their id types, and the parts of a status word.
 *
 * A status is `code << 8` after exit(2), the signal number (with bit 7 for a core dump) after a death by signal,
 * `sig << 8 | 0x7f` when stopped, 0xffff when continued.
 */

export const WNOHANG = 0x1;
export const WUNTRACED = 0x2;
export const WSTOPPED = 0x2;
export const WEXITED = 0x4;
export const WCONTINUED = 0x8;
export const WNOWAIT = 0x1000000;
export const __WNOTHREAD = 0x20000000;
export const __WALL = 0x40000000;
export const __WCLONE = 0x80000000;

// waitid(2): idtype.
export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;

/** The child ended by exit(2). */
export function WIFEXITED(status: number): boolean {
  return (status & 0x7f) === 0;
}
/** The low eight bits of its exit code. */
export function WEXITSTATUS(status: number): number {
  return (status >> 8) & 0xff;
}
/** The child was ended by a signal. */
export function WIFSIGNALED(status: number): boolean {
  return (((status & 0x7f) + 1) << 24) >> 25 > 0;
}
/** The signal that ended it. */
export function WTERMSIG(status: number): number {
  return status & 0x7f;
}
/** It left a core dump. */
export function WCOREDUMP(status: number): boolean {
  return (status & 0x80) !== 0;
}
/** The child is stopped. */
export function WIFSTOPPED(status: number): boolean {
  return (status & 0xff) === 0x7f;
}
/** The signal that stopped it. */
export function WSTOPSIG(status: number): number {
  return (status >> 8) & 0xff;
}
/** The child was resumed by SIGCONT. */
export function WIFCONTINUED(status: number): boolean {
  return status === 0xffff;
}
