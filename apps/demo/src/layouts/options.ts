/** Options of layouts, with the ids that are used unless others are given. */
import type { GroupLimits } from "./host.js";

export interface LayoutOptions extends GroupLimits {
  /** Limits of the group above: a pod, a slice, an outer container. */
  readonly parent?: GroupLimits;
  readonly containerId?: string;
  readonly podUid?: string;
  readonly taskId?: string;
  readonly hostname?: string;
  /** Memory that task 42 uses, bytes. Default 200 MiB, or half of its limit if that is less. */
  readonly rss?: number;
  /** What MemFree and MemAvailable are to say in the end, bytes. Default: what is left. */
  readonly free?: number;
  readonly available?: number;
}

export interface ResolvedOptions extends LayoutOptions {
  readonly containerId: string;
  readonly podUid: string;
  readonly taskId: string;
}

export function withIds(o: LayoutOptions): ResolvedOptions {
  return {
    containerId: "4f2a9c1be07d6538a1c4e9f2b7d03a586c1e2f4a9b8d7c6e5f40312213aabbcc",
    podUid: "0f6d3c1a-2b4e-4d55-9a77-1c2d3e4f5a6b",
    taskId: "0b69d5c0d655424ba25e71d1bb5ad5b3",
    ...o,
  };
}
