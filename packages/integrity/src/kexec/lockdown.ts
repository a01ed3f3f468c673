/**
 * lockdown: how much root may change of the running kernel (kernel_lockdown(7)): none, integrity, confidentiality; it may only rise.
 */

export const LOCKDOWN_NONE = 0;
/** Nothing may change the kernel: no unsigned kexec, no kexec_load(2). */
export const LOCKDOWN_INTEGRITY = 1;

/** By number. */
export const lockdownName: readonly string[] = ["none", "integrity", "confidentiality"];

/** /sys/kernel/security/lockdown: the levels, the one in force in brackets. */
export function showLockdown(level: number): string {
  return `${lockdownName.map((n, i) => (i === level ? `[${n}]` : n)).join(" ")}\n`;
}

/** Level of a word, with an optional newline; -1 if it is none. */
export function parseLockdown(text: string): number {
  return lockdownName.indexOf(text.replace(/\n$/, ""));
}
