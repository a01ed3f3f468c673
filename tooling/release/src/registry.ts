// A registry on the loopback, for as long as a check runs: verdaccio in a folder of its own, without a way to any other registry.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TRIES = 300;
const TRY_MS = 200;

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Starts it; what these patterns name may be published by anybody, nothing else is there. */
export async function startRegistry(
  folder: string,
  patterns: readonly string[],
): Promise<{ url: string; stop: () => void }> {
  const port = await freePort();
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    `storage: ${JSON.stringify(join(folder, "storage"))}
uplinks: {}
packages:
${patterns.map((p) => `  "${p}":\n    access: $all\n    publish: $all\n`).join("")}log: { type: stdout, format: pretty, level: error }
`,
  );
  const require = createRequire(import.meta.url);
  const child: ChildProcess = spawn(
    process.execPath,
    [require.resolve("verdaccio/bin/verdaccio"), "--config", config, "--listen", `127.0.0.1:${port}`],
    {
      stdio: "ignore",
    },
  );
  const url = `http://127.0.0.1:${port}/`;
  for (let i = 0; i < TRIES; i++) {
    if (child.exitCode !== null) throw new Error(`the registry ended with code ${child.exitCode}`);
    if (
      await fetch(new URL("-/ping", url)).then(
        (r) => r.ok,
        () => false,
      )
    )
      return { url, stop: () => child.kill() };
    await sleep(TRY_MS);
  }
  child.kill();
  throw new Error("the registry does not answer");
}
