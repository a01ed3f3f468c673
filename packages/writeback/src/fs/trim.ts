/** FITRIM: free blocks are given back to a device that can use that. fstrim(8). */
import { EINVAL, EOPNOTSUPP, fail } from "@kernelkit/core";
import type { DiskFs } from "./diskFs.js";

/** Free runs of at least `minLength` bytes between `start` and start+length (bytes) are discarded: how many bytes. */
export function fitrim(fs: DiskFs | null, start: number, length: number, minLength: number): number {
  if (fs === null || !fs.dev.discard) return fail(EOPNOTSUPP);
  const first = Math.ceil(start / 4096);
  if (!(start >= 0) || first >= fs.alloc.blocks || length < 4096) return fail(EINVAL);
  const end = Math.min(fs.alloc.blocks, Math.floor((start + length) / 4096));
  let bytes = 0;
  for (let b = first; b < end; ) {
    let n = 0;
    while (b + n < end && fs.alloc.isFree(b + n)) n++;
    if (n > 0 && n * 4096 >= minLength) {
      fs.dev.media.forget(b, n);
      fs.dev.discarded += n;
      bytes += n * 4096;
    }
    b += n + 1;
  }
  return bytes;
}
