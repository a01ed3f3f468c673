/**
 * powerMachine: the hardware side - CPUs in C-states, packages that follow the last of them, energy and temperature.
 *
 *     const m = new PowerMachine({ cpus: 4, packages: 1, states: cstateTables.snb, model: new PowerModel(), thermal: {} });
 *     m.set(0, 3, now);                      // CPU 0 enters state 3 (an index into `states`); -1 is C0
 *     m.residencyNs(0, later);               // package time in its C-states
 *
 * Usable without a kernel. Entering a state costs its exit latency at the power of C0 without work; the package is only as
 * deep as its shallowest CPU, from the instant the last one is in. CPUs are spread over packages in equal runs.
 * Per event: one state change, O(1) in the number of CPUs, nothing allocated.
 */
import type { CState } from "../cpuidle/cstateTables.js";
import { DOMAINS, PackagePower, PKG, RAPL_UPDATE_NS } from "./packagePower.js";
import type { PowerModel } from "./powerModel.js";
import { ThermalRc, type ThermalRcOptions } from "./thermalRc.js";

export interface PowerMachineOptions {
  readonly cpus: number;
  readonly packages: number;
  readonly states: readonly CState[];
  readonly model: PowerModel;
  readonly thermal: ThermalRcOptions;
}

/** Deepest package state that has a counter, plus one: length of the residency rows. */
const PKG_STATES = 11;
const MAX_STATES = 16;

export class PowerMachine {
  static readonly transient: readonly string[] = ["states", "model", "cpuPkg", "scratch"];
  readonly states: readonly CState[];
  readonly model: PowerModel;
  /** Package of each CPU. */
  readonly cpuPkg: Uint8Array;
  private readonly scratch: PackagePower;

  /** Index of the C-state each CPU is in, -1: C0. */
  readonly state: Int8Array;
  /** ns; when the CPU is really in its state. */
  readonly deepSince: Float64Array;
  /** ns in each C-state: [cpu * 16 + index]. */
  readonly cstateNs: Float64Array;
  readonly packages: PackagePower[] = [];
  /** ns in each package state: [pkg * 11 + number]. */
  readonly pkgNs: Float64Array;
  /** Number of CPUs of each package, and how many of them idle. */
  readonly pkgCpus: Int32Array;
  readonly idleCpus: Int32Array;
  /** Latest `deepSince` of the package's CPUs. */
  readonly lastIn: Float64Array;

  /** RangeError for 0 CPUs, more packages than CPUs, or a table of more than 16 states. */
  constructor(o: PowerMachineOptions) {
    const { cpus, packages, states } = o;
    if (!Number.isInteger(cpus) || cpus < 1) throw new RangeError(`cpus must be an integer >= 1, not ${cpus}`);
    if (!Number.isInteger(packages) || packages < 1 || packages > cpus)
      throw new RangeError(`packages must be an integer in 1..${cpus} (the number of CPUs), not ${packages}`);
    if (states.length > MAX_STATES) throw new RangeError(`a C-state table has at most ${MAX_STATES} states`);
    this.states = states;
    this.model = o.model;
    this.cpuPkg = Uint8Array.from({ length: cpus }, (_, c) => Math.floor((c * packages) / cpus));
    this.state = new Int8Array(cpus).fill(-1);
    this.deepSince = new Float64Array(cpus);
    this.cstateNs = new Float64Array(cpus * MAX_STATES);
    this.pkgNs = new Float64Array(packages * PKG_STATES);
    this.pkgCpus = new Int32Array(packages);
    for (const p of this.cpuPkg) this.pkgCpus[p]++;
    this.idleCpus = new Int32Array(packages);
    this.lastIn = new Float64Array(packages);
    for (let p = 0; p < packages; p++) {
      const pkg = new PackagePower(this.pkgCpus[p], states.length, new ThermalRc(o.thermal));
      pkg.refresh(this.model, states);
      this.packages.push(pkg);
    }
    this.scratch = new PackagePower(0, states.length, new ThermalRc(o.thermal));
  }

  get nrPackages(): number {
    return this.packages.length;
  }

  /** A CPU changes its C-state at `now` (ns): an index into `states`, or -1 for C0. */
  set(cpu: number, next: number, now: number): void {
    const old = this.state[cpu];
    if (old === next) return;
    const p = this.cpuPkg[cpu];
    const pkg = this.packages[p];
    pkg.advance(now, this.model, this.states);
    if (old >= 0) this.leave(cpu, old, p, pkg, now);
    this.state[cpu] = next;
    pkg.inState[old + 1]--;
    pkg.inState[next + 1]++;
    pkg.dirty = true;
    if (next >= 0) this.enter(cpu, next, p, pkg, now);
  }

