/** The page's end of the protocol: requests as promises. */
import type { Answer, Kind, Requests, Trouble } from "../lab/protocol.js";

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
    this.worker = new Worker(new URL("../lab/worker.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = (e: MessageEvent<Answer>) => {
      const w = this.waiting.get(e.data.id);
      this.waiting.delete(e.data.id);
      if (w === undefined) return;
      if ("ok" in e.data) w.ok(e.data.ok);
      else w.err(new LabError(e.data.err));
    };
    this.worker.onerror = (e) => {
      e.preventDefault();
      onCrash(e.message);
    };
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
