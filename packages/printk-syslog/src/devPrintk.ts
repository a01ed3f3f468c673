/** dev_printk(): messages about a device, with a dictionary that names it. dev-kmsg (ABI documentation), SUBSYSTEM= and DEVICE=. */
import type { Printk } from "./printk.js";

/** What dev_printk needs of a device. */
export interface PrintkDevice {
  readonly name: string;
  /** Of the driver, or else of bus or class: what stands before the name. */
  readonly driver: string;
  /** Class or bus; "": no dictionary. */
  readonly subsystem: string;
  /** Character or block device number, or network interface index. */
  readonly number?:
    | { readonly type: "b" | "c"; readonly major: number; readonly minor: number }
    | { readonly type: "n"; readonly ifindex: number };
}

function dictionary(d: PrintkDevice): string {
  if (d.subsystem === "") return "";
  const n = d.number;
  const device =
    n === undefined ? `+${d.subsystem}:${d.name}` : n.type === "n" ? `n${n.ifindex}` : `${n.type}${n.major}:${n.minor}`;
  return `SUBSYSTEM=${d.subsystem}\nDEVICE=${device}`;
}

/** Bytes stored. The record is complete at once, with or without a newline. */
export function devPrintk(p: Printk, level: number, d: PrintkDevice, text: string): number {
  const line = text.endsWith("\n") ? text : `${text}\n`;
  return p.vprintkEmit(0, level, dictionary(d), `${d.driver} ${d.name}: ${line}`);
}
