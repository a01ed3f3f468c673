/** Invariants of the memory controller, checked from scratch: for tests. Throws an Error that names the first that does not hold. */
import { PG_LRU, PG_TABLE, PG_TAIL } from "@kernelkit/core";
import type { MemcgSystem } from "./memcgSystem.js";
import type { PageCounter } from "./pageCounter.js";
import { S_ANON, S_FILE, S_KERNEL, S_KERNEL_STACK, S_LRU, statValue } from "./stats.js";

function expect(what: string, is: number, should: number): void {
  if (is !== should) throw new Error(`${what}: ${is}, should be ${should}`);
}

/** Each page that is on a list is on exactly one, of the group that pays for it. */
function checkLists(s: MemcgSystem): void {
  const { frames } = s.k.mm;
  const { flags } = frames;
  const seen = new Uint8Array(frames.nr);
  for (const m of s.groups) {
    if (!m) continue;
    for (let lru = 0; lru < 5; lru++) {
      let n = 0;
      let entries = 0;
      s.lists.forEach(m.lru, lru, (pfn, place) => {
        if (seen[pfn]++ !== 0) throw new Error(`page ${pfn} is on two lists`);
        expect(`place of page ${pfn}`, s.lists.pos[pfn], place);
        if (s.k.mm.lruOf(pfn) !== lru)
          throw new Error(`page ${pfn} is on list ${lru}, should be on ${s.k.mm.lruOf(pfn)}`);
        if (s.owner[pfn] !== m.id)
          throw new Error(`page ${pfn} is on a list of ${m.css.cgroup.path}, which does not pay`);
        n += frames.pages(pfn);
        entries++;
      });
      expect(`entries of list ${lru}`, m.lru.entries[lru], entries);
      expect(`pages on list ${lru} of ${m.css.cgroup.path}`, m.size[lru], n);
      expect(`statistic of list ${lru} of ${m.css.cgroup.path}`, m.local[S_LRU + lru], n);
    }
  }
  for (let pfn = 0; pfn < frames.nr; pfn++)
    if ((flags[pfn] & PG_LRU) === 0 ? seen[pfn] !== 0 : seen[pfn] !== 1) throw new Error(`page ${pfn} is on no list`);
}

/** What each group is charged: its pages, kernel objects and stacks, what the CPUs hold for it, and its children's. */
function checkUsage(s: MemcgSystem): void {
  const { frames } = s.k.mm;
  const own = new Int32Array(s.groups.length);
  const kernel = new Int32Array(s.groups.length);
  const { flags } = frames;
  for (let pfn = 0; pfn < frames.nr; pfn++) {
    const id = s.owner[pfn];
    if (id === 0 || (flags[pfn] & PG_TAIL) !== 0) continue;
    own[id] += frames.pages(pfn);
    if ((flags[pfn] & PG_TABLE) !== 0) kernel[id]++;
  }
  for (const m of s.groups) {
    if (!m || m.isRoot) continue;
    const where = m.css.cgroup.path;
    const objects = m.objPages + m.local[S_KERNEL_STACK];
    expect(`pages for objects of ${where}`, m.objPages, Math.ceil(m.objBytes / 4096));
    let stock = 0;
    for (const st of s.stocks) if (st.memcg === m) stock += st.pages;
    let below = 0;
    let kmemBelow = 0;
    let swapBelow = 0;
    for (const kid of m.kids) {
      below += kid.memory.usage;
      kmemBelow += kid.kmem.usage;
      swapBelow += kid.swap.usage;
    }
    expect(`usage of ${where}`, m.memory.usage, own[m.id] + objects + stock + below);
    expect(`kernel memory of ${where}`, m.kmem.usage, kernel[m.id] + objects + kmemBelow);
    expect(`swap of ${where}`, m.swap.usage, m.swapEntries + swapBelow);
    checkCounter(
      where,
      m.memory,
      [...m.kids].map((x) => x.memory),
    );
    const bytes = m.memory.usage * 4096;
    const known = statValue(m, S_ANON) + statValue(m, S_FILE) + statValue(m, S_KERNEL);
    if (known > bytes + 4096) throw new Error(`statistics of ${where}: ${known} of ${bytes} bytes`);
  }
}

function checkCounter(where: string, c: PageCounter, kids: readonly PageCounter[]): void {
  const protectedBelow = kids.reduce((n, k) => n + Math.min(k.usage, k.min), 0);
  expect(`protected memory below ${where}`, c.childrenMinUsage, protectedBelow);
  expect(
    `protected (low) memory below ${where}`,
    c.childrenLowUsage,
    kids.reduce((n, k) => n + Math.min(k.usage, k.low), 0),
  );
  if (c.watermark < c.usage) throw new Error(`peak of ${where}: ${c.watermark}, usage ${c.usage}`);
  if (c.usage < 0) throw new Error(`usage of ${where} is negative`);
}

function checkEvents(s: MemcgSystem): void {
  for (const m of s.groups) {
    if (!m || m.isRoot) continue;
    m.events.forEach((n, e) => {
      if (n < m.eventsLocal[e])
        throw new Error(`event ${e} of ${m.css.cgroup.path}: ${n} in all, ${m.eventsLocal[e]} here`);
      if (m.parent !== null && m.parent.events[e] < n)
        throw new Error(`event ${e} of ${m.css.cgroup.path} is not its parent's`);
    });
  }
}

export function checkMemcg(s: MemcgSystem): void {
  checkLists(s);
  checkUsage(s);
  checkEvents(s);
}
