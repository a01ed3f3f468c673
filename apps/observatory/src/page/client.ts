/** The page's end of the protocol: requests as promises. */
import type { Answer, Kind, Requests, Trouble } from "../lab/protocol.js";
import { startWorker } from "./startWorker.js";

export class LabError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.text);
  }
  get code(): string {
    return this.trouble.code;
  }
}

interface Waiting {
  ok(v: unknown): void;
  err(e: LabError): void;
}

export class LabClient {
  private readonly worker: Worker;
  private readonly waiting: Map<number, Waiting> = new Map();
  private last = 0;

  constructor(onCrash: (text: string) => void) {
    this.worker = startWorker(
      "lab",
      (a: Answer) => {
        const w = this.waiting.get(a.id);
        this.waiting.delete(a.id);
        if (w === undefined) return;
        if ("ok" in a) w.ok(a.ok);
        else w.err(new LabError(a.err));
      },
      onCrash,
    );
  }

  ask<K extends Kind>(k: K, m: Requests[K][0]): Promise<Requests[K][1]> {
    const id = ++this.last;
    return new Promise((ok, err) => {
      this.waiting.set(id, { ok: ok as (v: unknown) => void, err });
      this.worker.postMessage({ ...m, k, id });
    });
  }

  end(): void {
    this.worker.terminate();
  }
}
