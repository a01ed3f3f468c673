/** storm: an empty interrupt on every CPU, again and again. */
import type { Rig } from "./rig.js";

/** EV_HARDWARE: devices come first at an instant. */
const HARDWARE = 0;

/** `rate` interrupts a second, in turn on each CPU, evenly; 0: none. */
export function startStorm(rig: Rig, rate: number): { stop(): void } {
  const { core } = rig.kernel;
  let running = rate > 0;
  const period = running ? Math.round((1e9 * rig.cpus) / rate) : 0;
  const h = core.events.define("story.storm", (cpu) => {
    if (!running) return;
    core.irq.enter(cpu as number);
    core.irq.exit(cpu as number);
    core.events.at(core.now + period, HARDWARE, h, cpu);
  });
  if (running) {
    for (let cpu = 0; cpu < rig.cpus; cpu++)
      core.events.at(core.now + Math.round((period * (cpu + 1)) / rig.cpus), HARDWARE, h, cpu);
  }
  return {
    stop() {
      running = false;
    },
  };
}
