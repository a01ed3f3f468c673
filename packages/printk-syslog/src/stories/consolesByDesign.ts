/** The story of consoles: an emergency in a container. On whose console is it? */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { CON_ENABLED } from "../console.js";
import { DESIGNS, Rig } from "./rig.js";

type Knobs = Record<never, never>;

export const consolesByDesign: Story<Knobs> = {
  id: "consoles-by-design",
  question: "On whose console is a container's emergency message?",
  source: "S 2012-12 (syslog namespaces), consoles",
  claim: "none: on the host's; userns-hack and syslog-action: on none; nsproxy and userns: on the container's own",
  assumes: ["host and container each register a console"],
  knobs: {},
  run(given) {
    knobsOf({}, given);
    const rows: [string, number, number][] = DESIGNS.map((design) => {
      const rig = new Rig(design);
      const c = rig.container();
      const seen = { host: 0, own: 0 };
      const count =
        (who: "host" | "own") =>
        (text: string): void => {
          if (text.includes("fire")) seen[who]++;
        };
      rig.printk.registerConsole("host", CON_ENABLED, count("host"), rig.host);
      rig.printk.registerConsole("own", CON_ENABLED, count("own"), c);
      rig.printk.nsprintk(c, "\u00010fire\n");
      // where the log has no consoles of its own, the container's console is one more of the host's
      return [design, seen.host, rig.log.design.ofConsole(rig.log, c) === rig.log.init ? 0 : seen.own];
    });
    return {
      series: rows.map(([name, host, own]) => ({ name, unit: "messages", of: "console", x: [0, 1], y: [host, own] })),
      table: { columns: ["design", "on the host's", "on the container's own"], rows },
      numbers: Object.fromEntries(rows.flatMap(([n, h, o]) => [[`${n} host`, h] as const, [`${n} own`, o] as const])),
    };
  },
};
