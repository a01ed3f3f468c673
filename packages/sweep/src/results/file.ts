/**
 * The results file: JSON Lines, appended to as runs finish. A process that is killed leaves at most one line that is not whole, which is
 * cut off when the file is opened again. When the disk is full the file is cut back to its last whole line and writing stops with the
 * error: what was written stays good, and a resumed sweep does the rest.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { parseRecord, type RunRecord, recordLine } from "./record.js";

/** Lines are written together: when there are this many bytes of them, or after this time. */
const BATCH_BYTES = 64 << 10;
const BATCH_MS = 200;
const NEWLINE = 10;

export class ResultsFile {
  private readonly fd: number;
  private pending: string[] = [];
  private pendingBytes = 0;
  private timer: NodeJS.Timeout | null = null;
  /** Whole lines end here; null: not a regular file, whose size says nothing (a pipe, a device). */
  private end: number | null;
  /** Called after lines have reached the file, with their records. */
  onWritten: (records: readonly RunRecord[]) => void = () => {};
  private records: RunRecord[] = [];
  /** The error that stopped the writing; nothing is written after it. */
  error: Error | null = null;

  /** Opens for appending, made if it is not there; an unfinished last line is cut off. */
  constructor(path: string) {
    this.fd = openSync(path, existsSync(path) ? "r+" : "w+");
    const stat = fstatSync(this.fd);
    this.end = stat.isFile() ? wholeLinesEnd(this.fd, stat.size) : null;
    if (this.end !== null && this.end < stat.size) ftruncateSync(this.fd, this.end);
  }

  append(record: RunRecord): void {
    if (this.error !== null) return;
    const line = `${recordLine(record)}\n`;
    this.pending.push(line);
    this.records.push(record);
    this.pendingBytes += line.length;
    if (this.pendingBytes >= BATCH_BYTES) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Writes what is pending. After an error it does nothing. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.error !== null || this.pending.length === 0) return;
    const bytes = Buffer.from(this.pending.join(""));
    const { records } = this;
    this.pending = [];
    this.records = [];
    this.pendingBytes = 0;
    let done = 0;
    try {
      while (done < bytes.length) {
        const at = this.end === null ? null : this.end + done;
        done += writeSync(this.fd, bytes, done, bytes.length - done, at);
      }
    } catch (e) {
      this.error = e as Error;
      done = bytes.subarray(0, done).lastIndexOf(NEWLINE) + 1;
      if (this.end !== null) ftruncateSync(this.fd, this.end + done);
    }
    if (this.end !== null) this.end += done;
    if (this.error === null) this.onWritten(records);
  }

  close(): void {
    this.flush();
    if (this.end !== null) fsyncSync(this.fd);
    closeSync(this.fd);
  }
}

/** The offset behind the last line end. */
function wholeLinesEnd(fd: number, size: number): number {
  const chunk = Buffer.alloc(64 << 10);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const n = readSync(fd, chunk, 0, end - start, start);
    const at = chunk.subarray(0, n).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

/** The records of a file, in order; lines that are not whole are left out, and so is a run's second record unless it replaces a failure. */
export async function* readResults(path: string): AsyncGenerator<RunRecord> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const record = parseRecord(line);
    if (record !== null) yield record;
  }
}
