/**
 * The one worker of the page: the first message names the part it is to be (`{ part: "lab" }`), and only that part is loaded. One entry, so that
 * the parts share the kernel's code instead of each having a copy.
 */
import type { PartName } from "./page/startWorker.js";

type Receive = (message: unknown) => void;

const PARTS: Readonly<Record<PartName, () => Promise<{ start(): Receive }>>> = {
  lab: () => import("./lab/part.js"),
  stories: () => import("./stories/part.js"),
  build: () => import("./build/part.js"),
};

let receive: Receive | null = null;
let early: unknown[] | null = null;

addEventListener("message", (e: MessageEvent) => {
  if (receive !== null) receive(e.data);
  else if (early !== null) early.push(e.data);
  else {
    const waiting: unknown[] = [];
    early = waiting;
    void PARTS[(e.data as { part: PartName }).part]().then((m) => {
      receive = m.start();
      for (const message of waiting) receive(message);
    });
  }
});
