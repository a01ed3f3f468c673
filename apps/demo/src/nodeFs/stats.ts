/** What stat(2) and getdents64(2) give, as Node's `Stats` and `Dirent`. */
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, type Stat } from "@kernelkit/core";

abstract class Typed {
  abstract readonly type: number;
  isFile(): boolean {
    return this.type === S_IFREG;
  }
  isDirectory(): boolean {
    return this.type === S_IFDIR;
  }
  isSymbolicLink(): boolean {
    return this.type === S_IFLNK;
  }
  isFIFO(): boolean {
    return this.type === S_IFIFO;
  }
  isSocket(): boolean {
    return this.type === S_IFSOCK;
  }
  isBlockDevice(): boolean {
    return this.type === S_IFBLK;
  }
  isCharacterDevice(): boolean {
    return this.type === S_IFCHR;
  }
}

/** Node's fs.Stats; with `bigint`, fs.BigIntStats. */
export class KernelStats extends Typed {
  declare readonly type: number;
  [field: string]: unknown;

  constructor(st: Stat, bigint: boolean) {
    super();
    const n = (v: number | bigint): number | bigint => (bigint ? BigInt(v) : Number(v));
    for (const k of ["dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks"] as const)
      this[k] = n(st[k]);
    // Linux's stat has no time of birth: Node shows the earliest it knows
    for (const [name, sec, nsec] of [
      ["atime", st.atime, st.atime_nsec],
      ["mtime", st.mtime, st.mtime_nsec],
      ["ctime", st.ctime, st.ctime_nsec],
      ["birthtime", st.ctime, st.ctime_nsec],
    ] as const) {
      this[`${name}Ms`] = bigint ? BigInt(Math.floor(sec * 1000 + nsec / 1e6)) : sec * 1000 + nsec / 1e6;
      if (bigint) this[`${name}Ns`] = BigInt(sec) * 1_000_000_000n + BigInt(nsec);
      this[name] = new Date(sec * 1000 + nsec / 1e6);
    }
    Object.defineProperty(this, "type", { value: st.mode & S_IFMT, enumerable: false });
  }
}

/** Node's fs.Dirent. */
export class KernelDirent extends Typed {
  constructor(
    readonly name: string,
    readonly parentPath: string,
    readonly type: number,
  ) {
    super();
  }
  get path(): string {
    return this.parentPath;
  }
}
