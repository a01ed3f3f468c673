// `pnpm check:size`: what the packages cost a web page, minified and gzipped, against their budgets. Core's own weight is counted once, in
// core. Needs a build.
import { readdirSync, readFileSync } from "node:fs";

const BUDGET = "20 kB";
// powerclamp: the thermal core with five governors, powercap and cpuidle are more than the driver itself.
// core: the wish was 45 kB; exact errno orders, formats and file semantics of some 270 calls, sockets among them, cost more than that, and came first.
// namespaces: eight types; System V and POSIX ipc, and a network with TCP, UDP, routes and rtnetlink, are two thirds of it.
// memcg: files of both interfaces, swap, three designs of kernel memory, v1's events, pressure and the reader of limits.
// integrity: hashes and signatures come from the noble libraries and are counted in. genirq: thirteen flows, domains, threads and the old handler beside them.
// numa: six balancing designs, each whole, chosen at boot; cpusets of both versions; memory tiers.
const BUDGETS = {
  core: "205 kB",
  genirq: "26 kB",
  integrity: "65 kB",
  memcg: "25 kB",
  namespaces: "55 kB",
  numa: "36 kB",
  powerclamp: "25 kB",
  writeback: "30 kB",
};

const dist = (folder) => new URL(`../../packages/${folder}/dist/index.js`, import.meta.url).pathname;
const check = (folder) => ({
  name: `@kernelkit/${folder}`,
  path: dist(folder),
  limit: BUDGETS[folder] ?? BUDGET,
  ignore: folder === "core" ? [] : ["@kernelkit/core"],
  gzip: true,
});

// A machine with time, CPUs, tasks and programs, without memory and files.
const bare = {
  ...check("core"),
  name: "createMachine of @kernelkit/core",
  import: "{ createMachine }",
  // the wish was 20 kB: processes, signals and credentials are in it whole
  limit: "105 kB",
};

const packages = new URL("../../packages/", import.meta.url);
/** What is for Node alone costs a page nothing. */
const inBrowsers = (folder) =>
  JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8")).kernelkit?.platform !== "node";

export default [bare, ...readdirSync(packages).filter(inBrowsers).map(check)];
