import { describe, expect, it } from "vitest";
import { consolesByDesign } from "./consolesByDesign.js";
import { containerFlood } from "./containerFlood.js";
import { leakedLogs } from "./leakedLogs.js";
import { misroutedPackets } from "./misroutedPackets.js";
import { stolenMessages } from "./stolenMessages.js";

describe("stories of log namespaces", () => {
  it("a container's daemon steals the host's iptables lines where there is one log", () => {
    expect(stolenMessages.run({ packets: 50 }).numbers).toEqual({
      none: 50,
      "userns-hack": 0,
      "syslog-action": 0,
      nsproxy: 0,
      userns: 0,
    });
  });

  it("packets are misrouted by one log always, by the design of 2010 as often as somebody else is interrupted", () => {
    const { numbers } = misroutedPackets.run({ packets: 2000 });
    expect(numbers.none).toBe(2000);
    expect(numbers["userns-hack"]).toBe(numbers.foreign);
    expect(numbers.foreign / 2000).toBeGreaterThan(0.6);
    expect(numbers.foreign / 2000).toBeLessThan(0.73);
    expect([numbers["syslog-action"], numbers.nsproxy, numbers.userns]).toEqual([0, 0, 0]);
  });

  it("a flood pushes the host's records out only of a log that both share", () => {
    const { numbers } = containerFlood.run();
    expect(numbers.none).toBe(100);
    expect(Object.values(numbers).reduce((a, b) => a + b)).toBe(100);
  });

  it("the reference loop of 2012 leaves a log for each container that has gone", () => {
    const { numbers } = leakedLogs.run({ cycles: 7 });
    expect(numbers["syslog-action"]).toBe(7);
    expect(Object.values(numbers).reduce((a, b) => a + b)).toBe(7);
  });

  it("an emergency in a container is on the host's console, on none, or on the container's own", () => {
    const rows = consolesByDesign.run().table.rows;
    expect(rows).toEqual([
      ["none", 1, 0],
      ["userns-hack", 0, 0],
      ["syslog-action", 0, 0],
      ["nsproxy", 0, 1],
      ["userns", 0, 1],
    ]);
  });
});
