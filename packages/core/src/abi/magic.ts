/**
 * magic: f_type of statfs(2), by which a file system is known.
 */

export const TMPFS_MAGIC = 0x1021994;
export const RAMFS_MAGIC = 0x858458f6;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const SYSFS_MAGIC = 0x62656572;
export const CGROUP_SUPER_MAGIC = 0x27e0eb;
export const CGROUP2_SUPER_MAGIC = 0x63677270;
export const DEBUGFS_MAGIC = 0x64626720;
export const SECURITYFS_MAGIC = 0x73636673;
export const TRACEFS_MAGIC = 0x74726163;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;
export const PIPEFS_MAGIC = 0x50495045;
export const SOCKFS_MAGIC = 0x534f434b;
export const ANON_INODE_FS_MAGIC = 0x9041934;
export const NSFS_MAGIC = 0x6e736673;
export const MQUEUE_MAGIC = 0x19800202;
export const PID_FS_MAGIC = 0x50494446;
export const BDEVFS_MAGIC = 0x62646576;
export const EXT4_SUPER_MAGIC = 0xef53;
export const XFS_SUPER_MAGIC = 0x58465342;
export const BTRFS_SUPER_MAGIC = 0x9123683e;
export const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
export const NFS_SUPER_MAGIC = 0x6969;
export const FUSE_SUPER_MAGIC = 0x65735546;
export const SQUASHFS_MAGIC = 0x73717368;
export const MSDOS_SUPER_MAGIC = 0x4d44;
export const SELINUX_MAGIC = 0xf97cff8c;
export const PSTOREFS_MAGIC = 0x6165676c;
export const EFIVARFS_MAGIC = 0xde5e81e4;
export const BPF_FS_MAGIC = 0xcafe4a11;
export const HUGETLBFS_MAGIC = 0x958458f6;
