// `pnpm check:size`: what the packages cost a web page, minified and gzipped, against their budgets. Core's own weight is counted once, in
// core. Needs a build.
import { readdirSync, readFileSync } from "node:fs";

const BUDGET = "20 kB";
// powerclamp: the thermal core with five governors, powercap and cpuidle are more than the driver itself.
// core: the wish was 45 kB; exact errno orders, formats and file semantics of some 270 calls, sockets among them, cost more than that, and came first.
// namespaces: eight types; System V and POSIX ipc, and a network with TCP, UDP, routes and rtnetlink, are two thirds of it.
// memcg: files of both interfaces, swap and zswap, kswapd, three designs of kernel memory, soft limits and events of v1, pressure and the reader of
// limits; LRU lists as chains of blocks.
// integrity: hashes and signatures come from the noble libraries and are counted in. genirq: thirteen flows, domains, threads and the old handler beside them.
// numa: six balancing designs, each whole, chosen at boot; cpusets of both versions; memory tiers.
const BUDGETS = {
  core: "182.5 kB",
  genirq: "26 kB",
  integrity: "65 kB",
  memcg: "30 kB",
  namespaces: "55 kB",
  numa: "36 kB",
  powerclamp: "25 kB",
  writeback: "31 kB",
};

const dist = (folder) => new URL(`../../packages/${folder}/dist/index.js`, import.meta.url).pathname;
const check = (folder) => ({
  name: `@kernelkit/${folder}`,
  path: dist(folder),
  limit: BUDGETS[folder] ?? BUDGET,
  ignore: folder === "core" ? [] : ["@kernelkit/core"],
  gzip: true,
});

// What core costs a page that uses a part of it, beside the whole (the wish for the second was 20 kB: entry, scheduler, timers, events, hooks,
// tasks and program views are 29 kB without a single call, signals, credentials, checkpoints or traces).
const part = (names, limit) => ({
  ...check("core"),
  name: `${names} of @kernelkit/core`,
  import: `{ ${names} }`,
  limit,
});
const parts = [
  part("KernelError, O_CREAT", "3.9 kB"),
  part("createSimulator", "45.5 kB"),
  part("createMachine", "60.6 kB"),
  part("createKernel", "175.5 kB"),
];

const packages = new URL("../../packages/", import.meta.url);
/** What is for Node alone costs a page nothing. */
const inBrowsers = (folder) =>
  JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8")).kernelkit?.platform !== "node";

export default [...parts, ...readdirSync(packages).filter(inBrowsers).map(check)];
