/**
 * prctl: operations of prctl(2) and the securebits of capabilities(7).
 */

export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_GET_UNALIGN = 5;
export const PR_SET_UNALIGN = 6;
export const PR_GET_KEEPCAPS = 7;
export const PR_SET_KEEPCAPS = 8;
export const PR_GET_TIMING = 13;
export const PR_SET_TIMING = 14;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_GET_SECCOMP = 21;
export const PR_SET_SECCOMP = 22;
export const PR_CAPBSET_READ = 23;
export const PR_CAPBSET_DROP = 24;
export const PR_GET_TSC = 25;
export const PR_SET_TSC = 26;
export const PR_GET_SECUREBITS = 27;
export const PR_SET_SECUREBITS = 28;
export const PR_SET_TIMERSLACK = 29;
export const PR_GET_TIMERSLACK = 30;
export const PR_MCE_KILL = 33;
export const PR_MCE_KILL_GET = 34;
export const PR_SET_MM = 35;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;
export const PR_GET_TID_ADDRESS = 40;
export const PR_SET_THP_DISABLE = 41;
export const PR_GET_THP_DISABLE = 42;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_IS_SET = 1;
export const PR_CAP_AMBIENT_RAISE = 2;
export const PR_CAP_AMBIENT_LOWER = 3;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const PR_GET_SPECULATION_CTRL = 52;
export const PR_SET_SPECULATION_CTRL = 53;
export const PR_SET_IO_FLUSHER = 57;
export const PR_GET_IO_FLUSHER = 58;
export const PR_SET_MDWE = 65;
export const PR_GET_MDWE = 66;
export const PR_SET_MEMORY_MERGE = 67;
export const PR_GET_MEMORY_MERGE = 68;

// PR_SET_PTRACER wants this Yama magic.
export const PR_SET_PTRACER = 0x59616d61;

// Values of PR_SET_DUMPABLE; the third only by fs.suid_dumpable, proc_sys_fs(5).
export const SUID_DUMP_DISABLE = 0;
export const SUID_DUMP_USER = 1;
export const SUID_DUMP_ROOT = 2;

// Securebits as bit numbers ...
export const SECURE_NOROOT = 0;
export const SECURE_NOROOT_LOCKED = 1;
export const SECURE_NO_SETUID_FIXUP = 2;
export const SECURE_NO_SETUID_FIXUP_LOCKED = 3;
export const SECURE_KEEP_CAPS = 4;
export const SECURE_KEEP_CAPS_LOCKED = 5;
export const SECURE_NO_CAP_AMBIENT_RAISE = 6;
export const SECURE_NO_CAP_AMBIENT_RAISE_LOCKED = 7;
export const SECURE_EXEC_RESTRICT_FILE = 8;
export const SECURE_EXEC_RESTRICT_FILE_LOCKED = 9;
export const SECURE_EXEC_DENY_INTERACTIVE = 10;
export const SECURE_EXEC_DENY_INTERACTIVE_LOCKED = 11;

// ... and as masks.
export const SECBIT_NOROOT = 1;
export const SECBIT_NOROOT_LOCKED = 2;
export const SECBIT_NO_SETUID_FIXUP = 4;
export const SECBIT_NO_SETUID_FIXUP_LOCKED = 8;
export const SECBIT_KEEP_CAPS = 0x10;
export const SECBIT_KEEP_CAPS_LOCKED = 0x20;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 0x40;
export const SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 0x80;
export const SECBIT_EXEC_RESTRICT_FILE = 0x100;
export const SECBIT_EXEC_RESTRICT_FILE_LOCKED = 0x200;
export const SECBIT_EXEC_DENY_INTERACTIVE = 0x400;
export const SECBIT_EXEC_DENY_INTERACTIVE_LOCKED = 0x800;
export const SECURE_ALL_BITS = 0x555;
export const SECURE_ALL_LOCKS = 0xaaa;
