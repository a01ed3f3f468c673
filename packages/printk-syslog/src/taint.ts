/**
 * Taint: why messages of this kernel are to be read with care. Bits are only ever added, by the kernel and by user space (writing to
 * /proc/sys/kernel/tainted); each has a letter in the header of a stack dump. tainted-kernels, sysctl kernel.tainted.
 */

/** A flag: its letter when set and when clear, and its name in the second line since 6.12. */
interface TaintFlag {
  readonly set: string;
  readonly clear: string;
  readonly name: string;
}

const flag = (set: string, name: string, clear = " "): TaintFlag => ({ set, clear, name });

/** By bit number. */
export const TAINT_FLAGS: readonly TaintFlag[] = [
  flag("P", "PROPRIETARY_MODULE", "G"),
  flag("F", "FORCED_MODULE"),
  flag("S", "CPU_OUT_OF_SPEC"),
  flag("R", "FORCED_RMMOD"),
  flag("M", "MACHINE_CHECK"),
  flag("B", "BAD_PAGE"),
  flag("U", "USER"),
  flag("D", "DIE"),
  flag("A", "OVERRIDDEN_ACPI_TABLE"),
  flag("W", "WARN"),
  flag("C", "CRAP"),
  flag("I", "FIRMWARE_WORKAROUND"),
  flag("O", "OOT_MODULE"),
  flag("E", "UNSIGNED_MODULE"),
  flag("L", "SOFTLOCKUP"),
  flag("K", "LIVEPATCH"),
  flag("X", "AUX"),
  flag("T", "RANDSTRUCT"),
  flag("N", "TEST"),
  flag("J", "FWCTL"),
];
export const TAINT_USER = 6;
export const TAINT_DIE = 7;
export const TAINT_WARN = 9;
/** All bits that mean something. */
export const TAINT_MASK: number = 2 ** TAINT_FLAGS.length - 1;

/** "Not tainted", or "Tainted: " and every position's letter. */
export function printTainted(taint: number): string {
  if (taint === 0) return "Not tainted";
  return `Tainted: ${TAINT_FLAGS.map((f, i) => ((taint >>> i) & 1 ? f.set : f.clear)).join("")}`;
}

/** "Tainted: [U]=USER, [W]=WARN": the line below the header; "" if nothing is set. */
export function printTaintedVerbose(taint: number): string {
  if (taint === 0) return "";
  const set = TAINT_FLAGS.filter((_, i) => (taint >>> i) & 1);
  return `Tainted: ${set.map((f) => `[${f.set}]=${f.name}`).join(", ")}`;
}
