/** What signals do when nobody says otherwise. signal(7), "Standard signals". */

/** A set of signals 1..32 as a word: bit n-1 is signal n. */
function word(...sigs: number[]): number {
  let w = 0;
  for (const s of sigs) w |= 1 << (s - 1);
  return w >>> 0;
}

// numbers, not names: 9 KILL, 19 STOP, 20 TSTP, 21 TTIN, 22 TTOU, 17 CHLD, 18 CONT, 23 URG, 28 WINCH
/** Neither caught, ignored nor blocked. */
export const SIG_KERNEL_ONLY: number = /* @__PURE__ */ word(9, 19);
/** Stop the process. */
export const SIG_KERNEL_STOP: number = /* @__PURE__ */ word(19, 20, 21, 22);
/** Do nothing by default. */
export const SIG_KERNEL_IGNORE: number = /* @__PURE__ */ word(17, 18, 23, 28);
/** Dump core by default: QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS. */
export const SIG_KERNEL_COREDUMP: number = /* @__PURE__ */ word(3, 4, 5, 6, 7, 8, 11, 24, 25, 31);
/** Caused by what the task itself does: delivered before others. SEGV BUS ILL TRAP FPE SYS. */
export const SIG_SYNCHRONOUS: number = /* @__PURE__ */ word(11, 7, 4, 5, 8, 31);

/** Is `sig` in a word of signals 1..32? */
export function sigIn(w: number, sig: number): boolean {
  return sig <= 32 && ((w >>> (sig - 1)) & 1) === 1;
}

export function validSignal(sig: number): boolean {
  return sig >= 0 && sig <= 64;
}
