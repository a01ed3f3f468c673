/**
 * Paths as arguments: text with lengths in bytes of UTF-8, cut at a NUL. path_resolution(7), limits.h PATH_MAX and NAME_MAX.
 */
import { EFAULT, ENAMETOOLONG, ENOENT } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { NAME_MAX, PATH_MAX } from "../abi/fcntl.js";

/** ENAMETOOLONG above 255 bytes. */
export function checkNameLength(name: string): void {
  if (name.length > NAME_MAX || utf8Length(name) > NAME_MAX) fail(ENAMETOOLONG);
}

/** Bytes of a string as UTF-8. */
export function utf8Length(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length; i++) {
    const ch = s.charCodeAt(i);
    if (ch < 0x80) continue;
    n += ch < 0x800 ? 1 : 2;
    // a pair of surrogates is four bytes
    if ((ch & 0xfc00) === 0xd800 && (s.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return n;
}

/** A path argument: text cut at its NUL. EFAULT, ENOENT (empty and not `mayBeEmpty`), ENAMETOOLONG. */
export function pathArg(path: unknown, mayBeEmpty: boolean): string {
  if (path === null) return fail(EFAULT);
  if (typeof path !== "string")
    throw new TypeError(`path: must be a string or null (bad address), not ${String(path)}`);
  if (path.length >= PATH_MAX || (path.length * 3 >= PATH_MAX && utf8Length(path) >= PATH_MAX)) {
    const nul = path.indexOf("\0");
    if (nul < 0 || nul >= PATH_MAX) return fail(ENAMETOOLONG);
    return pathArg(path.slice(0, nul), mayBeEmpty);
  }
  if (path.length === 0 || path.charCodeAt(0) === 0) {
    if (!mayBeEmpty) return fail(ENOENT);
    return "";
  }
  return path;
}
