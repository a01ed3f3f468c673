import { mkdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisServer, redisBinary } from "../testing/redisServer.js";
import { recordsOf, TestFolder } from "../testing/sweeps.js";
import { codeKey, PREFIX } from "./protocol.js";
import { redisExecutor } from "./redisExecutor.js";
import { type SweepWorkerOptions, startSweepWorker } from "./sweepWorker.js";

describe.runIf(redisBinary() !== null)("a sweep over Redis", () => {
  const folder = new TestFolder();
  let redis: RedisServer;
  beforeAll(async () => {
    mkdirSync(folder.file("redis"));
    redis = await RedisServer.start(folder.file("redis"));
  });
  afterAll(() => {
    redis.kill();
    folder.close();
  });

  const workers = (n: number, o: Partial<SweepWorkerOptions> = {}): ReturnType<typeof startSweepWorker>[] =>
    Array.from({ length: n }, () => startSweepWorker({ url: redis.url, threads: 1, lockMs: 2000, ...o }));

  it("comes to the same set of results as threads of one machine, and leaves no job behind", async () => {
    const loaded = await folder.quick();
    const { digest } = await folder.run(loaded, folder.file("threads.jsonl"));
    const started = workers(2);
    const executor = await redisExecutor(loaded.plan, loaded.bundle, { url: redis.url, window: 20 });
    const report = await folder.run(loaded, folder.file("redis.jsonl"), { executor });
    expect(report).toMatchObject({ complete: true, ran: 60, digest });
    for (const worker of started) await (await worker).close();
    const keys = await redis.ask((client) => client.keys(`${PREFIX}:*`));
    expect(keys.filter((k) => /:r[0-9a-f]{32}$/.test(k))).toEqual([]);
    expect(keys).toContain(codeKey("sweep", loaded.bundle.hash));
  });

  it("ends runs that throw and never end as one machine does", async () => {
    const settings = { space: { odd: ["none", "throws", "endless", "exits"] }, set: { a: 1 }, attempts: 2 };
    const loaded = await folder.quick({ ...settings, limits: { wallMs: 300 } } as never);
    const { digest } = await folder.run(loaded, folder.file("odd.jsonl"));
    const [worker] = workers(1);
    const executor = await redisExecutor(loaded.plan, loaded.bundle, { url: redis.url });
    const report = await folder.run(loaded, folder.file("oddRedis.jsonl"), { executor });
    expect(report).toMatchObject({ complete: true, failed: 9, digest });
    await (await worker).close();
  });

  it("two sweeps share the workers, each with its own results", async () => {
    const first = await folder.quick({ seeds: 1 });
    const second = await folder.quick({ seeds: [8], set: { ms: 2 } });
    const started = workers(1);
    const reports = await Promise.all(
      [first, second].map(async (loaded, i) => {
        const executor = await redisExecutor(loaded.plan, loaded.bundle, { url: redis.url });
        return folder.run(loaded, folder.file(`share${i}.jsonl`), { executor });
      }),
    );
    expect(reports.map((r) => [r.complete, r.ran])).toEqual([
      [true, 20],
      [true, 20],
    ]);
    for (const worker of started) await (await worker).close();
  });

  it("code that is not what its hash says is not run", async () => {
    const loaded = await folder.quick({ seeds: 1, space: { a: [1] } });
    const forged = { ...loaded.bundle, code: `${loaded.bundle.code}\nprocess.exit(1);` };
    const [worker] = workers(1);
    const executor = await redisExecutor(loaded.plan, forged, { url: redis.url });
    await folder.run(loaded, folder.file("forged.jsonl"), { executor });
    expect(await recordsOf(folder.file("forged.jsonl"))).toMatchObject([
      { outcome: { status: "crashed", error: expect.stringMatching(/code .* is not in Redis/) } },
    ]);
    await (await worker).close();
  });

  it("that cannot be reached is said at once", async () => {
    const { plan, bundle } = await folder.quick();
    const url = "redis://127.0.0.1:1";
    await expect(redisExecutor(plan, bundle, { url })).rejects.toThrow(/127\.0\.0\.1:1 cannot be reached/);
    await expect(startSweepWorker({ url })).rejects.toThrow(/cannot be reached/);
  });
});
