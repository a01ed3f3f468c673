// This tool's own folder: benchmarks are bundled into it, so that the peers resolve from there. `pnpm bench` starts in the root.
import { resolve } from "node:path";

export const folder: string = resolve("tooling", "bench");
