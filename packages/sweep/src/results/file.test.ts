import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { recordsOf, TestFolder } from "../testing/sweeps.js";
import { csvLines } from "./csv.js";
import { ResultSet, readResultSet } from "./digest.js";
import { ResultsFile, readResults } from "./file.js";
import type { RunRecord } from "./record.js";

const folder = new TestFolder();
afterAll(() => folder.close());

const record = (i: number, more: Partial<RunRecord> = {}): RunRecord => ({
  id: `id${i}`,
  scenario: "s",
  parameters: { a: i, text: 'with "quotes", and\nlines' },
  seed: 1,
  outcome: { status: "ok", measures: { x: i / 3, y: null }, digest: `d${i}` },
  wallMs: 1.5,
  versions: { code: "c" },
  ...more,
});

function write(path: string, records: readonly RunRecord[]): void {
  const file = new ResultsFile(path);
  for (const r of records) file.append(r);
  file.close();
}

describe("the results file", () => {
  it("gives back what was appended, over several openings", async () => {
    const path = folder.file("append.jsonl");
    write(path, [record(1), record(2)]);
    write(path, [record(3, { outcome: { status: "failed", error: "E: no" } })]);
    expect(await recordsOf(path)).toEqual([
      record(1),
      record(2),
      record(3, { outcome: { status: "failed", error: "E: no" } }),
    ]);
  });

  it("cut anywhere, as by a kill in the middle of writing, loses at most the line that was cut and goes on after it", async () => {
    const path = folder.file("cut.jsonl");
    write(path, [record(1), record(2), record(3)]);
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (at) => {
        writeFileSync(path, whole);
        truncateSync(path, at);
        const kept = whole.subarray(0, at).toString().split("\n").length - 1;
        write(path, [record(9)]);
        expect((await recordsOf(path)).map((r) => r.id)).toEqual([...["id1", "id2", "id3"].slice(0, kept), "id9"]);
      }),
      { numRuns: 60 },
    );
  });

  it("a line longer than any buffer is found whole", async () => {
    const path = folder.file("long.jsonl");
    const long = record(1, { outcome: { status: "failed", error: "x".repeat(300_000) } });
    write(path, [long]);
    appendFileSync(path, '{"id":"torn');
    write(path, [record(2)]);
    expect(await recordsOf(path)).toEqual([long, record(2)]);
  });

  it.runIf(existsSync("/dev/full"))("on a full disk keeps the error and takes nothing more", () => {
    const file = new ResultsFile("/dev/full");
    const written: string[] = [];
    file.onWritten = (records) => written.push(...records.map((r) => r.id));
    file.append(record(1));
    file.flush();
    expect((file.error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    file.append(record(2));
    file.close();
    expect(written).toEqual([]);
  });

  it("a digest does not depend on order or on real time, but on every result", async () => {
    const set = (...records: RunRecord[]): string => {
      const s = new ResultSet();
      for (const r of records) s.add(r);
      return s.digest();
    };
    const one = set(record(1), record(2));
    expect(set(record(2, { wallMs: 99, versions: {} }), record(1))).toBe(one);
    expect(set(record(1))).not.toBe(one);
    expect(set(record(1), record(2, { outcome: { status: "failed", error: "" } }))).not.toBe(one);
    const path = folder.file("set.jsonl");
    write(path, [record(2), record(1), record(1)]);
    expect((await readResultSet(path)).digest()).toBe(one);
  });

  it("a result stands, unless it was a time limit or a crash that a later try has replaced", () => {
    const s = new ResultSet();
    expect(s.add(record(1, { outcome: { status: "timeout", error: "" } }))).toBe(true);
    expect([s.has("id1"), s.has("id1", true)]).toEqual([true, false]);
    expect(s.add(record(1))).toBe(true);
    expect(s.has("id1", true)).toBe(true);
    expect(s.add(record(1, { outcome: { status: "failed", error: "late" } }))).toBe(false);
    expect(s.size).toBe(1);
  });

  it("as CSV: a line per run, quoted where it must be, failures with what they said", async () => {
    const path = folder.file("csv.jsonl");
    write(path, [record(0, { outcome: { status: "failed", error: "E: a, b" } }), record(3)]);
    let text = "";
    for await (const line of csvLines(readResults(path))) text += line;
    expect(text).toBe(
      'id,a,text,seed,status,x,y,digest,wallMs\nid0,0,"with ""quotes"", and\nlines",1,failed,,,"E: a, b",1.5\n' +
        'id3,3,"with ""quotes"", and\nlines",1,ok,1,,d3,1.5\n',
    );
  });
});
