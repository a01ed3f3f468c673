import { beforeAll, describe, expect, it } from "vitest";
import { Lab } from "./lab.js";
import type { Answer, BootReply, Frame, Kind, Requests, Trouble } from "./protocol.js";

/** A lab as the page has it, without a worker between. */
class Desk {
  readonly answers: Answer[] = [];
  readonly lab: Lab = new Lab({
    answer: (a) => void this.answers.push(structuredClone(a)),
    later: (fn) => void setImmediate(fn),
  });
  private id = 1000;

  async send(m: unknown): Promise<unknown> {
    const before = this.answers.length;
    await this.lab.receive(m);
    const found = this.answers.slice(before);
    expect(found).toHaveLength(1);
    return "ok" in found[0] ? found[0].ok : found[0].err;
  }
  async ask<K extends Kind>(k: K, m: Requests[K][0]): Promise<Requests[K][1]> {
    const id = ++this.id;
    await this.lab.receive({ ...m, k, id });
    const a = this.answers.find((x) => x.id === id);
    if (a === undefined || "err" in a) throw new Error(`${k}: ${a === undefined ? "no answer" : a.err.text}`);
    return a.ok as Requests[K][1];
  }
  boot(o: Partial<Requests["boot"][0]> = {}): Promise<BootReply> {
    return this.ask("boot", { view: "irq", settings: {}, seed: 7, journal: [], at: null, beside: [], ...o });
  }
  async frame(o: Partial<Requests["frame"][0]> = {}): Promise<Frame> {
    const wish = { from: 0, to: 5e9, width: 300, lanes: 100, events: 50, filter: "", follow: "", last: 0 };
    return (await this.ask("frame", { ...wish, ...o })) as Frame;
  }
}

const second = (s: number) => ({ at: { ns: s * 1e9, k: 0 } });
const code = (v: unknown): string => (v as Trouble).code;

