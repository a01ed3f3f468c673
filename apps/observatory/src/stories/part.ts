/** Stories in a worker, apart from the kernel one looks into. */
import { answer, type StoryRequest } from "./storyLab.js";

export const start = (): ((message: unknown) => void) => (message) => postMessage(answer(message as StoryRequest));
