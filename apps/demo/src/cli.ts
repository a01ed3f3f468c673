#!/usr/bin/env node
// The `kernelkit` command. `npm run demo -- ARGUMENTS` in the checkout runs it.
import { main } from "./cli/main.js";

// `kernelkit ... | head` has had enough: not an error of ours
process.stdout.on("error", (e: NodeJS.ErrnoException) => {
  if (e.code !== "EPIPE") throw e;
  process.exit(0);
});

await main(process.argv);
