/** The story of the reference loop: containers come and go. How many logs stay? */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { DESIGNS, Rig } from "./rig.js";

type Knobs = { readonly cycles: number };
const knobs: Story<Knobs>["knobs"] = { cycles: { kind: "number", default: 20, min: 1, max: 500, unit: "containers" } };

export const leakedLogs: Story<Knobs> = {
  id: "leaked-logs",
  question: "How many logs are left when n containers have come and gone?",
  source: "S 2012-12 (syslog namespaces), the objection to the design of 2012",
  claim: "n in syslog-action, where log and user namespace refer to each other; 0 in the others",
  assumes: [],
  knobs,
  run(given) {
    const { cycles } = knobsOf(knobs, given);
    const x = Array.from({ length: cycles }, (_, i) => i + 1);
    const series = DESIGNS.map((name) => {
      const rig = new Rig(name);
      const y = x.map(() => {
        rig.kernel.sys(rig.container()).exit(0);
        rig.kernel.run("1ms");
        rig.kernel.sys(rig.host).wait4(-1, 0);
        return rig.log.namespaces.length - 1;
      });
      return { name, unit: "logs", of: "containers", x, y };
    });
    const rows: [string, number, number][] = series.map(({ name, y }) => {
      const logs = y[cycles - 1];
      return [name, logs, logs * new Rig(name).log.init.bytes];
    });
    return {
      series,
      table: { columns: ["design", "logs left", "bytes"], rows },
      numbers: Object.fromEntries(rows.map(([name, logs]) => [name, logs])),
    };
  },
};
