/** The thread of `pool/pool.ts`: an entry of the build, because a thread is started from a file. */
export { cases, story } from "./pool/work.js";
