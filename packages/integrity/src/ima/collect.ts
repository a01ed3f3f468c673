/**
 * collect: a file's digest (`ima_collect_measurement`). Kept with the inode until something may have changed it.
 */
import { EINVAL, ENOENT, O_DIRECT, type OpenFile, queryIversion } from "@kernelkit/core";
import { hashDigestSize } from "../abi/hashAlgo.js";
import { AUDIT_INTEGRITY_DATA, integrityAudit } from "../audit.js";
import type { Integrity } from "../integrityCore.js";
import { type Iint, IMA_COLLECTED } from "./iint.js";

/**
 * 0 with `iint.digest` filled, or -errno and an audit record: -EINVAL for a file opened with O_DIRECT (the digest is then zeros), -ENOENT
 * for an algorithm that is not there.
 * @param buf content that was read already (a kernel image, a policy)
 */
export function collectMeasurement(
  g: Integrity,
  iint: Iint,
  file: OpenFile,
  buf: Uint8Array | null,
  algo: number,
): number {
  if ((iint.flags & IMA_COLLECTED) !== 0) return 0;
  const { inode } = file;
  const version = queryIversion(inode);
  let result = 0;
  let used = algo;
  let digest: Uint8Array;
  if (buf === null && (file.flags & O_DIRECT) !== 0) {
    used = g.state.hashAlgo;
    digest = new Uint8Array(hashDigestSize[used]);
    result = -EINVAL;
  } else if (!g.hashes.has(algo)) {
    digest = new Uint8Array(0);
    result = -ENOENT;
  } else {
    digest = g.crypto.digest(algo, buf ?? g.contents(inode));
  }
  if (result !== -ENOENT) {
    iint.algo = used;
    iint.digest = digest;
    iint.version = version;
    if (result === 0) iint.flags |= IMA_COLLECTED;
  }
  if (result !== 0) {
    const cause = (file.flags & O_DIRECT) !== 0 ? "failed(directio)" : "failed";
    integrityAudit(g, AUDIT_INTEGRITY_DATA, { op: "collect_data", cause, name: file.dentry.name, inode, result });
  }
  return result;
}
