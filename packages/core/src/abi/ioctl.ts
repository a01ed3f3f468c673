/**
 * ioctl: the requests that this machine's files answer: the common ones of ioctl(2), the namespace queries of
 * ioctl_nsfs(2), the namespace requests of pidfds and the inode flags of ioctl_iflags(2). A request is an unsigned 32-bit number.
 */

// Any file.
export const FIONREAD = 0x541b;
export const FIONBIO = 0x5421;
export const FIOCLEX = 0x5451;
export const FIONCLEX = 0x5450;
export const FIOASYNC = 0x5452;
export const FS_IOC_GETFLAGS = 0x80086601;
export const FS_IOC_SETFLAGS = 0x40086602;
export const FS_IOC_GETVERSION = 0x80087601;
export const FIFREEZE = 0xc0045877;
export const FITHAW = 0xc0045878;

// Inode flags, ioctl_iflags(2).
export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NODUMP_FL = 0x40;
export const FS_NOATIME_FL = 0x80;
export const FS_SYNC_FL = 8;

// Terminals.
export const TCGETS = 0x5401;
export const TIOCGWINSZ = 0x5413;

// ioctl_nsfs(2)
export const NS_GET_USERNS = 0xb701;
export const NS_GET_PARENT = 0xb702;
export const NS_GET_NSTYPE = 0xb703;
export const NS_GET_OWNER_UID = 0xb704;
export const NS_GET_MNTNS_ID = 0x8008b705;
export const NS_GET_PID_FROM_PIDNS = 0x8004b706;
export const NS_GET_TGID_FROM_PIDNS = 0x8004b707;
export const NS_GET_PID_IN_PIDNS = 0x8004b708;
export const NS_GET_TGID_IN_PIDNS = 0x8004b709;
export const NS_MNT_GET_INFO = 0x8010b70a;
export const NS_MNT_GET_NEXT = 0x8010b70b;
export const NS_MNT_GET_PREV = 0x8010b70c;
export const NS_GET_ID = 0x8008b70d;

// Namespaces of a pidfd's process.
export const PIDFD_GET_CGROUP_NAMESPACE = 0xff01;
export const PIDFD_GET_IPC_NAMESPACE = 0xff02;
export const PIDFD_GET_MNT_NAMESPACE = 0xff03;
export const PIDFD_GET_NET_NAMESPACE = 0xff04;
export const PIDFD_GET_PID_NAMESPACE = 0xff05;
export const PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE = 0xff06;
export const PIDFD_GET_TIME_NAMESPACE = 0xff07;
export const PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE = 0xff08;
export const PIDFD_GET_USER_NAMESPACE = 0xff09;
export const PIDFD_GET_UTS_NAMESPACE = 0xff0a;

// pidfd_open(2), pidfd_send_signal(2)
export const PIDFD_NONBLOCK = 0x800;
export const PIDFD_THREAD = 0x80;
export const PIDFD_SIGNAL_THREAD = 1;
export const PIDFD_SIGNAL_THREAD_GROUP = 2;
export const PIDFD_SIGNAL_PROCESS_GROUP = 4;
