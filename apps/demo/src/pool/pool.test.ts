/** Stories and recorded cases in threads: what comes back is what one thread gives, in the order asked for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { inOrder, openPool, type Pool, score } from "./pool.js";

const dir = mkdtempSync(join(tmpdir(), "pool-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** A thread whose work says where it was done, and takes its time for the first. */
function threads(): Pool {
  const file = join(dir, "worker.mjs");
  writeFileSync(
    file,
    `import { threadId } from "node:worker_threads";
    export async function story({ id }) {
      if (id === "bad") throw new RangeError("story: no 'bad'");
      await new Promise((r) => setTimeout(r, id === "slow" ? 100 : 0));
      return { id, threadId };
    }
    export const cases = ({ package: name, part }) => ({ ok: true, packages: [
      { name, cases: 1, pass: part.index === 0 ? 0 : 1, fail: part.index === 0 ? 1 : 0, known: 0, notYet: 0, failures: [], missing: new Map(), stale: [] }] });`,
  );
  return openPool({ threads: 2, file });
}

async function ids(pool: Pool, asked: readonly string[]): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const r of inOrder(pool, asked, (id) => pool.story({ id, set: [] }))) out.push(r);
  return out;
}

describe("threads", () => {
  it("take the work, and results come in the order in which they were asked for", async () => {
    const pool = threads();
    const seen = (await ids(pool, ["slow", "a", "b"])) as { id: string; threadId: number }[];
    expect(seen.map((r) => r.id)).toEqual(["slow", "a", "b"]);
    expect(seen[0].threadId).not.toBe(0);
    await pool.close();
  });

  it("hand an error to who waits, in its turn", async () => {
    const pool = threads();
    await expect(ids(pool, ["slow", "bad", "a"])).rejects.toThrow("no 'bad'");
    await pool.close();
  });

  it("run a package's cases in shares, which add up", async () => {
    const pool = threads();
    let last = 0;
    const report = await score(pool, ["core", "numa"], (done, total) => {
      last = done / total;
    });
    expect(last).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.packages.map((p) => [p.name, p.cases, p.fail])).toEqual([
      ["core", 6, 1],
      ["numa", 6, 1],
    ]);
    await pool.close();
  });
});

describe("without threads", () => {
  it("everything is done here, one after the other", async () => {
    const pool = openPool();
    const began: string[] = [];
    const all = inOrder(pool, ["a", "b"], async (id) => {
      began.push(id);
      return id;
    });
    await all.next();
    expect(began).toEqual(["a"]);
    await expect(score(pool, ["nothing"])).rejects.toThrow("no cases of 'nothing'");
    expect((await pool.story({ id: "violation-cost", set: [] })).table.rows.length).toBeGreaterThan(0);
  });
});
