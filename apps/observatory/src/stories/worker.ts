/** The worker that stories run in, apart from the kernel one looks into. */
import { answer, type StoryRequest } from "./storyLab.js";

addEventListener("message", (e: MessageEvent<StoryRequest>) => postMessage(answer(e.data)));
