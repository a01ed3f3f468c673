import { describe, expect, it } from "vitest";
import { counterWrap, stuckLine, superHandler } from "../stories.js";

describe("a year of timer interrupts", () => {
  const { numbers, table, series } = counterWrap.run();

  it("32-bit counters wrap after 49.71 days at 1000 Hz, not after 46: seven times in a year", () => {
    expect(numbers.firstWrapDays).toBeCloseTo(2 ** 32 / 1000 / 86400, 2);
    expect(numbers.firstWrapDays).toBeCloseTo(49.71, 2);
    expect(numbers.wraps).toBe(7);
    expect(table.rows).toHaveLength(7);
  });

  it("a tool that subtracts 64-bit numbers shows an absurd rate at the wrap, one that subtracts modulo 2^32 the true one", () => {
    expect(numbers.worstRate).toBeGreaterThan(1e15);
    for (const row of table.rows) {
      expect(row[2]).toBeLessThan(-1e6);
      expect(row[4]).toBe(1000);
    }
  });

  it("64-bit counters and the total of /proc/stat do not wrap", () => {
    const wide = series[1].y;
    expect(wide.every((v, i) => i === 0 || v > wide[i - 1])).toBe(true);
    expect(numbers.total).toBe(365 * 86400 * 1000);
    expect(numbers.bytesPerLine64 - numbers.bytesPerLine32).toBe(8);
  });

  it("refuses a knob outside its range, naming it", () => {
    expect(() => counterWrap.run({ days: 0 })).toThrow(/days must be 1\.\.3650 days, not 0/);
  });
});

describe("the one big handler and the flows on the same arrivals", () => {
  const { numbers: n } = superHandler.run({ arrivals: 1000 });

  it("a per-CPU line's path is far shorter by its own flow, and a simple one's is no longer", () => {
    expect(n["percpu.flow.state"]).toBeLessThan(n["percpu.__do_IRQ.state"]);
    expect(n["simple.flow.state"]).toBeLessThan(n["simple.__do_IRQ.state"]);
  });

  it("the edge flow is of about the same length", () => {
    expect(n["edge.flow.state"] / n["edge.__do_IRQ.state"]).toBeGreaterThan(0.6);
    expect(n["edge.flow.state"] / n["edge.__do_IRQ.state"]).toBeLessThan(1.7);
  });

  it("neither loses an edge", () => {
    expect(n["edge.flow.lost"]).toBe(0);
    expect(n["edge.__do_IRQ.lost"]).toBe(0);
  });

  it("a fasteoi or simple flow drops what comes while the handlers run; the one big handler runs them again", () => {
    expect(n["fasteoi.flow.lost"]).toBeGreaterThan(0);
    expect(n["fasteoi.__do_IRQ.lost"]).toBe(0);
    expect(n["simple.flow.lost"]).toBeGreaterThan(0);
  });
});

describe("a stuck shared line", () => {
  const { numbers: n } = stuckLine.run();

  it("is disabled by the interrupt that completes 100,000 since the first unhandled one", () => {
    expect(n.disabled).toBe(1);
    expect(n.stormInterrupts).toBe(100_000);
  });

  it("lets the others wait for nothing before, for less than a storm's period during, and for the poll afterwards", () => {
    expect(n.waitBeforeMs).toBe(0);
    expect(n.waitStormMs).toBeLessThanOrEqual(0.005);
    expect(n.waitPolledMs).toBeGreaterThan(50);
    expect(n.waitPolledMs).toBeLessThanOrEqual(104);
  });
});
