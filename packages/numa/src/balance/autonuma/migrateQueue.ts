/**
 * The pages that are to move: a list for each pair of nodes, linked through two columns, as AutoNUMA's list_head in struct page. A page is
 * in at most one list.
 */
import type { ColumnOf, Core } from "@kernelkit/core";

export class MigrateQueue {
  private readonly next: ColumnOf<"Int32">;
  private readonly prev: ColumnOf<"Int32">;
  /** Node a page is queued for, plus one; 0: it is not. */
  readonly wanted: ColumnOf<"Uint8">;
  /** [to * nodes + from]: first and last page, 0 none; and the number of pages queued for each node. */
  readonly lists: { readonly head: Int32Array; readonly tail: Int32Array; readonly count: Int32Array };

  constructor(
    private readonly k: Core,
    private readonly nodes: number,
  ) {
    const { mm } = k;
    this.next = mm.addColumn("autonuma.next", "Int32");
    this.prev = mm.addColumn("autonuma.prev", "Int32");
    this.wanted = mm.addColumn("autonuma.migrateNid", "Uint8");
    this.lists = {
      head: new Int32Array(nodes * nodes),
      tail: new Int32Array(nodes * nodes),
      count: new Int32Array(nodes),
    };
    k.state.root("autonuma.queue", this.lists);
  }

  private listOf(pfn: number): number {
    return (this.wanted[pfn] - 1) * this.nodes + this.k.mm.nodeOf(pfn);
  }

  /** To the end of the list of its node for `nid`; off any other. */
  add(pfn: number, nid: number): void {
    if (this.wanted[pfn] === nid + 1) return;
    this.remove(pfn);
    this.wanted[pfn] = nid + 1;
    const { head, tail, count } = this.lists;
    const l = this.listOf(pfn);
    const last = tail[l];
    this.prev[pfn] = last;
    this.next[pfn] = 0;
    if (last === 0) head[l] = pfn;
    else this.next[last] = pfn;
    tail[l] = pfn;
    count[nid]++;
  }

  remove(pfn: number): void {
    if (this.wanted[pfn] === 0) return;
    const { head, tail, count } = this.lists;
    const l = this.listOf(pfn);
    const p = this.prev[pfn];
    const n = this.next[pfn];
    if (p === 0) head[l] = n;
    else this.next[p] = n;
    if (n === 0) tail[l] = p;
    else this.prev[n] = p;
    count[this.wanted[pfn] - 1]--;
    this.wanted[pfn] = 0;
    this.prev[pfn] = 0;
    this.next[pfn] = 0;
  }

  /** The page that has waited longest to go from one node to another, 0: none. */
  first(to: number, from: number): number {
    return this.lists.head[to * this.nodes + from];
  }
}
