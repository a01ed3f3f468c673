/**
 * policyFile: /sys/kernel/security/integrity/ima/policy: one writer at a time; what it wrote takes effect when it closes.
 *
 * Open: EACCES for reading (unless the kernel can show its policy), EBUSY for a second writer. Where rules can be loaded once only, the
 * file is gone afterwards. Kernel document ABI/testing/ima_policy.
 */
import {
  AT_FDCWD,
  CAP_SYS_ADMIN,
  type Ctx,
  capable,
  EACCES,
  EBUSY,
  EINVAL,
  EPERM,
  Errno,
  FileOps,
  FMODE_STREAM,
  fail,
  O_ACCMODE,
  O_LARGEFILE,
  O_RDONLY,
  O_WRONLY,
  type OpenFile,
  pathOpen,
  readBuffer,
  S_IFMT,
  S_IFREG,
  WAIT,
} from "@kernelkit/core";
import { MAY_READ } from "../abi/imaPolicy.js";
import { utf8 } from "../bytes.js";
import type { Integrity } from "../integrityCore.js";
import { renderRule } from "../policy/renderRule.js";
import { releasePolicy, writePolicy } from "./policyLoad.js";

export const POLICY_PATH = "integrity/ima/policy";

/** Opens a regular file for the kernel as the running task does: the file, or -errno. The caller drops it. */
export function openForRead(c: Ctx, path: string): OpenFile | number {
  let file: OpenFile;
  try {
    const r = pathOpen(c, AT_FDCWD, path, O_RDONLY | O_LARGEFILE, MAY_READ, 0, 0);
    if (r === WAIT) return -EINVAL;
    file = r as OpenFile;
  } catch (e) {
    if (e instanceof Errno) return -e.nr;
    throw e;
  }
  if ((file.inode.mode & S_IFMT) === S_IFREG) return file;
  c.k.vfs.fput(file);
  return -EINVAL;
}

/** The policy in force, a rule a line. */
export function showPolicy(g: Integrity): string {
  const { state } = g;
  const rules = state.customActive ? state.customRules : state.defaultRules;
  return rules.map((r) => `${renderRule(r)}\n`).join("");
}

function openPolicy(g: Integrity, c: Ctx, file: OpenFile): undefined {
  const { profile } = g.o;
  if ((file.flags & O_WRONLY) === 0) {
    if (!profile.readPolicy || (file.flags & O_ACCMODE) !== O_RDONLY) return fail(EACCES);
    return capable(c.k, c.task, CAP_SYS_ADMIN) ? undefined : fail(EPERM);
  }
  if (g.state.policyBusy) return fail(EBUSY);
  g.state.policyBusy = true;
  // Every write is a line of its own, whatever its offset would be.
  file.mode |= FMODE_STREAM;
  return undefined;
}

/** The file's operations: a static. */
export function policyFileOps(g: Integrity): FileOps {
  return new FileOps({
    open: (c, _inode, file) => openPolicy(g, c, file),
    read(_c, _file, count, pos, buf) {
      const text = utf8(showPolicy(g)).subarray(pos, pos + count);
      const out = readBuffer(buf, text.length);
      out.set(text);
      return out;
    },
    write(c, _file, data, pos) {
      const n = writePolicy(g, data, pos, (path) => {
        const opened = openForRead(c, path);
        if (typeof opened !== "number") c.k.vfs.fput(opened);
        return opened;
      });
      return n < 0 ? fail(-n) : n;
    },
    release(k, file) {
      if ((file.flags & O_ACCMODE) === O_RDONLY) return;
      const { profile } = g.o;
      if (!releasePolicy(g) || profile.writePolicy) return;
      const node = k.securityfs.find(POLICY_PATH);
      if (node === null) return;
      if (profile.readPolicy) k.securityfs.chattr(node, { mode: 0o400 });
      else k.securityfs.remove(node);
    },
  });
}
