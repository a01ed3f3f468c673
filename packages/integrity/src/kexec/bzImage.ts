/**
 * bzImage: x86 kernel images: the boot header that kexec looks at (kernel document arch/x86/boot), and a maker of small images.
 *
 *     probeBzImage(image)                        // what kexec needs, or null: ENOEXEC
 *     makeBzImage(utf8("payload"))               // an image with EFI header that probes, can be signed, and does nothing
 */
import { putU16le, putU32le, u16le, u32le } from "../bytes.js";

/** Loaded above 1 MiB. */
const LOADED_HIGH = 1;
/** xloadflags: a 64-bit entry point; may be loaded above 4 GiB. */
const XLF_KERNEL_64 = 1;
const XLF_CAN_BE_LOADED_ABOVE_4G = 2;

export interface BzImage {
  /** Boot protocol, 0x20c and above. */
  readonly version: number;
  /** Bytes of boot sector and setup, before the protected-mode kernel. */
  readonly setupSize: number;
  /** Longest command line, without NUL. */
  readonly cmdlineSize: number;
  /** Bytes of memory the kernel needs while it starts. */
  readonly initSize: number;
  /** Alignment of the kernel in memory. */
  readonly alignment: number;
}

/** What the header says; null if kexec_file_load would answer ENOEXEC. */
export function probeBzImage(b: Uint8Array): BzImage | null {
  if (b.length < 1024) return null;
  if (u32le(b, 0x202) !== 0x53726448 || u16le(b, 0x1fe) !== 0xaa55) return null;
  const version = u16le(b, 0x206);
  if (version < 0x020c || (b[0x211] & LOADED_HIGH) === 0) return null;
  const xload = u16le(b, 0x236);
  if ((xload & XLF_KERNEL_64) === 0 || (xload & XLF_CAN_BE_LOADED_ABOVE_4G) === 0) return null;
  const setupSize = ((b[0x1f1] === 0 ? 4 : b[0x1f1]) + 1) * 512;
  if (setupSize >= b.length) return null;
  return {
    version,
    setupSize,
    cmdlineSize: u32le(b, 0x238),
    initSize: u32le(b, 0x260),
    alignment: Math.max(u32le(b, 0x230), 4096),
  };
}

const HEADERS = 4096;

/** An unsigned image: EFI and boot headers, one section of zero-padded payload. */
export function makeBzImage(payload: Uint8Array): Uint8Array {
  const size = Math.max(1, Math.ceil(payload.length / 512)) * 512;
  const b = new Uint8Array(HEADERS + size);
  b.set(payload, HEADERS);
  b[0] = 0x4d;
  b[1] = 0x5a;
  const pe = 0x40;
  putU32le(b, 0x3c, pe);
  putU32le(b, pe, 0x4550);
  putU16le(b, pe + 4, 0x8664);
  putU16le(b, pe + 6, 1);
  const opt = pe + 24;
  const dirs = 6;
  putU16le(b, pe + 20, 112 + 8 * dirs);
  // Executable, line numbers and debug stripped.
  putU16le(b, pe + 22, 0x0206);
  putU16le(b, opt, 0x20b);
  putU32le(b, opt + 4, size);
  // Entry point, code base, alignments in memory and in the file, size of the image in memory, headers, subsystem EFI application.
  putU32le(b, opt + 16, HEADERS);
  putU32le(b, opt + 20, HEADERS);
  putU32le(b, opt + 32, 4096);
  putU32le(b, opt + 36, 512);
  putU32le(b, opt + 56, HEADERS + Math.ceil(size / 4096) * 4096);
  putU32le(b, opt + 60, HEADERS);
  putU16le(b, opt + 68, 10);
  putU32le(b, opt + 108, dirs);
  const section = opt + 112 + 8 * dirs;
  b.set([0x2e, 0x74, 0x65, 0x78, 0x74], section);
  for (const [at, v] of [
    [8, size],
    [12, HEADERS],
    [16, size],
    [20, HEADERS],
    [36, 0x60000020],
  ]) {
    putU32le(b, section + at, v);
  }
  b[0x1f1] = HEADERS / 512 - 1;
  putU16le(b, 0x1fe, 0xaa55);
  putU32le(b, 0x202, 0x53726448);
  putU16le(b, 0x206, 0x020f);
  b[0x211] = LOADED_HIGH;
  putU32le(b, 0x230, 0x200000);
  b[0x234] = 1;
  putU16le(b, 0x236, XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G);
  putU32le(b, 0x238, 2047);
  putU32le(b, 0x260, Math.ceil(size / 4096) * 4096 + 0x100000);
  return b;
}
