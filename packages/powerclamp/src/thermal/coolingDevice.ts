/**
 * coolingDevice: something that can cool, in steps 0..max_state (driver-api/thermal/sysfs-api).
 *
 * Its driver is an ops table without state of its own. A device may be bound to trips of several zones; it is set to the
 * highest state any of them asks for, and only when one of them changes what it asks - a user's write stands until then.
 */
import type { Ctx, Wait } from "@kernelkit/core";
import type { CoolingStats } from "./coolingStats.js";
import { NO_TARGET, type ThermalInstance } from "./thermalInstance.js";

/** The driver's side. All are called with the device; errors are returned as positive errno. */
export interface CoolingOps {
  getMaxState(cdev: CoolingDevice): number;
  /** The state as the driver sees it; -1 is powerclamp's "off" and reads as the largest unsigned long inside Linux. */
  getCurState(cdev: CoolingDevice): number;
  /**
   * 0 or an errno. With a context the function may sleep (`return c.sleep(...)`, it is then called again); without one it
   * must do what it can at once and let the rest follow.
   */
  setCurState(cdev: CoolingDevice, state: number, c?: Ctx): number | Wait;
  /** Power actors (power_allocator): mW now, mW of a state, state for mW. */
  readonly power?: {
    getRequestedPower(cdev: CoolingDevice): number;
    state2power(cdev: CoolingDevice, state: number): number;
    power2state(cdev: CoolingDevice, powerMw: number): number;
  };
}

export class CoolingDevice {
  readonly instances: ThermalInstance[] = [];
  /** False: an instance has changed its target and the device has yet to be set. */
  updated = true;
  /** errno that the next setCurState fails with; 0 none (fault injection for tests). */
  failNext = 0;

  constructor(
    /** N of cooling_deviceN. */
    readonly id: number,
    readonly type: string,
    readonly maxState: number,
    readonly ops: CoolingOps,
    readonly stats: CoolingStats | null,
    /** The driver's plain data. */
    readonly devdata: unknown,
  ) {}

  /** Set the state through the driver, counting it in the statistics if the driver took it. */
  setState(state: number, nowNs: number, c?: Ctx): number | Wait {
    let e: number | Wait;
    if (this.failNext !== 0) {
      e = this.failNext;
      this.failNext = 0;
    } else e = this.ops.setCurState(this, state, c);
    if (e === 0) this.stats?.update(state, c === undefined ? nowNs : c.now);
    return e;
  }

  /** The highest target of all instances, 0 if none has one. */
  get wantedState(): number {
    let target = 0;
    for (const i of this.instances) if (i.target !== NO_TARGET && i.target > target) target = i.target;
    return target;
  }
}
