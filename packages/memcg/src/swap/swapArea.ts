/** One swap area: its slots, how often each is used, who pays, and what is in them. swapon(2), /proc/swaps. */
import type { Inode, PageData } from "@kernelkit/core";

export class SwapArea {
  /** Page table entries that hold a slot. */
  readonly counts: Uint16Array;
  /** Group that pays for it. */
  readonly owners: Uint16Array;
  /** Shadows of the pages when they went (see workingset.ts). */
  readonly shadows: Float64Array;
  /** Bytes of pages that had any. */
  readonly data: Map<number, PageData> = new Map();
  used = 0;
  /** Where the next free slot is looked for; slot 0 is the header. */
  private next = 1;
  /** swapoff is going on: nothing new comes here. */
  closing = false;

  constructor(
    readonly name: string,
    readonly kind: "file" | "partition",
    /** Slots, the header's included. */
    readonly pages: number,
    readonly prio: number,
    /** The file it is in; null: made at boot. */
    readonly inode: Inode | null,
  ) {
    this.counts = new Uint16Array(pages);
    this.owners = new Uint16Array(pages);
    this.shadows = new Float64Array(pages);
  }

  get usable(): number {
    return this.pages - 1;
  }

  /** A free slot, marked used; 0: there is none. */
  take(owner: number): number {
    if (this.used >= this.usable) return 0;
    let i = this.next;
    while (this.owners[i] !== 0) i = i + 1 >= this.pages ? 1 : i + 1;
    this.owners[i] = owner + 1;
    this.used++;
    this.next = i + 1 >= this.pages ? 1 : i + 1;
    return i;
  }

  /** Who pays for a slot in use. */
  ownerOf(slot: number): number {
    return this.owners[slot] - 1;
  }

  give(slot: number): void {
    this.owners[slot] = 0;
    this.counts[slot] = 0;
    this.data.delete(slot);
    this.used--;
  }
}
