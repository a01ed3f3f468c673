/** Starts the page's worker as one of its parts. */
export type PartName = "lab" | "stories" | "build";

/** `onCrash`: the worker ended, or could not be loaded; why. */
export function startWorker(part: PartName, onMessage: (data: never) => void, onCrash: (text: string) => void): Worker {
  const worker = new Worker(new URL("../worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = (e) => onMessage(e.data as never);
  worker.onerror = (e) => {
    e.preventDefault();
    onCrash(e.message);
  };
  worker.postMessage({ part });
  return worker;
}
