/** The story of the context problem: packets of two containers, handled in interrupts that land on anybody. */
import { Rng } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { DESIGNS, Rig } from "./rig.js";

type Knobs = { readonly packets: number; readonly seed: number };
const knobs: Story<Knobs>["knobs"] = {
  packets: { kind: "number", default: 10_000, min: 10, max: 100_000, unit: "packets" },
  seed: { kind: "number", default: 1, min: 0, max: 1e9, unit: "" },
};

export const misroutedPackets: Story<Knobs> = {
  id: "misrouted-packets",
  question: "Where does the line about a packet go when the interrupted task is somebody else's?",
  source: "S 2012-12 (syslog namespaces), no current process context",
  claim: "none: all in the host's log; userns-hack: as many wrong as interrupts hit a foreign task; the later three: 0",
  assumes: ["each packet belongs to one of two containers and interrupts one of them or the host, all equally likely"],
  knobs,
  run(given) {
    const { packets, seed } = knobsOf(knobs, given);
    let foreign = 0;
    const rows: [string, number, number][] = DESIGNS.map((design) => {
      const rig = new Rig(design);
      const tasks = [rig.container(), rig.container(), rig.host];
      const rng = new Rng(seed);
      let wrong = 0;
      foreign = 0;
      for (let i = 0; i < packets; i++) {
        const owner = tasks[rng.below(2)];
        const current = tasks[rng.below(3)];
        if (current !== owner) foreign++;
        const own = rig.log.nsOf(owner);
        const before = own.ring.headSeq;
        rig.packet(owner, current, `OUT=eth0 LEN=${i}`);
        if (own === rig.log.init || own.ring.headSeq === before) wrong++;
      }
      return [design, wrong, (100 * wrong) / packets];
    });
    return {
      series: rows.map(([name, , y]) => ({ name, unit: "%", of: "packets", x: [packets], y: [y] })),
      table: { columns: ["design", "misrouted", "%"], rows },
      numbers: { ...Object.fromEntries(rows.map(([name, wrong]) => [name, wrong])), foreign },
    };
  },
};
