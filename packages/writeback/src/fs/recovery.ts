/** What a machine finds on a disk after a power loss: files as the last commit says, pages as the medium holds them. */
import type { PageData } from "@kernelkit/core";
import { BLOCK_WRITTEN } from "./blockMap.js";
import type { DiskFs } from "./diskFs.js";
import type { CommittedFile } from "./journal.js";

export interface RecoveredFile {
  /** Bytes. */
  readonly size: number;
  /** A page: null is zeros. */
  read(index: number): PageData;
}

/** By inode number. Empty: nothing was ever committed. */
export function recoveredFiles(fs: DiskFs | null): ReadonlyMap<number, RecoveredFile> {
  const out = new Map<number, RecoveredFile>();
  if (fs === null) return out;
  for (const [ino, file] of fs.journal.files) out.set(ino, recovered(fs, file));
  return out;
}

function recovered(fs: DiskFs, file: CommittedFile): RecoveredFile {
  return {
    size: file.size,
    read(index) {
      if (index * 4096 >= file.size || file.map.state(index) !== BLOCK_WRITTEN) return null;
      return fs.dev.read(file.map.block(index)) ?? null;
    },
  };
}
