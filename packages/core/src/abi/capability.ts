/**
 * capability: the 41 capabilities of capabilities(7) with their names, the versions of capget(2) and the layout of the
 * `security.capability` attribute.
 *
 * A capability set is two Uint32 words: capability n is bit `n & 31` (`CAP_TO_MASK(n)`) of word `n >> 5` (`CAP_TO_INDEX(n)`).
 */

export const CAP_CHOWN = 0;
export const CAP_DAC_OVERRIDE = 1;
export const CAP_DAC_READ_SEARCH = 2;
export const CAP_FOWNER = 3;
export const CAP_FSETID = 4;
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_LINUX_IMMUTABLE = 9;
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_BROADCAST = 11;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_IPC_LOCK = 14;
export const CAP_IPC_OWNER = 15;
export const CAP_SYS_MODULE = 16;
export const CAP_SYS_RAWIO = 17;
export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_PACCT = 20;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_SYS_NICE = 23;
export const CAP_SYS_RESOURCE = 24;
export const CAP_SYS_TIME = 25;
export const CAP_SYS_TTY_CONFIG = 26;
export const CAP_MKNOD = 27;
export const CAP_LEASE = 28;
export const CAP_AUDIT_WRITE = 29;
export const CAP_AUDIT_CONTROL = 30;
export const CAP_SETFCAP = 31;
export const CAP_MAC_OVERRIDE = 32;
export const CAP_MAC_ADMIN = 33;
export const CAP_SYSLOG = 34;
export const CAP_WAKE_ALARM = 35;
export const CAP_BLOCK_SUSPEND = 36;
export const CAP_AUDIT_READ = 37;
export const CAP_PERFMON = 38;
export const CAP_BPF = 39;
export const CAP_CHECKPOINT_RESTORE = 40;

// The highest capability, /proc/sys/kernel/cap_last_cap.
export const CAP_LAST_CAP = 40;

// A full set: the low word, the high word.
export const CAP_FULL_LO = 0xffffffff;
export const CAP_FULL_HI = 0x1ff;

/** The word (0 or 1) that holds a capability. */
export function CAP_TO_INDEX(cap: number): number {
  return cap >> 5;
}
/** The bit of a capability in its word, as a signed 32-bit number. */
export function CAP_TO_MASK(cap: number): number {
  return 1 << (cap & 31);
}
/** 0 <= cap <= CAP_LAST_CAP, a whole number. */
export function cap_valid(cap: number): boolean {
  return cap >= 0 && cap <= CAP_LAST_CAP && Number.isInteger(cap);
}

/** Names in lower case without prefix, index = number ("chown", ..., "checkpoint_restore"). */
export const capabilityNames: readonly string[] = /* @__PURE__ */ (
  "chown,dac_override,dac_read_search,fowner,fsetid,kill,setgid,setuid,setpcap,linux_immutable," +
  "net_bind_service,net_broadcast,net_admin,net_raw,ipc_lock,ipc_owner,sys_module,sys_rawio,sys_chroot," +
  "sys_ptrace,sys_pacct,sys_admin,sys_boot,sys_nice,sys_resource,sys_time,sys_tty_config,mknod,lease," +
  "audit_write,audit_control,setfcap,mac_override,mac_admin,syslog,wake_alarm,block_suspend,audit_read," +
  "perfmon,bpf,checkpoint_restore"
).split(",");

/** "cap_chown" for 0, as getpcaps(8) and audit records print it; "cap_99" for a number without a name. */
export function capabilityName(cap: number): string {
  return `cap_${capabilityNames[cap] ?? cap}`;
}

/** The number of "CAP_CHOWN", "cap_chown" or "chown", or undefined. */
export function capabilityByName(name: string): number | undefined {
  const i = capabilityNames.indexOf(name.toLowerCase().replace(/^cap_/, ""));
  return i < 0 ? undefined : i;
}

// capget(2): header versions, and how many data structures each moves.
export const _LINUX_CAPABILITY_VERSION_1 = 0x19980330;
export const _LINUX_CAPABILITY_U32S_1 = 1;
export const _LINUX_CAPABILITY_VERSION_2 = 0x20071026;
export const _LINUX_CAPABILITY_U32S_2 = 2;
export const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
export const _LINUX_CAPABILITY_U32S_3 = 2;

// security.capability: magic_etc (little endian) and sizes in bytes.
export const VFS_CAP_REVISION_MASK = 0xff000000;
export const VFS_CAP_REVISION_1 = 0x1000000;
export const VFS_CAP_REVISION_2 = 0x2000000;
export const VFS_CAP_REVISION_3 = 0x3000000;
export const VFS_CAP_FLAGS_EFFECTIVE = 0x1;

export const XATTR_CAPS_SZ_1 = 12;
export const XATTR_CAPS_SZ_2 = 20;
export const XATTR_CAPS_SZ_3 = 24;
