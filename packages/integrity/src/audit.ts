/**
 * audit: the bodies of integrity's audit records (audit types 1800 to 1807), as `ausearch -m INTEGRITY_DATA` shows them.
 *
 * `pid= uid= auid= ses= op= cause= comm="" name="" dev="" ino= res= errno=`. A string with blanks, quotes or control characters is
 * upper-case hexadecimal without quotes.
 */
import type { Inode } from "@kernelkit/core";
import { toHex, utf8 } from "./bytes.js";
import type { Integrity } from "./integrityCore.js";

export const AUDIT_INTEGRITY_DATA = 1800;
export const AUDIT_INTEGRITY_METADATA = 1801;
export const AUDIT_INTEGRITY_STATUS = 1802;
export const AUDIT_INTEGRITY_PCR = 1804;
export const AUDIT_INTEGRITY_RULE = 1805;
export const AUDIT_INTEGRITY_EVM_XATTR = 1806;
export const AUDIT_INTEGRITY_POLICY_RULE = 1807;

/** auid and ses of a task that nobody has logged in. */
const UNSET = 4294967295;

/** A string a user may have chosen. */
export function untrusted(text: string): string {
  return /^[\x21\x23-\x7e]*$/.test(text) ? `"${text}"` : toHex(utf8(text)).toUpperCase();
}

export interface AuditMessage {
  readonly op: string;
  readonly cause: string;
  readonly name?: string | undefined;
  readonly inode?: Inode | undefined;
  /** The operation's result: 0 is res=1. */
  readonly result: number;
  readonly errno?: number;
  /** Only with integrity_audit=1. */
  readonly info?: boolean;
}

/** integrity_audit_message(). */
export function integrityAudit(g: Integrity, type: number, m: AuditMessage): void {
  if (m.info === true && !g.state.auditInfo) return;
  const t = g.k.current;
  let s = `pid=${t === null ? 0 : t.nr} uid=${t === null ? 0 : t.cred.uid} auid=${UNSET} ses=${UNSET}`;
  s += ` op=${m.op} cause=${m.cause} comm=${untrusted(t === null ? "swapper/0" : t.comm)}`;
  if (m.name !== undefined) s += ` name=${untrusted(m.name)}`;
  if (m.inode !== undefined) s += ` dev=${untrusted(m.inode.sb.id)} ino=${m.inode.ino}`;
  g.k.audit(type, `${s} res=${m.result === 0 ? 1 : 0} errno=${m.errno ?? 0}`);
}

/** The record of an `audit` rule: the file and its digest, "algo:hex". */
export function auditMeasurement(g: Integrity, path: string, hash: string): void {
  let s = `file=${untrusted(path)} hash="${hash}"`;
  const t = g.k.current;
  if (t !== null) {
    const c = t.cred;
    s += ` ppid=${t.parent?.nr ?? 0} pid=${t.nr} auid=${UNSET} uid=${c.uid} gid=${c.gid} euid=${c.euid} suid=${c.suid}`;
    s += ` fsuid=${c.fsuid} egid=${c.egid} sgid=${c.sgid} fsgid=${c.fsgid} tty=(none) ses=${UNSET} comm=${untrusted(t.comm)}`;
    const exe = t.mm?.exeFile ?? null;
    s += ` exe=${exe === null ? "(null)" : untrusted(g.k.vfs.filePath(exe))}`;
  }
  g.k.audit(AUDIT_INTEGRITY_RULE, s);
}
