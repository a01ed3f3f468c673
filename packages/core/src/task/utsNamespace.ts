/**
 * Names of the machine: uname(2), /proc/sys/kernel/{hostname,domainname,ostype,osrelease,version,arch}. Nodename and domainname
 * belong to the namespace, the rest is the kernel's. uts_namespaces(7).
 */
import type { Namespace, NsType } from "./namespace.js";
import type { UserNamespace } from "./userNamespace.js";

/** Longest name in bytes. */
export const NEW_UTS_LEN = 64;

export class UtsNamespace implements Namespace {
  refs = 1;
  sysname = "Linux";
  nodename: string;
  release: string;
  version = "#1 SMP PREEMPT_DYNAMIC";
  machine = "x86_64";
  domainname = "(none)";
  /** Woken when a name changes (poll on the sysctls). */
  readonly data: Record<string, unknown> = {};

  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
    names: { nodename: string; release: string },
  ) {
    this.nodename = names.nodename;
    this.release = names.release;
  }
}
