/** Capabilities in a file: the attribute `security.capability`. capabilities(7), "File capabilities". */
import {
  CAP_FULL_HI,
  VFS_CAP_FLAGS_EFFECTIVE,
  VFS_CAP_REVISION_1,
  VFS_CAP_REVISION_2,
  VFS_CAP_REVISION_3,
  VFS_CAP_REVISION_MASK,
  XATTR_CAPS_SZ_1,
  XATTR_CAPS_SZ_2,
  XATTR_CAPS_SZ_3,
} from "../abi/capability.js";
import { CapSet } from "./cred.js";
import { fromKuid, makeKuid, type UserNamespace } from "./userNamespace.js";

export interface FileCaps {
  readonly permitted: CapSet;
  readonly inheritable: CapSet;
  /** The one effective bit: what is permitted is effective, too. */
  readonly effective: boolean;
}

/** Does user 0 of this kernel uid's namespace own `ns` or one above it? */
function rootidOwns(kroot: number, ns: UserNamespace): boolean {
  for (let n: UserNamespace | null = ns; n !== null; n = n.parent) if (fromKuid(n, kroot) === 0) return true;
  return false;
}

/**
 * What the attribute says to a task in `ns`; `fsNs` owns the file system. null: nothing (not well formed, or set by somebody who
 * has no say in `ns`).
 */
export function parseFileCaps(raw: Uint8Array, fsNs: UserNamespace, ns: UserNamespace): FileCaps | null {
  const v = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (raw.length < XATTR_CAPS_SZ_1) return null;
  const magic = v.getUint32(0, true);
  const revision = (magic & VFS_CAP_REVISION_MASK) >>> 0;
  let kroot = makeKuid(fsNs, 0);
  let hi = true;
  if (revision === VFS_CAP_REVISION_1 && raw.length === XATTR_CAPS_SZ_1) hi = false;
  else if (revision === VFS_CAP_REVISION_3 && raw.length === XATTR_CAPS_SZ_3)
    kroot = makeKuid(fsNs, v.getUint32(20, true));
  else if (!(revision === VFS_CAP_REVISION_2 && raw.length === XATTR_CAPS_SZ_2)) return null;
  if (!rootidOwns(kroot, ns)) return null;
  const set = (at: number): CapSet =>
    new CapSet(v.getUint32(at, true), hi ? (v.getUint32(at + 8, true) & CAP_FULL_HI) >>> 0 : 0);
  return { permitted: set(4), inheritable: set(8), effective: (magic & VFS_CAP_FLAGS_EFFECTIVE) !== 0 };
}
