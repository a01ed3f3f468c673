/** /sys/block/NAME/queue: what a device's queue is like. ABI/stable/sysfs-block. */
import { type Core, EINVAL, fail, type PseudoFile } from "@kernelkit/core";
import type { BlockDevice } from "./blockDevice.js";

/** Gives what makes the files of a new device. */
export function queueAttributes(k: Core): (dev: BlockDevice) => void {
  const number = (get: (d: BlockDevice) => number): PseudoFile<BlockDevice> => ({
    mode: 0o444,
    show: (_c, d) => `${get(d)}\n`,
  });
  const group = k.sysfs.group("block.queue", {
    stable_writes: {
      mode: 0o644,
      show: (_c, d: BlockDevice) => `${d.stableWrites ? 1 : 0}\n`,
      store(_c, d, text) {
        if (!/^\d+\n?$/.test(text)) return fail(EINVAL);
        d.stableWrites = Number(text) !== 0;
        return undefined;
      },
    },
    nr_requests: number((d) => d.queueDepth),
    max_sectors_kb: number((d) => d.maxPages * 4),
    logical_block_size: number(() => 512),
    discard_max_bytes: number((d) => (d.discard ? 2 ** 31 : 0)),
    write_cache: { mode: 0o444, show: (_c, d) => (d.writeCacheBytes > 0 ? "write back\n" : "write through\n") },
  });
  return (dev) => {
    k.sysfs.dir(`block/${dev.name}/queue`, { group, owner: dev });
  };
}
