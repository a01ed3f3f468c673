/**
 * powerAllocatorPid: the controller of power_allocator in the kernel's fixed point, 10 fraction bits
 * (driver-api/thermal/power_allocator, "PID Controller").
 *
 * It turns the distance to the control temperature into a power budget. Products stay below 2^53 for gains below 2^16 and
 * errors below 2000 degrees; shifts of negative numbers round down, divisions truncate towards zero, as in the kernel.
 */

const FRAC = 1024;

/** Gains: mW per millidegree with 10 fraction bits, as the files k_* show them. */
export interface PidGains {
  /** mW at which the zone neither warms nor cools. */
  readonly sustainablePower: number;
  /** Proportional gain above (overshoot) and below (undershoot) the control temperature. */
  readonly kPo: number;
  readonly kPu: number;
  readonly kI: number;
  readonly kD: number;
  /** Millidegrees: errors at or above it (the zone still far below) are not integrated. */
  readonly integralCutoff: number;
}

/** What the controller remembers; plain data. */
export interface PidState {
  errIntegral: number;
  prevErr: number;
}

/** The terms and the result of one step: p, i, d with 10 fraction bits, output in mW. */
export interface PidStep {
  readonly err: number;
  readonly p: number;
  readonly i: number;
  readonly d: number;
  readonly output: number;
}

const mulFrac = (a: number, b: number): number => Math.floor((a * b) / FRAC);

/**
 * One step.
 * @param passiveDelayMs ms between steps; 0 leaves the differential term out
 * @param maxPower mW that all actors together can take: the upper bound of the budget
 */
export function pidController(
  g: PidGains,
  s: PidState,
  temperature: number,
  controlTemp: number,
  passiveDelayMs: number,
  maxPower: number,
): PidStep {
  const err = (controlTemp - temperature) * FRAC;
  const p = mulFrac(err < 0 ? g.kPo : g.kPu, err);
  let i = mulFrac(g.kI, s.errIntegral);
  if (err < g.integralCutoff * FRAC) {
    const next = i + mulFrac(g.kI, err);
    if (Math.abs(next) < maxPower * FRAC) {
      i = next;
      s.errIntegral += err;
    }
  }
  const d = passiveDelayMs === 0 ? 0 : Math.trunc((mulFrac(g.kD, err - s.prevErr) * FRAC) / passiveDelayMs);
  s.prevErr = err;
  const budget = g.sustainablePower + Math.floor((p + i + d) / FRAC);
  return { err: controlTemp - temperature, p, i, d, output: Math.min(Math.max(budget, 0), maxPower) };
}

/** Gains Linux estimates where a zone gives none. Temperatures in millidegrees, power in mW. */
export function estimatePidGains(
  sustainablePower: number,
  switchOnTemp: number,
  controlTemp: number,
): { kPo: number; kPu: number; kI: number } {
  const range = controlTemp - switchOnTemp;
  if (range === 0) return { kPo: 0, kPu: 0, kI: 1 };
  const kPo = Math.trunc((sustainablePower * FRAC) / range);
  const kPu = Math.trunc((2 * sustainablePower * FRAC) / range);
  return { kPo, kPu, kI: Math.max(1, Math.trunc(kPu / 10)) };
}
