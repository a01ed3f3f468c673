/** A list of dirty inodes of one bdi_writeback: b_dirty, b_io, b_more_io, b_dirty_time. New ones come to the head; flushers take from the tail. */
import type { WbInode } from "../fs/wbInode.js";

export class IoList {
  head: WbInode | null = null;
  tail: WbInode | null = null;
  count = 0;

  /** To the head, from wherever it was. */
  moveHead(wi: WbInode): void {
    unlist(wi);
    wi.list = this;
    wi.next = this.head;
    if (this.head === null) this.tail = wi;
    else this.head.prev = wi;
    this.head = wi;
    this.count++;
  }

  /** All of `from`, in order, come behind the head end: their oldest will be taken after ours. list_splice_init(). */
  spliceHead(from: IoList): void {
    for (let wi = from.tail; wi !== null; ) {
      const prev: WbInode | null = wi.prev;
      this.moveHead(wi);
      wi = prev;
    }
  }

  get empty(): boolean {
    return this.head === null;
  }
}

/** Take it off its list. */
export function unlist(wi: WbInode): void {
  const l = wi.list;
  if (l === null) return;
  if (wi.prev === null) l.head = wi.next;
  else wi.prev.next = wi.next;
  if (wi.next === null) l.tail = wi.prev;
  else wi.next.prev = wi.prev;
  wi.prev = wi.next = wi.list = null;
  l.count--;
}
