/** Sizes as the limit files take them: a number with a suffix, or the word for "no limit". Linux's page_counter_memparse(). */
import { EINVAL, fail } from "@kernelkit/core";
import { PAGE_COUNTER_MAX } from "./pageCounter.js";

const SUFFIXES = "KMGTPE";

/** Bytes; null: `word`, no limit. EINVAL anything else. */
function memparse(text: string, word: string): bigint | null {
  const s = text.trim();
  if (s === word) return null;
  // Linux's memparse() takes what it can: nothing at all, and a suffix alone, is 0
  const m = /^(0x[0-9a-f]+|[0-9]*)([kmgtpe]?)$/i.exec(s);
  if (m === null) return fail(EINVAL);
  let digits = m[1] || "0";
  if (/^0[0-9]/.test(digits)) {
    if (!/^[0-7]+$/.test(digits)) return fail(EINVAL);
    digits = `0o${digits}`;
  }
  const shift = m[2] === "" ? 0 : 10 * (SUFFIXES.indexOf(m[2].toUpperCase()) + 1);
  return BigInt.asUintN(64, BigInt(digits) << BigInt(shift));
}

function pagesOf(bytes: bigint | null): number {
  const pages = bytes === null ? BigInt(PAGE_COUNTER_MAX) : bytes >> 12n;
  return pages > BigInt(PAGE_COUNTER_MAX) ? PAGE_COUNTER_MAX : Number(pages);
}

/** Bytes in pages, rounded down, at most PAGE_COUNTER_MAX; `word` ("max" in v2, "-1" in v1) is no limit. EINVAL anything else. */
export function memparsePages(text: string, word: string): number {
  return pagesOf(memparse(text, word));
}

/** As `memparsePages`, but rounded up: kernels before 3.19. */
export function roundUpPages(text: string, word: string): number {
  const bytes = memparse(text, word);
  return pagesOf(bytes === null ? null : bytes + 4095n);
}

/** Pages as bytes, decimal, exact. */
export function bytesOf(pages: number): string {
  return pages > 2 ** 40 ? String(BigInt(pages) * 4096n) : String(pages * 4096);
}
