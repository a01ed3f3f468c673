/** How the fields of tracepoints are described, as in the `format` files of tracefs. Documentation/trace/events. */

export type Field = readonly [type: string, name: string, size: number, signed: number];

export const ulong = (name: string): Field => ["unsigned long", name, 8, 0];
export const int = (name: string): Field => ["int", name, 4, 1];
export const u64 = (name: string): Field => ["u64", name, 8, 0];

/** What reclaim of a group may use: kswapd's and direct reclaim, I/O, file systems, all of memory. */
export const GFP = "GFP_HIGHUSER_MOVABLE";