describe("messages to the lab", () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = new Desk();
    await desk.boot();
  });

  it("get one answer each, whatever they are, and the lab lives on", async () => {
    const lab = new Desk();
    expect(code(await lab.send({ k: "frame", id: 1 }))).toBe("EPROTO");
    for (const m of [null, 5, "x", [], {}, { k: "toString", id: 1 }, { k: "__proto__", id: 2 }, { k: "boot", id: 3 }])
      expect(code(await lab.send(m))).toBe("EPROTO");
    const bad: unknown[] = [Number.NaN, -1, 1e300, "7", null, {}, [], true, "\u0000", "x".repeat(1e6)];
    const fields = [
      "seed",
      "view",
      "settings",
      "at",
      "journal",
      "beside",
      "speed",
      "unit",
      "dir",
      "filter",
      "pid",
      "line",
    ];
    const kinds = [
      "boot",
      "run",
      "step",
      "seek",
      "frame",
      "input",
      "branch",
      "read",
      "watch",
      "area",
      "shell",
      "export",
    ];
    for (const k of kinds)
      for (const v of bad) {
        const r = await lab.send({ k, id: 9, ...Object.fromEntries(fields.map((f) => [f, v])) });
        expect(typeof code(r)).toBe("string");
        expect((r as Trouble).text.length).toBeLessThan(400);
      }
    await lab.boot();
    expect((await lab.frame()).digest).toBe((await desk.frame()).digest);
  });

  it("may come in a flood: a frame that has not changed is not made again, and a later seek takes the place of an earlier one", async () => {
    const { number } = await desk.frame();
    for (let i = 0; i < 2000; i++)
      await desk.lab.receive({
        k: "frame",
        id: -i,
        from: 0,
        to: 1,
        width: 1,
        lanes: 1,
        events: 0,
        filter: "",
        follow: "",
        last: number,
      });
    expect(desk.answers.slice(-2000).every((a) => "ok" in a && (a.ok as { same?: boolean }).same)).toBe(true);
    const before = desk.answers.length;
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => desk.lab.receive({ k: "seek", id: 1e6 + i, ...second(i / 50) })),
    );
    const seeks = desk.answers.slice(before);
    expect(seeks).toHaveLength(50);
    expect(seeks.filter((a) => "err" in a).every((a) => "err" in a && a.err.code === "ESEEK")).toBe(true);
    expect((await desk.frame()).at.ns).toBe(0.98e9);
    desk.answers.length = 0;
  });

  it("step, seek and branch to the same digests", async () => {
    await desk.ask("seek", second(1));
    const one = (await desk.frame()).digest;
    await desk.ask("step", { unit: "second", dir: 1 });
    const two = await desk.frame();
    expect(two.at.ns).toBe(2e9);
    await desk.ask("step", { unit: "second", dir: -1 });
    expect((await desk.frame()).digest).toBe(one);
    expect(await desk.ask("input", { control: "rate", value: 400 })).toEqual({ branched: "b" });
    await desk.ask("seek", second(2));
    const other = await desk.frame();
    expect(other.digest).not.toBe(two.digest);
    expect(other.ghost).not.toBeNull();
    const found = await desk.ask("differ", { a: 0, b: 1 });
    expect(found?.ns).toBeGreaterThanOrEqual(1e9);
    expect((await desk.frame()).at.ns).toBe((found?.ns ?? 0) - 1);
    await desk.ask("branch", { branch: 0 });
    await desk.ask("seek", second(2));
    expect((await desk.frame()).digest).toBe(two.digest);
  });

  it("count what lies in a stretch of time as the events say", async () => {
    await desk.ask("seek", second(2));
    const { rows } = await desk.ask("area", { from: 0.5e9, to: 1.5e9 });
    const row = rows.find((r) => r.name === "seen (events)");
    const { matches } = await desk.frame({ filter: "event=seen t>=0.5 t<=1.5" });
    expect(row?.count).toBe(matches);
    expect(row?.min).toBeLessThanOrEqual(row?.p50 ?? 0);
    expect(row?.p50).toBeLessThanOrEqual(row?.p99 ?? 0);
    expect(row?.p99).toBeLessThanOrEqual(row?.max ?? 0);
    expect(row?.mean).toBeCloseTo((row?.sum ?? 0) / (row?.count ?? 1));
  });

  it("follow one thing: its life line has the events about it and no others", async () => {
    await desk.ask("seek", second(2));
    const f = await desk.frame({ follow: "irq:25", events: 512 });
    expect(f.life?.total).toBeGreaterThan(10);
    expect(f.life?.last.every((e) => /irq=25\b/.test(e.text))).toBe(true);
    expect(f.life?.ticks.some((n) => n > 0)).toBe(true);
    expect((await desk.frame({ follow: "irq:2" })).life?.total).toBe(0);
  });

  it("stop the run at the very event that is waited for, at any speed", async () => {
    await desk.ask("seek", second(0));
    await desk.ask("watch", { filter: "event=close", act: "stop" });
    await desk.ask("run", { speed: 1e9 });
    let f = await desk.frame();
    for (let i = 0; f.running && i < 1e5; i++) {
      await new Promise((r) => setImmediate(r));
      f = await desk.frame();
    }
    expect(f.halted).toContain("Stopped: close");
    expect(f.events[0].name).toBe("close");
    expect(f.at.ns).toBe(f.events[0].ns);
    const { matches } = await desk.frame({ filter: "event=close" });
    expect(matches).toBe(1);
    expect(code(await desk.send({ k: "watch", id: 77, filter: "pid>>x", act: "stop" }))).toBe("EFILTER");
    await desk.ask("watch", { filter: "", act: "stop" });
  });

  it("put kernels of other settings and of other views on the same clock, with the same inputs", async () => {
    const one = new Desk();
    const r = await one.boot({
      beside: [
        { view: "irq", settings: { rate: 90, cpus: "no" } },
        { view: "ns", settings: {} },
      ],
    });
    expect(r.others.map((o) => o.view.id)).toEqual(["irq", "ns"]);
    expect(r.problems.join()).toContain("cpus");
    await one.ask("seek", second(1));
    await one.ask("input", { control: "rate", value: 60 });
    await one.ask("seek", second(2));
    const f = await one.frame();
    const alone = new Desk();
    await alone.boot({ settings: { rate: 90 } });
    await alone.ask("seek", second(1));
    await alone.ask("input", { control: "rate", value: 60 });
    await alone.ask("seek", second(2));
    expect(f.others[0].digest).toBe((await alone.frame()).digest);
    expect(f.others[1].view).toBe("ns");
    expect(f.digest).not.toBe(f.others[0].digest);
  });

  it("open shells, also in the namespaces of a task, and complete what is typed without touching the run", async () => {
    const ns = new Desk();
    await ns.boot({ view: "ns" });
    await ns.ask("seek", second(1));
    const { tasks } = await ns.ask("containers", {});
    const inner = tasks.find((t) => t.name.startsWith("ct"));
    expect(inner?.own).toContain("uts");
    const { pid } = await ns.ask("terminal", { inside: inner?.pid ?? 0 });
    expect((await ns.ask("shell", { pid, line: "hostname" })).out).toMatch(/^ct0/);
    const { digest } = await ns.frame();
    const { hits, end } = await ns.ask("complete", { pid, line: "cat /proc/sys/kernel/hostna" });
    expect([hits, end]).toEqual([["/proc/sys/kernel/hostname "], "/proc/sys/kernel/hostna"]);
    expect((await ns.ask("complete", { pid, line: "hostn" })).hits).toContain("hostname ");
    expect((await ns.frame()).digest).toBe(digest);
    // what was typed is part of the run
    await ns.ask("seek", second(2));
    const end2 = (await ns.frame()).digest;
    await ns.ask("seek", second(0));
    await ns.ask("seek", second(2));
    expect((await ns.frame()).digest).toBe(end2);
  });
});
