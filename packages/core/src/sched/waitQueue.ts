/**
 * Wait queues: who sleeps on what.
 *
 * A task may stand on several queues (poll); each place is a `WaitEntry`. Waking removes nothing: the woken task leaves
 * its queues itself when its call is tried again, so a spurious wake-up changes no result.
 * Exclusive sleepers are woken one (or n) at a time, after all others before them in the queue, as wait(2)-style queues do.
 */
import type { Core } from "../kernel/core.js";
import type { Task } from "../task/task.js";

/** Something other than a sleeping task that stands on queues and is told of each wake-up (an item of an epoll). */
export interface WakeTarget {
  woken(k: Core): void;
}

export class WaitEntry {
  prev: WaitEntry | null = null;
  next: WaitEntry | null = null;
  queue: WaitQueue | null = null;

  constructor(
    /** The sleeper, null if a target is told. */
    readonly task: Task | null,
    public exclusive: boolean,
    readonly target: WakeTarget | null = null,
  ) {}
}

export class WaitQueue {
  head: WaitEntry | null = null;
  tail: WaitEntry | null = null;

  /** `name` says in messages what is waited for. */
  constructor(readonly name: string) {}

  get active(): boolean {
    return this.head !== null;
  }

  add(e: WaitEntry): void {
    e.queue = this;
    if (e.exclusive || this.head === null) {
      e.prev = this.tail;
      e.next = null;
      if (this.tail === null) this.head = e;
      else this.tail.next = e;
      this.tail = e;
    } else {
      e.prev = null;
      e.next = this.head;
      this.head.prev = e;
      this.head = e;
    }
  }

  remove(e: WaitEntry): void {
    if (e.prev === null) this.head = e.next;
    else e.prev.next = e.next;
    if (e.next === null) this.tail = e.prev;
    else e.next.prev = e.prev;
    e.prev = null;
    e.next = null;
    e.queue = null;
  }
}
