/** What the files of v1 and v2 have in common: definitions by a getter and a setter, and bringing usage below a new limit. */
import {
  type CgroupFile,
  type Css,
  type Ctx,
  EINVAL,
  Errno,
  fail,
  kstrtoint,
  kstrtoul,
  type OpenFile,
} from "@kernelkit/core";
import type { MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { memparsePages } from "./memparse.js";
import type { PageCounter } from "./pageCounter.js";
import { reclaimSubtree } from "./reclaim.js";

export type StoreResult = ReturnType<NonNullable<CgroupFile["store"]>>;

export const memcgOf = (css: Css | null): MemCgroup => (css as Css).data as MemCgroup;

/** A file that shows something of a group. */
export function shown(
  name: string,
  show: (m: MemCgroup, file: OpenFile, c: Ctx) => string,
  onRoot = false,
): CgroupFile {
  return {
    name,
    mode: 0o444,
    ...(onRoot ? {} : { notOnRoot: true }),
    show: (c, _g, css, file) => show(memcgOf(css), file, c),
  };
}

/** A file that can be written too. */
export function setting(
  name: string,
  show: (m: MemCgroup, file: OpenFile, c: Ctx) => string,
  store: (m: MemCgroup, text: string, c: Ctx, file: OpenFile) => StoreResult,
  onRoot = false,
): CgroupFile {
  return {
    ...shown(name, show, onRoot),
    mode: 0o644,
    store: (c, _g, css, text, file) => store(memcgOf(css), text, c, file),
  };
}

/** A file that can only be written. */
export function command(name: string, store: (m: MemCgroup, text: string, c: Ctx) => StoreResult): CgroupFile {
  return { name, mode: 0o200, store: (c, _g, css, text) => store(memcgOf(css), text, c) };
}

/** A limit in pages; `word` means none. */
export function limitFile(
  name: string,
  word: string,
  show: (pages: number) => string,
  get: (m: MemCgroup) => number,
  set: (m: MemCgroup, pages: number, c: Ctx) => StoreResult,
  onRoot = false,
): CgroupFile {
  return setting(
    name,
    (m) => show(get(m)),
    (m, text, c) => set(m, memparsePages(text, word), c),
    onRoot,
  );
}

/** v1: a number between two bounds as it stands, no blanks around it. EINVAL, ERANGE. */
export function numberIn(text: string, min: number, max: number): number {
  const n = kstrtoul(text, 0);
  if (n instanceof Errno) return fail(n.nr);
  return n < BigInt(min) || n > BigInt(max) ? fail(EINVAL) : Number(n);
}

/** v2: 0 or 1, with blanks around it. EINVAL, ERANGE. */
export function bitIn(text: string): boolean {
  const n = kstrtoint(text.trim(), 0);
  if (n instanceof Errno) return fail(n.nr);
  return n !== 0 && n !== 1 ? fail(EINVAL) : n === 1;
}

/** Reclaims until a counter fits, 16 rounds without result at most: true, false (it does not fit), or a sleep for writeback. */
export function reclaimTo(
  s: MemcgSystem,
  m: MemCgroup,
  counter: PageCounter,
  pages: number,
  c: Ctx,
): boolean | "sleep" {
  const f = c.part("reclaimTo", () => ({ tries: 16, waits: 0 }));
  s.drainAll();
  while (counter.usage > pages) {
    if (f.tries <= 0) break;
    const want = counter.usage - pages;
    if (reclaimSubtree(s, m, { want, c, maySwap: counter === m.memory }) > 0) continue;
    f.tries--;
    if (s.pendingIo > 0 && f.waits++ < MAX_IO_WAITS) {
      c.sleep(null, s.k.time.nextTick());
      return "sleep";
    }
  }
  c.endPart("reclaimTo");
  return counter.usage <= pages;
}

/** Ticks that a write of a limit waits for dirty pages to be written. */
const MAX_IO_WAITS = 1000;
