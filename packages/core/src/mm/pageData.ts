/** Bytes of anonymous pages: kept in `k.mm.pageData` only for pages that were stored to (PG_DATA); the others are zeros. */
import { type PageData, widened } from "./addressSpace.js";
import { PG_DATA } from "./frames.js";
import type { MmSystem } from "./mmSystem.js";

/** Give a page a copy of these bytes. */
export function copyPageData(m: MmSystem, d: PageData, to: number): void {
  if (d === null || d === 0) return;
  m.pageData.set(to, typeof d === "number" ? d : d.slice());
  m.frames.flags[to] |= PG_DATA;
}

/** The bytes of a private page, to write into. */
export function anonBytes(m: MmSystem, pfn: number): Uint8Array {
  const d = (m.frames.flags[pfn] & PG_DATA) !== 0 ? (m.pageData.get(pfn) as PageData) : null;
  if (d !== null && typeof d === "object" && d.length === 4096) return d;
  const b = widened(d, 4096);
  m.pageData.set(pfn, b);
  m.frames.flags[pfn] |= PG_DATA;
  return b;
}

/** The bytes of a frame move to another one (migration). */
export function movePageData(m: MmSystem, from: number, to: number): void {
  if ((m.frames.flags[from] & PG_DATA) === 0) return;
  m.pageData.set(to, m.pageData.get(from) as PageData);
  m.pageData.delete(from);
  m.frames.flags[from] &= ~PG_DATA;
  m.frames.flags[to] |= PG_DATA;
}

/** Bytes of the page that a present entry maps, wherever they are kept. */
export function dataOf(m: MmSystem, pfn: number): PageData {
  const mapping = m.mappingOf(pfn);
  if (mapping !== null) return mapping.data(m.indexOf(pfn));
  return (m.frames.flags[pfn] & PG_DATA) !== 0 ? (m.pageData.get(pfn) ?? null) : null;
}
