/** Free and used blocks of a file system, and which to take: after the file's last one if that is free, else the next free one. */

export class BlockAllocator {
  private readonly bits: Uint32Array;
  /** Where the search goes on. */
  private next = 0;
  /** Blocks in use. */
  used = 0;

  constructor(readonly blocks: number) {
    this.bits = new Uint32Array(Math.ceil(blocks / 32));
  }

  isFree(block: number): boolean {
    return block >= 0 && block < this.blocks && ((this.bits[block >> 5] >>> (block & 31)) & 1) === 0;
  }

  /** A block, if it can be `goal`; -1: none is free. */
  alloc(goal: number): number {
    let b = goal;
    if (!this.isFree(b)) {
      b = this.search();
      if (b < 0) return -1;
    }
    this.bits[b >> 5] |= 1 << (b & 31);
    this.used++;
    this.next = b + 1 < this.blocks ? b + 1 : 0;
    return b;
  }

  /** After a block was taken: how many of the next n that follow it are free, and taken too. */
  allocMore(block: number, n: number): number {
    let k = 0;
    for (let b = block + 1; k < n && b < this.blocks && ((this.bits[b >> 5] >>> (b & 31)) & 1) === 0; b++, k++)
      this.bits[b >> 5] |= 1 << (b & 31);
    this.used += k;
    this.next = block + k + 1 < this.blocks ? block + k + 1 : 0;
    return k;
  }

  private search(): number {
    const words = this.bits.length;
    for (let i = 0, b = this.next; i <= words; i++) {
      const w = b >> 5;
      const free = ~this.bits[w] & (-1 << (b & 31));
      if (free !== 0) {
        const found = (w << 5) + 31 - Math.clz32(free & -free);
        if (found < this.blocks) return found;
      }
      b = w + 1 < words ? (w + 1) << 5 : 0;
    }
    return -1;
  }

  free(block: number): void {
    this.bits[block >> 5] &= ~(1 << (block & 31));
    this.used--;
  }
}
