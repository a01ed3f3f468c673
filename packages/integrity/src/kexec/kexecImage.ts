/**
 * kexecImage: a loaded kernel: segments with their place in memory, and the digest that purgatory checks before it jumps.
 *
 *     const image = layoutImage(parts, ranges);                    // null: EADDRNOTAVAIL
 *     sealImage(image, crypto);                                    // SHA-256 over all segments but purgatory's own
 *     verifyPurgatoryDigest(image, crypto)                         // false after any change: purgatory halts for ever
 *
 * Kernel documents admin-guide/kdump, arch/x86/boot; kexec_file_load(2). Memory is the segments' own bytes. Plain data.
 */
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { equalBytes } from "../bytes.js";
import type { CryptoProvider } from "../crypto/provider.js";

const PAGE = 4096;

/** Where a segment may lie: physical memory, `end` exclusive. */
export interface MemRange {
  readonly start: number;
  readonly end: number;
}

/** Something to be loaded. */
export interface KexecPart {
  readonly name: "purgatory" | "bootparams" | "kernel" | "initrd" | "ima" | "elfcorehdr";
  readonly bytes: Uint8Array;
  /** Bytes in memory, rounded up to pages; at least those given. */
  readonly memsz: number;
  /** Power of two; default a page. */
  readonly align?: number;
  /** Lowest address. Default 0x3000. */
  readonly min?: number;
}

export class KexecSegment {
  readonly name: KexecPart["name"];
  /** What was loaded, and what purgatory finds in memory later: a stray write changes it. */
  readonly bytes: Uint8Array;
  readonly mem: number;
  /** Bytes; what `bytes` does not fill is zero. */
  readonly memsz: number;

  constructor(name: KexecPart["name"], bytes: Uint8Array, mem: number, memsz: number) {
    this.name = name;
    this.bytes = bytes;
    this.mem = mem;
    this.memsz = memsz;
  }
}

export class KexecImage {
  readonly segments: KexecSegment[] = [];
  /** SHA-256 that purgatory holds; empty before `sealImage`, and for what kexec_load(2) brought. */
  digest: Uint8Array = new Uint8Array(0);
  /** The (address, length) pairs purgatory hashes. */
  regions: { start: number; len: number }[] = [];
  /** Loaded for a panic, into the reserved region. */
  crash: boolean = false;
  /** The command line, without NUL. */
  cmdline: string = "";
}

/** The highest free place for a segment in the ranges, clear of those placed before; -1 if there is none. */
function findHole(
  size: number,
  align: number,
  min: number,
  ranges: readonly MemRange[],
  taken: readonly KexecSegment[],
): number {
  for (let i = ranges.length - 1; i >= 0; i--) {
    const low = Math.max(ranges[i].start, min);
    let at = Math.floor((ranges[i].end - size) / align) * align;
    while (at >= low) {
      const clash = taken.find((s) => at < s.mem + s.memsz && s.mem < at + size);
      if (clash === undefined) return at;
      at = Math.floor((clash.mem - size) / align) * align;
    }
  }
  return -1;
}

/** Places the parts, each as high as it fits, in their order. Null if one finds no room (EADDRNOTAVAIL). */
export function layoutImage(parts: readonly KexecPart[], ranges: readonly MemRange[]): KexecImage | null {
  const image = new KexecImage();
  for (const p of parts) {
    const memsz = Math.ceil(Math.max(p.memsz, p.bytes.length) / PAGE) * PAGE;
    const mem = findHole(memsz, p.align ?? PAGE, p.min ?? 0x3000, ranges, image.segments);
    if (mem < 0) return null;
    image.segments.push(new KexecSegment(p.name, p.bytes, mem, memsz));
  }
  return image;
}

/** The segments purgatory vouches for: not itself, and not the measurement list, which still grows after loading. */
function hashed(s: KexecSegment): boolean {
  return s.name !== "purgatory" && s.name !== "ima";
}

/** SHA-256 over all bytes in memory of the segments, zero fill included. */
export function segmentsDigest(image: KexecImage, crypto: CryptoProvider): Uint8Array {
  const h = crypto.hasher(HASH_ALGO_SHA256);
  const zeros = new Uint8Array(PAGE);
  for (const s of image.segments) {
    if (!hashed(s)) continue;
    h.update(s.bytes);
    for (let left = s.memsz - s.bytes.length; left > 0; left -= PAGE) h.update(zeros.subarray(0, Math.min(left, PAGE)));
  }
  return h.digest();
}

/** Stores digest and regions where purgatory will look for them. */
export function sealImage(image: KexecImage, crypto: CryptoProvider): void {
  image.regions = image.segments.filter(hashed).map((s) => ({ start: s.mem, len: s.memsz }));
  image.digest = segmentsDigest(image, crypto);
}

/** What purgatory does before it jumps to the new kernel: true if nothing has changed since loading; else it never jumps. */
export function verifyPurgatoryDigest(image: KexecImage, crypto: CryptoProvider): boolean {
  const regions = image.segments.filter(hashed);
  if (regions.length !== image.regions.length) return false;
  for (let i = 0; i < regions.length; i++) {
    if (regions[i].mem !== image.regions[i].start || regions[i].memsz !== image.regions[i].len) return false;
  }
  return equalBytes(segmentsDigest(image, crypto), image.digest);
}
