/**
 * selectState: which idle state a CPU enters.
 *
 * - Forced idle takes the deepest enabled state within a latency limit, whatever its target residency
 *   (`findDeepestState`, what cpuidle does for play_idle).
 * - Natural idle asks a governor: `menuSelect` takes the deepest state whose target residency fits the expected sleep and
 *   whose exit latency the limit allows (driver-api/pm/cpuidle, "menu"; its corrections and typical intervals are not modelled).
 */
import type { CState } from "./cstateTables.js";

/** No limit on exit latency: idle_inject's UINT_MAX, µs. */
export const NO_LATENCY_LIMIT = 0xffffffff;

/**
 * Index of the deepest usable state, -1 if none is (the CPU then polls).
 * @param latencyUs highest exit latency allowed, µs
 * @param disabled states switched off (by `stateN/disable` or `intel_idle.max_cstate`), by index
 */
export function findDeepestState(
  states: readonly CState[],
  latencyUs: number,
  disabled?: (index: number) => boolean,
): number {
  let best = -1;
  let latency = -1;
  for (let i = 0; i < states.length; i++) {
    const l = states[i].exitLatencyUs;
    if (l > latencyUs || l <= latency || disabled?.(i) === true) continue;
    best = i;
    latency = l;
  }
  return best;
}

/**
 * Index of the state for a sleep that is expected to last `expectedNs` (Infinity: nothing is armed), -1 to poll.
 * The shallowest enabled state is taken when even it is not worth it.
 */
export function menuSelect(
  states: readonly CState[],
  expectedNs: number,
  latencyUs: number = NO_LATENCY_LIMIT,
  disabled?: (index: number) => boolean,
): number {
  let best = -1;
  for (let i = 0; i < states.length; i++) {
    if (disabled?.(i) === true) continue;
    const s = states[i];
    if (best >= 0 && (s.targetResidencyUs * 1000 > expectedNs || s.exitLatencyUs > latencyUs)) break;
    best = i;
  }
  return best;
}

/**
 * States left by a `intel_idle.max_cstate=N` on the command line: the first N of the table (0 turns the driver off).
 * RangeError unless N is an integer >= 0.
 */
export function limitStates(states: readonly CState[], maxCstate: number): readonly CState[] {
  if (!Number.isInteger(maxCstate) || maxCstate < 0)
    throw new RangeError(`intel_idle.max_cstate must be an integer >= 0, not ${maxCstate}`);
  return states.slice(0, maxCstate);
}