  private leave(cpu: number, old: number, p: number, pkg: PackagePower, now: number): void {
    const in_ = this.deepSince[cpu];
    const latencyNs = this.states[old].exitLatencyUs * 1000;
    const spent = now - (in_ - latencyNs);
    if (now > in_) this.cstateNs[cpu * MAX_STATES + old] += now - in_;
    const extra = pkg.coreWatts[0] - pkg.coreWatts[old + 1];
    if (extra > 0) pkg.add(extra * Math.min(spent, latencyNs) * 1e-9);
    this.idleCpus[p]--;
    if (pkg.pkgState === 0) return;
    if (now > pkg.since) this.pkgNs[p * PKG_STATES + pkg.pkgState] += now - pkg.since;
    pkg.pkgState = 0;
  }

  private enter(cpu: number, next: number, p: number, pkg: PackagePower, now: number): void {
    const deep = now + this.states[next].exitLatencyUs * 1000;
    this.deepSince[cpu] = deep;
    if (deep > this.lastIn[p]) this.lastIn[p] = deep;
    if (++this.idleCpus[p] < this.pkgCpus[p]) return;
    let shallowest = 0;
    while (pkg.inState[shallowest + 1] === 0) shallowest++;
    pkg.pkgState = Math.min(this.states[shallowest].pkg, PKG_STATES - 1);
    pkg.since = this.lastIn[p];
  }

  /** A package's cores run at P-state `p` (index into the model's table) from `now` on. */
  setPstate(pkg: number, p: number, now: number): void {
    const n = this.model.pstates.length;
    if (!Number.isInteger(p) || p < 0 || p >= n)
      throw new RangeError(`P-state must be an integer in 0..${n - 1}, not ${p}`);
    const x = this.packages[pkg];
    x.advance(now, this.model, this.states);
    x.pstate = p;
    x.refresh(this.model, this.states);
  }

  /** How much of a core's full dynamic power busy CPUs draw (0..1), from `now` on. */
  setActivity(pkg: number, activity: number, now: number): void {
    if (!(activity >= 0 && activity <= 1)) throw new RangeError(`activity must be within 0..1, not ${activity}`);
    const x = this.packages[pkg];
    x.advance(now, this.model, this.states);
    x.activity = activity;
    x.refresh(this.model, this.states);
  }

  /** Part of the time that the clock of busy cores runs (0..1), from `now` on. */
  setDuty(pkg: number, duty: number, now: number): void {
    if (!(duty >= 0 && duty <= 1)) throw new RangeError(`duty must be within 0..1, not ${duty}`);
    const x = this.packages[pkg];
    x.advance(now, this.model, this.states);
    x.duty = duty;
    x.refresh(this.model, this.states);
  }

  // --- views: they change nothing ---

  /** The package as it is at `now`; valid until the next look. */
  at(pkg: number, now: number): PackagePower {
    this.scratch.copyFrom(this.packages[pkg]);
    this.scratch.advance(now, this.model, this.states);
    return this.scratch;
  }

  /** J of a domain (PKG, CORES, GRAPHICS, DRAM) up to `now`. */
  joules(pkg: number, domain: number, now: number): number {
    if (!(domain >= 0 && domain < DOMAINS))
      throw new RangeError(`energy domain must be 0..${DOMAINS - 1}, not ${domain}`);
    return this.at(pkg, now).joules[domain];
  }

  /** J of a domain as the counter knows it: up to its last update. */
  counterJoules(pkg: number, domain: number, now: number): number {
    const x = this.at(pkg, now);
    return now % RAPL_UPDATE_NS === 0 ? x.joules[domain] : x.latched[domain];
  }

  /** Work the package's cores have done, in seconds of one core at the fastest P-state. */
  workSeconds(pkg: number, now: number): number {
    return this.at(pkg, now).work;
  }

  /** W of the package now. */
  watts(pkg: number, now: number): number {
    const x = this.at(pkg, now);
    x.dirty = true;
    x.advance(now + 1, this.model, this.states);
    return x.watts[PKG];
  }

  /** Die and outside temperature, °C. */
  dieCelsius(pkg: number, now: number): number {
    const x = this.at(pkg, now);
    const s = (x.last - x.thermalAt) * 1e-9;
    return s > 0 ? x.rc.die((x.joules[PKG] - x.thermalJoules) / s, s) : x.rc.die();
  }

  skinCelsius(pkg: number, now: number): number {
    const x = this.at(pkg, now);
    const s = (x.last - x.thermalAt) * 1e-9;
    return s > 0 ? x.rc.skin((x.joules[PKG] - x.thermalJoules) / s, s) : x.rc.skin();
  }

  /** ns the package has been in state `n` (3, 6, ...), or in all states with a counter if `n` is left out. */
  residencyNs(pkg: number, now: number, n?: number): number {
    const x = this.packages[pkg];
    let sum = 0;
    for (let s = 1; s < PKG_STATES; s++) {
      if (n !== undefined && s !== n) continue;
      sum += this.pkgNs[pkg * PKG_STATES + s];
      if (x.pkgState === s && now > x.since) sum += now - x.since;
    }
    return sum;
  }

  /** ns a CPU has been in C-state `index`. */
  cpuResidencyNs(cpu: number, index: number, now: number): number {
    const done = this.cstateNs[cpu * MAX_STATES + index];
    return this.state[cpu] === index && now > this.deepSince[cpu] ? done + now - this.deepSince[cpu] : done;
  }
}
