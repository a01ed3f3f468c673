/**
 * crashkernel: the boot parameter that reserves memory for a kernel that takes over after a panic
 * (kernel documents admin-guide/kdump, admin-guide/kernel-parameters).
 *
 *     parseCrashkernel("256M", ram)                            // { size, base: null }
 *     parseCrashkernel("1G-4G:192M,4G-:256M@16M", ram)         // by the size of RAM, at 16 MiB
 */

export interface CrashReservation {
  /** Bytes. */
  readonly size: number;
  /** Address that was asked for, null if anywhere will do. */
  readonly base: number | null;
}

const units: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** memparse: a number, decimal or 0x, with K, M, G or T. Null if the text is none. */
function memparse(text: string): number | null {
  const m = /^(0[xX][0-9a-fA-F]+|\d+)([KMGTkmgt]?)$/.exec(text);
  return m === null ? null : Number(m[1]) * (m[2] === "" ? 1 : units[m[2].toUpperCase()]);
}

/**
 * What a `crashkernel=` asks for on a machine with `ram` bytes. Null for a value that does not parse and for ranges without this machine.
 * `,high` and `,low` are taken as a plain size: there is one region.
 */
export function parseCrashkernel(value: string, ram: number): CrashReservation | null {
  const at = value.indexOf("@");
  const base = at < 0 ? null : memparse(value.slice(at + 1));
  if (at >= 0 && base === null) return null;
  const spec = at < 0 ? value : value.slice(0, at);
  if (!spec.includes(":")) {
    const size = memparse(spec.replace(/,(high|low)$/, ""));
    return size === null || size === 0 ? null : { size, base };
  }
  for (const range of spec.split(",")) {
    const m = /^([^-:]+)-([^:]*):(.+)$/.exec(range);
    if (m === null) return null;
    const start = memparse(m[1]);
    const end = m[2] === "" ? Number.POSITIVE_INFINITY : memparse(m[2]);
    const size = memparse(m[3]);
    if (start === null || end === null || size === null) return null;
    if (ram >= start && ram < end) return size === 0 ? null : { size, base };
  }
  return null;
}
