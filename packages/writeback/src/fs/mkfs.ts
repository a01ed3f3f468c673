/**
 * Making a file system: a disk without one gets it from its first mount. Of mkfs(8) only this matters here: it fills the journal with
 * zeros, and the kernel has measured the device's speed by that when the first file is written. mke2fs(8) "journal size".
 */
import { wbUpdateWriteBandwidth } from "../control/bandwidth.js";
import { bandwidthInterval } from "../control/constants.js";
import type { Writeback } from "../system.js";
import type { DiskFs } from "./diskFs.js";

/** Blocks of the disk up to which a journal has so many blocks. */
const EXT_JOURNAL: readonly (readonly [below: number, blocks: number])[] = [
  [2048, 0],
  [32_768, 1024],
  [262_144, 4096],
  [524_288, 8192],
  [4_194_304, 16_384],
  [8_388_608, 32_768],
  [Number.POSITIVE_INFINITY, 65_536],
];

/** Blocks of a new file system's journal. */
function journalSize(type: string, blocks: number): number {
  if (type === "xfs") return 16_384;
  if (type !== "ext3" && type !== "ext4") return 0;
  return (EXT_JOURNAL.find(([below]) => blocks < below) as readonly [number, number])[1];
}

/** The estimate of a device after mkfs has written the journal and waited for it. */
export function mkfs(w: Writeback, fs: DiskFs): void {
  const { hz } = w.k.time;
  const n = journalSize(fs.sb.type.name, fs.alloc.blocks);
  const { writeBps } = fs.dev;
  if (n === 0 || writeBps === 0) return;
  const ticks = writeBps === Number.POSITIVE_INFINITY ? 0 : Math.ceil((n * 4096 * hz) / writeBps);
  wbUpdateWriteBandwidth(fs.wb, ticks + bandwidthInterval(hz), n, hz);
}
