import { describe, expect, it, vi } from "vitest";
import { biggerThanNode } from "./biggerThanNode.js";
import { fourThreads } from "./fourThreads.js";
import { homeNodes } from "./homeNodes.js";
import { hotPage } from "./hotPage.js";
import { liveMigration } from "./liveMigration.js";
import { objections } from "./objections.js";
import { phases } from "./phases.js";
import { remoteSweep } from "./remoteSweep.js";
import { sharedTable } from "./sharedTable.js";
import { tiers } from "./tiers.js";

// whole machines run here for minutes of virtual time
vi.setConfig({ testTimeout: 120_000 });

describe("four-threads: memory and threads find each other", () => {
  it("all that follow faults end local and gain a fifth or more; home nodes need the group calls for threads", () => {
    const { numbers } = fourThreads.run({ megabytes: 4, seconds: 60 });
    for (const name of ["autonuma", "autonuma-lazy", "balancenuma", "modern", "schednuma + groups"]) {
      expect([name, numbers[`local ${name}`] > 95]).toEqual([name, true]);
      expect([name, numbers[`speed ${name}`] >= 1.2]).toEqual([name, true]);
    }
    expect(numbers["local none"]).toBeLessThan(60);
    expect(numbers["local schednuma"]).toBeLessThan(80);
  });
});

describe("bigger-than-node: a process of a node and a half", () => {
  it("stays a third remote with a home node, and is split by groups, AutoNUMA and modern balancing", () => {
    const { numbers } = biggerThanNode.run({ nodeMegabytes: 32, seconds: 45 });
    expect(numbers["local schednuma"]).toBeLessThan(80);
    for (const name of ["schednuma + groups", "autonuma", "autonuma-lazy", "modern"])
      expect([name, numbers[`local ${name}`] > 87]).toEqual([name, true]);
  });
});

describe("hot-page: a page that all nodes use", () => {
  it("hardly ever moves, however often it is used", () => {
    const { numbers } = hotPage.run({ seconds: 30 });
    for (const name of ["autonuma", "autonuma-lazy", "balancenuma", "modern"]) {
      expect(numbers[`moved ${name}`]).toBeLessThanOrEqual(3);
      expect(numbers[`faults ${name}`]).toBeGreaterThan(10);
    }
  });
});

describe("shared-table: memory that both nodes read", () => {
  it("moves a page or two times and then stays; AutoNUMA's filter refuses more often than it lets pass", () => {
    const { numbers } = sharedTable.run();
    for (const name of ["autonuma", "autonuma-lazy", "balancenuma", "modern"]) {
      expect(numbers[`moved ${name}`]).toBeLessThan(2 * 2048 + 512);
      expect(numbers[`speed ${name}`]).toBeGreaterThan(0.88);
    }
    expect(numbers["cancelled autonuma"]).toBeGreaterThan(numbers["moved autonuma"]);
  });
});

describe("phases: threads that exchange their data", () => {
  it("are followed by all that look at faults", () => {
    const { numbers } = phases.run({ megabytes: 4, phaseSweeps: 600, seconds: 90 });
    for (const name of ["autonuma", "autonuma-lazy", "balancenuma", "modern"])
      expect([name, numbers[`mean ${name}`] > 80]).toEqual([name, true]);
    expect(numbers["mean none"]).toBeLessThan(70);
    expect(numbers["mean schednuma"]).toBeLessThan(70);
  });
});

describe("autonuma-objections", () => {
  it("CPUs looked at grow with their square, threads cost nothing that counts, memory as posted", () => {
    const { numbers } = objections.run({ seconds: 12 });
    for (const cpus of [4, 8, 16, 32]) {
      expect(numbers[`visits per decision ${cpus}`]).toBe(cpus);
      expect(numbers[`thread share ${cpus}`]).toBeLessThan(1);
    }
    const growth = numbers["visits per second 32"] / numbers["visits per second 4"];
    expect(growth).toBeGreaterThan(50);
    expect(growth).toBeLessThan(80);
    expect([numbers["MiB autonuma"], numbers["MiB autonuma-external"], numbers["MiB autonuma-packed"]]).toEqual([
      384, 512, 192,
    ]);
    expect(numbers["MiB autonuma-v33"]).toBe(32);
  });
});

describe("home-nodes: more memory-bound tasks than CPUs", () => {
  it("more than four fifths local with home nodes, about half or less without, and a tenth more work", () => {
    const { numbers } = homeNodes.run({ seconds: 20 });
    expect(numbers["local none"]).toBeLessThan(60);
    expect(numbers["local schednuma"]).toBeGreaterThan(80);
    expect(numbers["speed schednuma"]).toBeGreaterThan(1.1);
  });
});

describe("live-migration", () => {
  it("postcopy sends each page once and stands still for its state; precopy gives up above the link's rate", () => {
    const { numbers } = liveMigration.run();
    expect(numbers.sentPostcopy).toBe(1);
    expect(numbers.downPostcopy).toBe(20);
    expect(numbers.sentPrecopyHalf).toBeGreaterThan(1.1);
    expect([numbers.convergedHalf, numbers.convergedTwice]).toEqual([1, 0]);
    expect(numbers.stallsHalf).toBeGreaterThan(0);
    expect(numbers.totalPrecopyTwice).toBeGreaterThan(2 * numbers.totalPostcopyTwice);
  });
});

describe("remote-sweep: a pinned thread's memory comes to it", () => {
  it("at the first scan with a fault a page (modern), at a second (balancenuma), when the scanner has slept (AutoNUMA)", () => {
    const { numbers } = remoteSweep.run({ megabytes: 16, seconds: 30 });
    expect(numbers["moved modern"]).toBe(4096);
    expect(numbers["faults modern"]).toBeLessThan(4096 * 1.02);
    expect(numbers["local after modern"]).toBeLessThan(6);
    expect(numbers["local after balancenuma"]).toBeGreaterThan(numbers["local after modern"]);
    expect(numbers["faults balancenuma"]).toBeGreaterThanOrEqual(2 * 4096);
    expect(numbers["local after autonuma"]).toBeGreaterThan(5);
    expect(numbers["local autonuma"]).toBeGreaterThan(99);
    expect(numbers["local none"]).toBe(0);
  });
});

describe("memory-tiers: hot pages and fast memory", () => {
  it("come into fast memory if cold ones are demoted, and hardly otherwise", () => {
    const { numbers } = tiers.run({ fastMegabytes: 32, seconds: 30 });
    expect(numbers["fast mode 2, demotion"]).toBeGreaterThan(80);
    expect(numbers["work mode 2, demotion"]).toBeGreaterThan(1.5);
    expect(numbers["fast mode 2, no demotion"]).toBeLessThan(40);
    expect(numbers["promoted mode 2, demotion"]).toBeGreaterThan(1000);
    expect(numbers["demoted balancing off"]).toBe(0);
  });
});

describe("every story", () => {
  it("names the knob that is out of range", () => {
    expect(() => fourThreads.run({ seconds: 1 })).toThrow(/seconds must be 15\.\.300 s, not 1/);
    expect(() => tiers.run({ speed: 1 } as never)).toThrow(/no knob 'speed'/);
  });

  it("gives the same result every time", () => {
    const run = () => hotPage.run({ seconds: 20, nodes: 2 });
    expect(run()).toEqual(run());
  });
});
