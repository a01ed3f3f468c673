// The registry's discrete-event simulators at the one thing a kernel does most: processes that sleep a random time, wake, and sleep again.
// One operation is one wake-up. Core's own benchmark of the same verb takes these as peers.
import type { SelfTimed } from "./benchmark.js";
import { randomly } from "./helpers.js";
import { peers } from "./peers.js";

const SEED = 5;
const LONGEST = 1000;

/** A sleep's length: the same sequence for every simulator. */
export function sleeps(): () => number {
  const random = randomly(SEED);
  return () => 1 + (random() % LONGEST);
}

function perWakeup(started: number, wakeups: number): number {
  return ((performance.now() - started) * 1e6) / wakeups;
}

/** simjs, a callback at each wake-up. */
export function simjsWakeups(processes: number, wakeups: number): SelfTimed {
  return {
    timed: async () => {
      const { Sim, Entity } = await peers.simjs();
      const sleep = sleeps();
      const each = wakeups / processes;
      class Sleeper extends Entity {
        private wakeups = 0;
        start(): void {
          if (this.wakeups++ < each) this.setTimer(sleep()).done(this.start);
        }
      }
      const simulation = new Sim();
      for (let i = 0; i < processes; i++) simulation.addEntity(Sleeper);
      const started = performance.now();
      simulation.simulate(Number.MAX_SAFE_INTEGER);
      return perWakeup(started, wakeups);
    },
  };
}

/** simscript, an async function per process. */
export function simscriptWakeups(processes: number, wakeups: number): SelfTimed {
  return {
    timed: async () => {
      const { Simulation, Entity } = await peers.simscript();
      const sleep = sleeps();
      const each = wakeups / processes;
      class Sleeper extends Entity {
        override async script(): Promise<void> {
          for (let i = 0; i < each; i++) await this.delay(sleep());
        }
      }
      const simulation = new Simulation();
      for (let i = 0; i < processes; i++) simulation.activate(new Sleeper());
      const started = performance.now();
      await new Promise<void>((done) => {
        simulation.finished.addEventListener(() => done());
        simulation.start();
      });
      return perWakeup(started, wakeups);
    },
  };
}
