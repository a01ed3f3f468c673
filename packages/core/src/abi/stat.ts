/**
 * stat: file types and mode bits of inode(7), makedev(3), the entry types of getdents(2) and the masks of statx(2).
 */

// The type of a file, in the upper four bits of a mode.
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o60000;
export const S_IFDIR = 0o40000;
export const S_IFCHR = 0o20000;
export const S_IFIFO = 0o10000;

// Special bits and permissions.
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IRWXU = 0o700;
export const S_IRUSR = 0o400;
export const S_IWUSR = 0o200;
export const S_IXUSR = 0o100;
export const S_IRWXG = 0o70;
export const S_IRGRP = 0o40;
export const S_IWGRP = 0o20;
export const S_IXGRP = 0o10;
export const S_IRWXO = 7;
export const S_IROTH = 4;
export const S_IWOTH = 2;
export const S_IXOTH = 1;

// Kernel spellings: permissions with special bits; the three classes of one permission.
export const S_IALLUGO = 0o7777;
export const S_IRWXUGO = 0o777;
export const S_IRUGO = 0o444;
export const S_IWUGO = 0o222;
export const S_IXUGO = 0o111;

/** The mode is of a regular file, inode(7). */
export function S_ISREG(mode: number): boolean {
  return (mode & S_IFMT) === S_IFREG;
}
/** The mode is of a directory, inode(7). */
export function S_ISDIR(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}
/** The mode is of a symbolic link, inode(7). */
export function S_ISLNK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFLNK;
}
/** The mode is of a character device, inode(7). */
export function S_ISCHR(mode: number): boolean {
  return (mode & S_IFMT) === S_IFCHR;
}
/** The mode is of a block device, inode(7). */
export function S_ISBLK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFBLK;
}
/** The mode is of a FIFO or pipe, inode(7). */
export function S_ISFIFO(mode: number): boolean {
  return (mode & S_IFMT) === S_IFIFO;
}
/** The mode is of a socket, inode(7). */
export function S_ISSOCK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFSOCK;
}

/** makedev(3): the st_dev/st_rdev number of a device; major below 2^12, minor below 2^20, so 32 bits unsigned. */
export function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}
/** major(3) of a number that makedev made. */
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}
/** minor(3) of a number that makedev made. */
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}

// getdents(2): d_type is the upper four bits of the mode.
export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;
export const DT_WHT = 14;

// utimensat(2): special values of tv_nsec.
export const UTIME_NOW = 0x3fffffff;
export const UTIME_OMIT = 0x3ffffffe;

// statx(2): wanted and given fields.
export const STATX_TYPE = 1;
export const STATX_MODE = 2;
export const STATX_NLINK = 4;
export const STATX_UID = 8;
export const STATX_GID = 0x10;
export const STATX_ATIME = 0x20;
export const STATX_MTIME = 0x40;
export const STATX_CTIME = 0x80;
export const STATX_INO = 0x100;
export const STATX_SIZE = 0x200;
export const STATX_BLOCKS = 0x400;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_ALL = 0xfff;
export const STATX_MNT_ID = 0x1000;
export const STATX_DIOALIGN = 0x2000;
export const STATX_MNT_ID_UNIQUE = 0x4000;
export const STATX_SUBVOL = 0x8000;

// statx(2): stx_attributes. The first four are FS_IOC_GETFLAGS's bits too.
export const STATX_ATTR_COMPRESSED = 4;
export const STATX_ATTR_IMMUTABLE = 0x10;
export const STATX_ATTR_APPEND = 0x20;
export const STATX_ATTR_NODUMP = 0x40;
export const STATX_ATTR_ENCRYPTED = 0x800;
export const STATX_ATTR_AUTOMOUNT = 0x1000;
export const STATX_ATTR_MOUNT_ROOT = 0x2000;
export const STATX_ATTR_VERITY = 0x100000;
export const STATX_ATTR_DAX = 0x200000;
