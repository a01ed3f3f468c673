/** The dialects, by the name of the folder whose cases they read. */
import type { Dialect } from "../dialect.js";
import { core } from "./core.js";
import { genirq } from "./genirq.js";
import { integrity } from "./integrity.js";
import { memcg } from "./memcg.js";
import { namespaces } from "./namespaces.js";
import { numa } from "./numa.js";
import { powerclamp } from "./powerclamp.js";
import { printkSyslog } from "./printk-syslog.js";
import { writeback } from "./writeback.js";

export const DIALECTS: ReadonlyMap<string, Dialect> = new Map(
  [core, genirq, integrity, memcg, namespaces, numa, powerclamp, printkSyslog, writeback].map((d) => [d.package, d]),
);
