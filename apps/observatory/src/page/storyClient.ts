/** The page's end of the story worker. A run that is no longer wanted is given up by ending its worker. */
import type { Knobs, StoryResult } from "@kernelkit/core/stories";
import type { StoryAnswer, StoryInfo } from "../stories/storyLab.js";
import { startWorker } from "./startWorker.js";

export class StoryClient {
  private worker: Worker | null = null;
  private readonly waiting: Map<number, { ok: (v: never) => void; err: (e: Error) => void }> = new Map();
  private last = 0;

  private ask<T>(m: object): Promise<T> {
    if (this.worker === null) {
      this.worker = startWorker(
        "stories",
        (a: StoryAnswer) => {
          const w = this.waiting.get(a.id);
          this.waiting.delete(a.id);
          if ("ok" in a) w?.ok(a.ok as never);
          else w?.err(new Error(a.err));
        },
        (text) => this.stop(`the worker ended: ${text}`),
      );
    }
    const id = ++this.last;
    return new Promise<T>((ok, err) => {
      this.waiting.set(id, { ok: ok as (v: never) => void, err });
      this.worker?.postMessage({ ...m, id });
    });
  }

  list(): Promise<readonly StoryInfo[]> {
    return this.ask({ k: "list" });
  }
  run(story: string, knobs: Knobs): Promise<StoryResult> {
    return this.ask({ k: "run", story, knobs });
  }
  /** Give up what is going on. */
  stop(why = "stopped"): void {
    this.worker?.terminate();
    this.worker = null;
    for (const w of this.waiting.values()) w.err(new Error(why));
    this.waiting.clear();
  }
}

/** One for the page: stories keep no state. */
export const stories: StoryClient = new StoryClient();
// for tests and for who looks from the console
(globalThis as { kernelkitStories?: { run: StoryClient["run"] } }).kernelkitStories = {
  run: (story, knobs) => stories.run(story, knobs),
};
