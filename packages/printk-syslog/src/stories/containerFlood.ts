/** The story of the denial of service: a container fills its log as fast as it can. What is lost of the host's? */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { DESIGNS, Rig } from "./rig.js";

type Knobs = { readonly records: number };
const knobs: Story<Knobs>["knobs"] = {
  records: { kind: "number", default: 20_000, min: 1, max: 1e6, unit: "records" },
};
const PRECIOUS = 100;

export const containerFlood: Story<Knobs> = {
  id: "container-flood",
  question: "How many of the host's records does a container push out that floods its log?",
  source: "S 2012-12 (syslog namespaces), the remark on denial of service",
  claim: "with one log all of them; with separate logs none",
  assumes: ["the flood is not rate limited (printk.devkmsg=on)"],
  knobs,
  run(given) {
    const { records } = knobsOf(knobs, given);
    const rows: [string, number][] = DESIGNS.map((design) => {
      const rig = new Rig(design);
      const { ring } = rig.log.init;
      const first = ring.headSeq;
      for (let i = 0; i < PRECIOUS; i++) rig.printk.nsprintk(rig.host, `precious ${i}\n`);
      const c = rig.container();
      for (let i = 0; i < records; i++) rig.printk.nsprintk(c, `flood ${i}\n`);
      return [design, Math.min(PRECIOUS, Math.max(0, ring.firstSeq - first))];
    });
    return {
      series: rows.map(([name, lost]) => ({ name, unit: "records", of: "", x: [records], y: [lost] })),
      table: { columns: ["design", `lost of ${PRECIOUS}`], rows },
      numbers: Object.fromEntries(rows),
    };
  },
};
