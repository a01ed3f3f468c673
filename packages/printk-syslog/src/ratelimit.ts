/**
 * Rate limits of messages: `burst` in each `interval`, the rest are counted. A window opens at the first message after the last one
 * has ended. Work in jiffies, as the kernel's. ratelimit_state; sysctl kernel.printk_ratelimit (kernel documentation).
 */
export class RatelimitState {
  /** Start of the window in ticks, -1: none yet. */
  begin = -1;
  left = 0;
  missed = 0;

  constructor(
    /** Ticks. */
    public interval: number,
    public burst: number,
    /** Suppressed ones are reported when it is given up, not when a new window opens. */
    readonly onRelease = false,
  ) {}

  /** May a message pass at tick `now`? `report(n)`: n were suppressed in the window that has ended. */
  pass(now: number, report: (missed: number) => void): boolean {
    if (this.interval <= 0 || this.burst <= 0) {
      const ok = this.interval === 0 || this.burst > 0;
      if (!ok) this.missed++;
      return ok;
    }
    if (this.begin < 0) {
      this.begin = now;
      this.left = this.burst;
    } else if (now > this.begin + this.interval) {
      this.begin = now;
      this.left = this.burst;
      if (this.missed > 0 && !this.onRelease) {
        report(this.missed);
        this.missed = 0;
      }
    }
    if (this.left > 0) {
      this.left--;
      return true;
    }
    this.missed++;
    return false;
  }
}
