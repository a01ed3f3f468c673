/**
 * Whatever is killed, and whenever: the sweep that is started again comes to the results of one that nothing happened to. Schedules are
 * drawn by seed, so one that fails can be run again; SWEEP_FAULTS raises their number.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Rng } from "@kernelkit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readResultSet } from "./results/digest.js";
import type { SweepReport } from "./run.js";
import { buildProcesses, type Ended } from "./testing/processes.js";
import { RedisServer, redisBinary } from "./testing/redisServer.js";
import { QUICK, recordsOf, TestFolder } from "./testing/sweeps.js";

const SCHEDULES = Number(process.env.SWEEP_FAULTS ?? 20);
/** Schedules under way at a time: most of one is waiting. */
const LANES = 3;
/** Some runs throw and some never end, so that those are in flight as well when something is killed. */
const settings = {
  space: { a: { from: 0, to: 9, steps: 10 }, odd: ["none", "throws"], b: [1, 2] },
  set: { ms: 15 },
  seeds: 2,
  limits: { wallMs: 5000 },
};

const folder = new TestFolder();
let processes: Awaited<ReturnType<typeof buildProcesses>>;
let undisturbed: string;

beforeAll(async () => {
  processes = await buildProcesses();
  // By a process, too: a run's id holds the hash of the code, and that is of this build.
  const { stdout } = await processes.start("coordinator", {
    file: QUICK,
    out: folder.file("undisturbed.jsonl"),
    settings,
  }).ended;
  const report = JSON.parse(stdout.split("\n")[1]) as SweepReport;
  expect(report).toMatchObject({ complete: true, total: 80, failed: 40 });
  undisturbed = report.digest;
});
afterAll(() => {
  processes.close();
  folder.close();
});

/** Every schedule of a kind, some at a time. */
async function schedules(n: number, one: (seed: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let seed = ++next; seed <= n; seed = ++next) await one(seed);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The file is whole, each run is in it once, and the set is that of the undisturbed sweep. */
async function expectUndisturbed(out: string, end: Ended, what: string): Promise<void> {
  expect(end.code, `${what}: ${end.stderr}`).toBe(0);
  const set = await readResultSet(out);
  expect([set.size, set.digest()], what).toEqual([80, undisturbed]);
  expect((await recordsOf(out)).length, `${what}: records`).toBe(80);
}

describe("killed at any moment, a sweep", () => {
  it("in threads, resumed until it is done, has the results of an undisturbed one", async () => {
    await schedules(Math.ceil(SCHEDULES / 2), async (seed) => {
      const rng = new Rng(`threads ${seed}`);
      const out = folder.file(`threads${seed}.jsonl`);
      let end: Ended;
      for (let kills = 1 + rng.below(3); ; kills--) {
        const coordinator = processes.start("coordinator", { file: QUICK, out, settings });
        await Promise.race([coordinator.ready, coordinator.ended]);
        if (kills > 0) {
          await sleep(rng.below(500));
          coordinator.kill(rng.below(4) === 0 ? "SIGINT" : "SIGKILL");
        }
        end = await coordinator.ended;
        if (kills <= 0) break;
      }
      await expectUndisturbed(out, end, `seed ${seed}`);
    });
  }, 900_000);

  it.runIf(redisBinary() !== null)(
    "over Redis, with workers, coordinator and Redis killed, too",
    async () => {
      await schedules(Math.floor(SCHEDULES / 2), async (seed) => {
        const rng = new Rng(`redis ${seed}`);
        const out = folder.file(`redis${seed}.jsonl`);
        mkdirSync(folder.file(`server${seed}`));
        const redis = await RedisServer.start(folder.file(`server${seed}`));
        const startCoordinator = () =>
          processes.start("coordinator", {
            file: QUICK,
            out,
            settings,
            redis: { url: redis.url, quietMs: 600, window: 10 + rng.below(90) },
          });
        const startWorker = () => processes.start("worker", { url: redis.url, threads: 1, lockMs: 1500 });
        let coordinator = startCoordinator();
        const workers = [startWorker(), startWorker()];
        const log: string[] = [];
        try {
          await Promise.all([coordinator.ready, ...workers.map((w) => w.ready)]);
          for (let faults = 1 + rng.below(3); faults > 0; faults--) {
            await sleep(rng.below(600));
            const fault = ["worker", "coordinator", "redis"][rng.below(3)];
            log.push(fault);
            if (fault === "worker") {
              const i = rng.below(2);
              workers[i].kill();
              workers[i] = startWorker();
              // A worker that starts while Redis is away says so and ends.
              await Promise.race([workers[i].ready, workers[i].ended]);
            } else if (fault === "coordinator") {
              coordinator.kill();
              await coordinator.ended;
              coordinator = startCoordinator();
              await Promise.race([coordinator.ready, coordinator.ended]);
            } else {
              redis.kill();
              await sleep(rng.below(300));
              await redis.restart();
            }
          }
          await expectUndisturbed(out, await coordinator.ended, `seed ${seed} (${log.join(", ")})`);
        } finally {
          coordinator.kill();
          for (const worker of workers) worker.kill();
          redis.kill();
        }
      });
    },
    300_000,
  );
});

/** A file system of a few kB, where this may be made. */
function smallDisk(path: string): boolean {
  mkdirSync(path);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", path]).status === 0;
  if (!mounted)
    process.stderr.write("no file system can be mounted here: a full disk is tested with /dev/full alone\n");
  return mounted;
}

it("on a disk that fills up stops with whole lines, and resumed with room has the results of an undisturbed one", async () => {
  const disk = folder.file("disk");
  if (!smallDisk(disk)) return;
  const out = `${disk}/results.jsonl`;
  try {
    const full = await processes.start("coordinator", { file: QUICK, out, settings }).ended;
    expect(full.code).not.toBe(0);
    expect(full.stderr).toContain("what stands in the file is good");
    const kept = await recordsOf(out);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(80);
    expect(spawnSync("mount", ["-o", "remount,size=1m", disk]).status).toBe(0);
    const end = await processes.start("coordinator", { file: QUICK, out, settings }).ended;
    await expectUndisturbed(out, end, "with room");
  } finally {
    spawnSync("umount", [disk]);
  }
});
