/** What a userfaultfd keeps: faults that wait for a page, and who waits and reads. userfaultfd(2). */
import { type Mm, WaitQueue } from "@kernelkit/core";

/** A fault that waits: it is told once per wait. */
export interface UffdFault {
  readonly serial: number;
  readonly address: number;
  readonly flags: number;
  told: boolean;
}

export class UffdContext {
  /** The handshake is done. */
  ready = false;
  released = false;
  readonly faults: UffdFault[] = [];
  /** Those whose page is missing. */
  readonly waiters: WaitQueue = new WaitQueue("userfaultfd");
  readonly readers: WaitQueue = new WaitQueue("userfaultfd read");

  constructor(readonly mm: Mm) {}

  get next(): UffdFault | undefined {
    return this.faults.find((f) => !f.told);
  }
}
