/** What a CPU holds charged in advance: at most 64 pages of one group, so that most charges touch no counter. */
import type { MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { pageCounterUncharge } from "./pageCounter.js";

/** Pages that are charged at a time. MEMCG_CHARGE_BATCH. */
export const CHARGE_BATCH = 64;

export class Stock {
  memcg: MemCgroup | null = null;
  pages = 0;
}

function giveBack(m: MemCgroup, n: number): void {
  pageCounterUncharge(m.memory, n);
  if (!m.v2) pageCounterUncharge(m.memsw, n);
}

export function drainStock(s: Stock): void {
  if (s.memcg !== null && s.pages > 0) giveBack(s.memcg, s.pages);
  s.memcg = null;
  s.pages = 0;
}

/** The stock of the CPU that works. */
export function stockOf(s: MemcgSystem): Stock {
  return s.stocks[s.k.currentCpu] ?? s.stocks[0];
}

/** n charged pages are left over: into the stock, or back when that is full. */
export function refill(s: MemcgSystem, m: MemCgroup, n: number): void {
  const stock = stockOf(s);
  if (stock.memcg !== m) {
    drainStock(stock);
    stock.memcg = m;
  }
  stock.pages += n;
  if (stock.pages <= CHARGE_BATCH) return;
  giveBack(m, stock.pages);
  stock.pages = 0;
}
