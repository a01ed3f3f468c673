import { readFileSync } from "node:fs";
import { createKernel, O_CREAT, O_RDWR } from "@kernelkit/core";
import { describe, expect, test } from "vitest";
import { writeback } from "../index.js";
import { replayText, replayTrace } from "./replay.js";

/** A throttled run of ours, as its trace file shows it. */
function ownTrace(): string {
  const kernel = createKernel({ machine: { memory: "512M" } })
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps: 4 * 2 ** 20 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", "20971520");
  sys.writeFile("/proc/sys/vm/dirty_bytes", "41943040");
  sys.writeFile("/sys/kernel/tracing/events/writeback/enable", "1");
  for (const p of kernel.core.trace.points.values()) if (p.name === "writeback_dirty_folio") p.on = false;
  const fd = sys.open("/mnt/log", O_RDWR | O_CREAT, 0o644);
  for (let i = 0; i < 800; i++) sys.write(fd, new Uint8Array(65536));
  return sys.readText("/sys/kernel/tracing/trace");
}

/** The rounds recorded on a real 6.1 with a 4 MiB/s disk, as the lines its trace had. */
function recordedRounds(): { text: string; rounds: number } {
  const path = new URL("../../../../tooling/conformance/cases/writeback/replay.json", import.meta.url);
  const [{ steps }] = JSON.parse(readFileSync(path, "utf8"));
  const { common, rows } = steps[0];
  const setpoint = Math.floor((Math.floor((common.thresh + common.bg_thresh) / 2) + common.dirty_limit) / 2);
  let text = "# tracer: nop\n";
  let time = 10;
  for (const [dirty, wbDirty, avg, rl, dirtied, think, task, period, pause] of rows) {
    time += 0.3;
    const at = (s: number): string => `              dd-77      [000] ..... ${s.toFixed(6)}: `;
    text += `${at(time)}global_dirty_state: dirty=${dirty} writeback=0 bg_thresh=${common.bg_thresh} thresh=${common.thresh} limit=${common.dirty_limit} dirtied=1 written=1\n`;
    // of the estimates only the bandwidth was noted
    text += `${at(time)}bdi_dirty_ratelimit: bdi 254:0: awrite_bw=${4 * avg} cgroup_ino=1\n`;
    text += `${at(time)}balance_dirty_pages: bdi 254:0: limit=${common.dirty_limit} setpoint=${setpoint} dirty=${dirty} bdi_setpoint=${Math.floor((setpoint * common.wb_thresh) / (common.thresh + 1))} bdi_dirty=${wbDirty} dirty_ratelimit=${4 * rl} task_ratelimit=${4 * task} dirtied=${dirtied} dirtied_pause=${dirtied} paused=0 pause=${4 * pause} period=${4 * period} think=${4 * think} cgroup_ino=1\n`;
  }
  return { text, rounds: rows.length };
}

describe("replay of a trace", () => {
  test("a run of our own agrees with itself in every event", () => {
    const r = replayTrace(ownTrace());
    expect(replayText(r)).toContain("agreement 100.0 %");
    expect(r.byEvent.get("balance_dirty_pages")?.checked).toBeGreaterThan(50);
    expect(r.byEvent.get("bdi_dirty_ratelimit")?.checked).toBeGreaterThan(10);
  });

  test("the rounds recorded on a real machine agree", () => {
    const { text, rounds } = recordedRounds();
    const r = replayTrace(text);
    const n = r.byEvent.get("balance_dirty_pages");
    expect(n?.checked).toBe(rounds);
    expect(replayText(r)).toContain("agreement 100.0 %");
  });

  test("a wrong period is found and named", () => {
    const { text } = recordedRounds();
    const r = replayTrace(text.replace(/period=\d+ think=4 /, "period=4000 think=4 "));
    expect(replayText(r)).toMatch(/balance_dirty_pages 254:0: period=4000 \(ours: \d+\)/);
  });

  test("lines of perf script are read as well", () => {
    const line =
      "dd  3131 [001]  4660.123456: writeback:global_dirty_state: dirty=1 writeback=2 bg_thresh=10 thresh=20 limit=20 dirtied=3 written=4";
    const r = replayTrace(line);
    expect(r.events[0].line).toMatchObject({
      comm: "dd",
      pid: 3131,
      cpu: 1,
      time: 4660.123456,
      event: "global_dirty_state",
    });
    expect(() => replayTrace("nothing of interest")).toThrow(/no event/);
    expect(() => replayTrace(line, { hz: 0 })).toThrow(/hz/);
  });
});
