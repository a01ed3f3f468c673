/**
 * System calls about the machine as a whole. uname(2), sethostname(2), sysinfo(2), getrandom(2), reboot(2).
 */
import type { Ret, SysBase } from "./types.js";

/** `struct new_utsname`. */
export interface Utsname {
  sysname: string;
  nodename: string;
  release: string;
  version: string;
  machine: string;
  domainname: string;
}

/** `struct sysinfo`: loads in 1/65536, memory in units of mem_unit (1) bytes. */
export interface Sysinfo {
  /** Seconds since boot. */
  uptime: number;
  loads: number[];
  totalram: number;
  freeram: number;
  sharedram: number;
  bufferram: number;
  totalswap: number;
  freeswap: number;
  /** Threads. */
  procs: number;
  totalhigh: number;
  freehigh: number;
  mem_unit: number;
}

export interface MiscSys extends SysBase {
  /** uname(2), of the caller's uts namespace. */
  uname(): Ret<this["mode"], Utsname>;
  /** sethostname(2). EPERM CAP_SYS_ADMIN over the uts namespace's owner; EINVAL longer than 64 bytes (or `len` < 0 or > 64). */
  sethostname(name: string, len?: number): Ret<this["mode"], number>;
  /** setdomainname(2). As sethostname. */
  setdomainname(name: string, len?: number): Ret<this["mode"], number>;
  sysinfo(): Ret<this["mode"], Sysinfo>;
  /**
   * getrandom(2): `buflen` bytes. EINVAL flags, GRND_RANDOM with GRND_INSECURE; EAGAIN not seeded and GRND_NONBLOCK; EFAULT
   * (`buf` null).
   */
  getrandom(buflen: number, flags?: number, buf?: null): Ret<this["mode"], Uint8Array>;
  /**
   * reboot(2). EPERM CAP_SYS_BOOT over the pid namespace's owner; EINVAL magic; in a pid namespace other than the initial:
   * EINVAL other than restart, halt, power off, which end its init. EINVAL command.
   */
  reboot(magic: number, magic2: number, cmd: number, arg?: string): Ret<this["mode"], number>;
}
