/** Zones and their free lists as text: /proc/zoneinfo, /proc/buddyinfo. proc_zoneinfo(5), proc_buddyinfo(5). */
import type { Core } from "../kernel/core.js";
import {
  NR_FREE_PAGES,
  NR_FREE_PAGES_BLOCKS,
  NR_LAST_NODE_STAT,
  NR_LRU_BASE,
  NUMA_HIT,
  VMSTAT_NAMES,
} from "./vmstat.js";
import { freeInBlocks, NR_ORDERS, ZONE_DMA, ZONE_NAMES, type Zone } from "./zone.js";

function counter(name: string, value: number): string {
  return `\n      ${name.padEnd(12)} ${value}`;
}

function zoneText(k: Core, nid: number, type: number, z: Zone | undefined, nodeStats: boolean): string {
  const m = k.mm;
  let s = `Node ${nid}, zone ${ZONE_NAMES[type].padStart(8)}`;
  if (nodeStats) {
    s += "\n  per-node stats";
    for (let i = NR_LRU_BASE; i <= NR_LAST_NODE_STAT; i++) s += counter(VMSTAT_NAMES[i], m.readNode(i, nid));
  }
  s +=
    `\n  pages free     ${z?.free ?? 0}\n        boost    0\n        min      ${z?.min ?? 0}` +
    `\n        low      ${z?.low ?? 0}\n        high     ${z?.high ?? 0}\n        promo    ${z?.promo ?? 0}` +
    `\n        spanned  ${z === undefined ? 0 : z.end - z.start}\n        present  ${z === undefined ? 0 : z.end - z.start}` +
    `\n        managed  ${z?.managed ?? 0}\n        cma      0`;
  const reserve = z?.reserve ?? [0, 0, 0, 0];
  s += `\n        protection: (${reserve.join(", ")}, ${reserve[3]})`;
  if (z === undefined) return `${s}\n`;
  for (let i = 0; i < NUMA_HIT; i++) {
    const v = i === NR_FREE_PAGES ? z.free : i === NR_FREE_PAGES_BLOCKS ? freeInBlocks(z) : z.stat[i];
    s += counter(VMSTAT_NAMES[i], v);
  }
  // kept by node, not by zone: shown with the node's first zone
  for (let i = NUMA_HIT; i < NR_LRU_BASE; i++) s += counter(VMSTAT_NAMES[i], nodeStats ? m.readNode(i, nid) : 0);
  return `${s}\n  node_unreclaimable:  0\n  start_pfn:           ${z.start}\n`;
}

/** /proc/zoneinfo, without the per-CPU lists (there are none). */
export function zoneinfoText(k: Core): string {
  let s = "";
  for (let nid = 0; nid < k.mm.nodes; nid++) {
    let first = true;
    for (let type = ZONE_DMA; type < ZONE_NAMES.length; type++) {
      const z = k.mm.zones.find((x) => x.nid === nid && x.type === type);
      s += zoneText(k, nid, type, z, first && z !== undefined);
      if (z !== undefined) first = false;
    }
  }
  return s;
}

/** /proc/buddyinfo. */
export function buddyinfoText(k: Core): string {
  let s = "";
  for (const z of k.mm.zones) {
    s += `Node ${z.nid}, zone ${z.name.padStart(8)} `;
    for (let o = 0; o < NR_ORDERS; o++) {
      const n = z.nrFree[o] + (o === NR_ORDERS - 1 ? (z.virginEnd - z.virgin) / 1024 : 0);
      s += `${String(n).padStart(6)} `;
    }
    s += "\n";
  }
  return s;
}
