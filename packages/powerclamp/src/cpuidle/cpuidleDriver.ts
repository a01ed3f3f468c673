/**
 * cpuidleDriver: idle states for the kernel's CPUs, and the link from what CPUs do to the power machine
 * (admin-guide/pm/cpuidle, admin-guide/pm/intel_idle).
 *
 * Core's state 0 is POLL; state i + 1 is entry i of the table. Forced idle takes the deepest state its latency limit allows,
 * natural idle what the expected sleep is worth. The expectation is the mean of recent sleeps of that CPU: a model of the
 * menu governor, without its corrections.
 * Command line: `intel_idle.max_cstate=N`, `idle=halt` (C1 alone), `idle=poll`.
 */
import type { Core } from "@kernelkit/core";
import type { PlayIdle } from "../idleInject/playIdle.js";
import type { PowerMachine } from "../power/powerMachine.js";
import type { CState } from "./cstateTables.js";
import { findDeepestState, limitStates, menuSelect } from "./selectState.js";

/** First expectation of a CPU that has never slept, ns. */
const FIRST_EXPECTATION_NS = 10e6;
const MAX_STATES = 16;

/** The table a command line leaves of a processor's. */
export function statesFor(k: Core, table: readonly CState[]): readonly CState[] {
  const idle = k.cmdline.get("idle");
  if (idle === "poll") return [];
  if (idle === "halt") return table.slice(0, 1);
  const max = k.cmdline.get("intel_idle.max_cstate");
  return max === undefined || !/^\d+$/.test(max) ? table : limitStates(table, Number(max));
}

export class CpuidleDriver {
  static readonly transient: readonly string[] = ["k", "machine", "play"];
  /** Mean of the CPU's recent natural sleeps, ns. */
  readonly expectedNs: Float64Array;
  private readonly since: Float64Array;
  /** 1: the state is switched off for the CPU, [cpu * 16 + index into the table]. */
  readonly disabled: Uint8Array;

  constructor(
    private readonly k: Core,
    private readonly machine: PowerMachine,
    private readonly play: PlayIdle,
  ) {
    const { cpus, hooks, idle } = k;
    const { states } = machine;
    this.expectedNs = new Float64Array(cpus.nr).fill(FIRST_EXPECTATION_NS);
    this.since = new Float64Array(cpus.nr);
    this.disabled = new Uint8Array(cpus.nr * MAX_STATES);
    idle.states = [{ name: "POLL", exitLatencyNs: 0, residencyNs: 0 }];
    for (const s of states)
      idle.states.push({
        name: s.name,
        exitLatencyNs: s.exitLatencyUs * 1000,
        residencyNs: s.targetResidencyUs * 1000,
      });
    hooks.idleSelect.tap(900, "powerclamp.cpuidle", (cpu) => this.select(cpu) + 1);
    hooks.idleEnter.tap(900, "powerclamp.cpuidle", (cpu, state) => {
      this.since[cpu] = this.k.now;
      this.machine.set(cpu, state - 1, this.k.now);
    });
    hooks.idleExit.tap(900, "powerclamp.cpuidle", (cpu) => this.exit(cpu));
    // a dead CPU waits in the deepest state
    hooks.cpuDead.tap(900, "powerclamp.cpuidle", (cpu) =>
      this.machine.set(cpu, this.machine.states.length - 1, this.k.now),
    );
    hooks.cpuOnline.tap(100, "powerclamp.cpuidle", (cpu) => this.machine.set(cpu, -1, this.k.now));
  }

  /** All CPUs idle at boot: put the machine where core has them. */
  boot(): void {
    const { cpus } = this.k;
    for (let cpu = 0; cpu < cpus.nr; cpu++) {
      if (cpus.curr[cpu] !== null) continue;
      cpus.idleState[cpu] = this.select(cpu) + 1;
      this.machine.set(cpu, cpus.idleState[cpu] - 1, this.k.now);
    }
  }

  private select(cpu: number): number {
    const { states } = this.machine;
    const off = this.anyDisabled ? (i: number): boolean => this.disabled[cpu * MAX_STATES + i] === 1 : undefined;
    if (this.play.active[cpu] === 1) return findDeepestState(states, this.play.latencyNs[cpu] / 1000, off);
    return menuSelect(states, this.expectedNs[cpu], undefined, off);
  }

  private anyDisabled = false;

  isDisabled(cpu: number, index: number): boolean {
    return this.disabled[cpu * MAX_STATES + index] === 1;
  }

  /** `cpuN/cpuidle/stateI/disable`, by index into the table. */
  setDisabled(cpu: number, index: number, off: boolean): void {
    this.disabled[cpu * MAX_STATES + index] = off ? 1 : 0;
    this.anyDisabled = this.disabled.includes(1);
  }

  private exit(cpu: number): void {
    const { now } = this.k;
    if (this.play.active[cpu] === 0) this.expectedNs[cpu] += (now - this.since[cpu] - this.expectedNs[cpu]) / 4;
    this.machine.set(cpu, -1, now);
  }
}
