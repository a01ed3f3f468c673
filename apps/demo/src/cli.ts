#!/usr/bin/env node
// The `kernelkit` command. `npm run demo -- ARGUMENTS` in the checkout runs it.
import { main } from "./cli/main.js";

await main(process.argv);
