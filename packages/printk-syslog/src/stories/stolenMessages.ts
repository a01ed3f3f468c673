/** The story of the report of 2010: a container's syslog daemon takes the host's iptables lines. */
import type { Task } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { DESIGNS, Rig } from "./rig.js";

type Knobs = { readonly packets: number };
const knobs: Story<Knobs>["knobs"] = { packets: { kind: "number", default: 100, min: 1, max: 1000, unit: "packets" } };
const SIZE = 8192;

/** Everything syslog(2) READ gives a task, as rsyslogd takes it. */
function takeAll(rig: Rig, t: Task): string {
  const sys = rig.kernel.sys(t);
  let text = "";
  while ((sys.syslog(9) as number) > 0)
    text += new TextDecoder().decode(sys.syslog(2, new Uint8Array(SIZE), SIZE) as Uint8Array);
  return text;
}

export const stolenMessages: Story<Knobs> = {
  id: "stolen-messages",
  question: "Whose syslog daemon gets the host's iptables lines when a container runs one too?",
  source: "S 2012-12 (syslog namespaces), the report of 2010",
  claim: "with one log a container's daemon that reads first takes them all; with any separate log none",
  assumes: [
    "the container's daemon wakes before the host's; in the design `none` it is root of the initial user namespace",
  ],
  knobs,
  run(given) {
    const { packets } = knobsOf(knobs, given);
    const rows: [string, number, number][] = DESIGNS.map((design) => {
      const rig = new Rig(design);
      // in 2010 a container was root without a user namespace
      const daemon = design === "none" ? rig.kernel.tasks.forkDriven() : rig.container();
      takeAll(rig, rig.host);
      for (let i = 0; i < packets; i++) rig.packet(rig.host, rig.host, `REJECT ${i}`);
      const count = (t: Task): number => takeAll(rig, t).split("REJECT").length - 1;
      return [design, count(daemon), count(rig.host)];
    });
    return {
      series: rows.map(([name, stolen]) => ({ name, unit: "lines", of: "", x: [packets], y: [stolen] })),
      table: { columns: ["design", "taken by the container", "left for the host"], rows },
      numbers: Object.fromEntries(rows.map(([name, stolen]) => [name, stolen])),
    };
  },
};
