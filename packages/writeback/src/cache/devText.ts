/** The fields that events of an inode by device number print: "254,0", ino, dirtied_when, state, mode in octal. */
import type { WbInode } from "../fs/wbInode.js";
import { stateText } from "../trace.js";

export function devText(wi: WbInode): [dev: string, ino: number, dirtied: number, state: string, mode: string] {
  const { dev } = wi.inode.sb;
  return [
    `${Math.floor(dev / 256)},${dev % 256}`,
    wi.inode.ino,
    wi.dirtiedWhen,
    stateText(wi.state),
    `0${wi.inode.mode.toString(8)}`,
  ];
}
