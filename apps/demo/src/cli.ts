#!/usr/bin/env node
// The `kernelkit` command. `npm run demo -- ARGUMENTS` in the checkout runs it.
import { Command } from "commander";

const program = new Command("kernelkit")
  .description("The Linux kernel's mechanisms, composed into one kernel that runs in virtual time")
  .version("0.1.0");

program.parse();
