/**
 * Memory blocks in sysfs: /sys/devices/system/memory, and their links with nodes. lsmem(1) reads them. Their size is that of a small x86
 * machine; none can be taken away. Documentation/admin-guide/mm/memory-hotplug, Documentation/ABI/testing/sysfs-devices-memory.
 */
import { EBUSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";

const BLOCK_BYTES: number = 128 * 2 ** 20;
const BLOCK_PAGES: number = BLOCK_BYTES / 4096;

interface Block {
  nr: number;
}

export function installMemoryBlocks(k: Core): void {
  const { sysfs, mm } = k;
  const dir = "devices/system/memory";
  const zonesOf = (b: Block) =>
    mm.zones.filter((z) => z.start < (b.nr + 1) * BLOCK_PAGES && z.end > b.nr * BLOCK_PAGES);
  const busy = (): never => fail(EBUSY);
  sysfs.file(`${dir}/block_size_bytes`, { show: () => `${BLOCK_BYTES.toString(16)}\n` });
  sysfs.file(`${dir}/auto_online_blocks`, { show: () => "online\n" });
  const group = sysfs.group<Block>("memory", {
    online: { show: () => "1\n", store: busy },
    phys_device: { show: () => "0\n" },
    phys_index: { show: (_c, b) => `${b.nr.toString(16).padStart(8, "0")}\n` },
    removable: { show: () => "1\n" },
    state: { show: () => "online\n", store: busy },
    // of a block that is online: the one zone that it is in
    valid_zones: {
      show(_c, b) {
        const zones = zonesOf(b);
        return `${zones.length === 1 ? zones[0].name : "none"}\n`;
      },
    },
  });
  const last = mm.zones.reduce((n, z) => Math.max(n, z.end), 0);
  for (let nr = 0; nr * BLOCK_PAGES < last; nr++) {
    const nids = new Set(zonesOf({ nr }).map((z) => z.nid));
    if (nids.size === 0) continue;
    const block = sysfs.dir(`${dir}/memory${nr}`, { group, owner: { nr } });
    for (const nid of nids) {
      const node = sysfs.dir(`devices/system/node/node${nid}`);
      sysfs.link(`node${nid}`, node, { in: block });
      sysfs.link(`memory${nr}`, block, { in: node });
    }
  }
}
