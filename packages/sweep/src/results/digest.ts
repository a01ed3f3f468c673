/** The digest of a set of results: equal for equal sets, in whatever order and by whatever machines they were made. */
import { createHash } from "node:crypto";
import { mayDiffer, type Status } from "../outcome.js";
import { readResults } from "./file.js";
import { type RunRecord, recordDigest } from "./record.js";

/** Results by id, each as its digest; a later result replaces an earlier one that another try could change. */
export class ResultSet {
  private readonly digests = new Map<string, string>();
  private readonly open = new Map<string, Status>();

  get size(): number {
    return this.digests.size;
  }

  /** Whether the run has a result. `final`: one that another try would not change. */
  has(id: string, final = false): boolean {
    return this.digests.has(id) && !(final && this.open.has(id));
  }

  /** False when the run already has a result that stands. */
  add(record: RunRecord): boolean {
    const { id, outcome } = record;
    if (this.has(id, true)) return false;
    this.digests.set(id, recordDigest(record));
    if (mayDiffer(outcome.status)) this.open.set(id, outcome.status);
    else this.open.delete(id);
    return true;
  }

  /** 64 hex digits. */
  digest(): string {
    const sum = createHash("sha256");
    for (const id of [...this.digests.keys()].sort()) sum.update(`${id} ${this.digests.get(id)}\n`);
    return sum.digest("hex");
  }
}

/** The set of results in a file. */
export async function readResultSet(path: string): Promise<ResultSet> {
  const set = new ResultSet();
  for await (const record of readResults(path)) set.add(record);
  return set;
}
