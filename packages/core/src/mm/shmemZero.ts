/**
 * Shared memory without a name: what mmap(2) gives for MAP_SHARED|MAP_ANONYMOUS, shown as `/dev/zero (deleted)`. It lives as long as
 * an area maps it.
 */
import type { AddressSpace, AddressSpaceOps, MappingHost } from "./addressSpace.js";
import type { MmSystem } from "./mmSystem.js";

/** Its size is fixed by the mmap that made it. */
export class ShmemObject implements MappingHost {
  /** Pages it counts for in Committed_AS. */
  promised = 0;

  constructor(
    /** Shown in /proc/PID/maps. */
    readonly ino: number,
    readonly size: number,
  ) {}
}

export const SHMEM_ZERO_OPS: AddressSpaceOps = { name: "shmem zero", swapBacked: true };

/** No area maps it any more: its pages are free. */
export function dropShmem(m: MmSystem, mapping: AddressSpace): void {
  m.committed -= (mapping.host as ShmemObject).promised;
  m.dropMapping(mapping);
}
