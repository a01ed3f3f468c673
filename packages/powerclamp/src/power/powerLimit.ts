/**
 * powerLimit: the limit a package holds by itself, RAPL's PL1 - the hardware rival of idle injection and of controllers in
 * user space (Documentation/power/powercap; Intel SDM vol. 3, "Package power limit").
 *
 * A running average over the time window is compared with the limit a few times per window, and the P-state is moved by one
 * step. A model of what firmware does; nothing happens, and no event is armed, while the limit is above what the package can draw.
 */
import { type Core, EV_HRTIMER } from "@kernelkit/core";
import { PKG } from "./packagePower.js";
import type { PowerMachine } from "./powerMachine.js";

/** One constraint of a package: plain state. */
export class PowerLimit {
  /** J of the package at the last look, and when that was (ns). */
  lastJ = 0;
  lastNs = 0;
  /** Running average, W. */
  averageW = 0;
  timer = -1;

  constructor(
    readonly pkg: number,
    public limitUw: number,
    public windowUs: number,
    public enabled: boolean,
  ) {}
}

/** Looks per time window, and the shortest time between two, ns. */
const LOOKS_PER_WINDOW = 8;
const MIN_LOOK_NS = 1e6;
/** Room that must be left before the P-state is raised again, part of the limit. */
const HEADROOM = 0.05;

export class PowerLimits {
  static readonly transient: readonly string[] = ["k", "machine", "hLook"];
  readonly limits: PowerLimit[];
  private readonly hLook: number;

  constructor(
    private readonly k: Core,
    private readonly machine: PowerMachine,
  ) {
    k.state.class(PowerLimit);
    this.limits = machine.packages.map((_, pkg) => new PowerLimit(pkg, this.tdpUw(pkg), DEFAULT_WINDOW_US, true));
    this.hLook = k.events.define("powercap.limit", (l) => this.look(l as PowerLimit));
  }

  /** What the package draws when all its cores are busy at the fastest P-state and 80 °C, µW, in whole watts. */
  tdpUw(pkg: number): number {
    const { model, pkgCpus } = this.machine;
    return Math.ceil(model.c0(0, 80, 1) * pkgCpus[pkg] + model.uncoreW + model.graphicsW) * 1e6;
  }

  /** Limit, window or switch have changed. */
  changed(l: PowerLimit): void {
    const active = l.enabled && l.limitUw < this.tdpUw(l.pkg);
    if (active && l.timer < 0) {
      l.lastNs = this.k.now;
      l.lastJ = this.machine.joules(l.pkg, PKG, l.lastNs);
      l.averageW = this.machine.watts(l.pkg, l.lastNs);
      this.arm(l);
    } else if (!active && l.timer >= 0) {
      this.k.events.cancel(l.timer);
      l.timer = -1;
      this.machine.setPstate(l.pkg, 0, this.k.now);
    }
  }

  private arm(l: PowerLimit): void {
    const step = Math.max(MIN_LOOK_NS, Math.floor((l.windowUs * 1000) / LOOKS_PER_WINDOW));
    l.timer = this.k.events.at(this.k.now + step, EV_HRTIMER, this.hLook, l);
  }

  private look(l: PowerLimit): void {
    const { machine, k } = this;
    const { now } = k;
    const j = machine.joules(l.pkg, PKG, now);
    const w = (j - l.lastJ) / ((now - l.lastNs) * 1e-9);
    l.averageW += (w - l.averageW) / LOOKS_PER_WINDOW;
    l.lastJ = j;
    l.lastNs = now;
    const limit = l.limitUw / 1e6;
    const p = machine.packages[l.pkg].pstate;
    if (l.averageW > limit && p < machine.model.pstates.length - 1) machine.setPstate(l.pkg, p + 1, now);
    else if (l.averageW < limit * (1 - HEADROOM) && p > 0) machine.setPstate(l.pkg, p - 1, now);
    this.arm(l);
  }
}

/** 28 s, as long-term constraints have on most machines. */
export const DEFAULT_WINDOW_US = 27_983_872;
