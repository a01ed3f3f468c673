/**
 * The synchronous half of a Node-shaped fs over a kernel: each method is made of system calls of one task, so permissions, mounts,
 * links and pseudo files are the kernel's. The names, arguments and errors are those of node:fs; see kernelFs.ts.
 */
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type CoreSys,
  KernelError,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  type Outside,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  type Stat,
} from "@kernelkit/core";
import { decoded, encoded, flagsOf, modeOf, named, type Options, optionsOf, pathOf, timeOf } from "./args.js";
import { KernelDirent, KernelStats } from "./stats.js";

const CHUNK = 65536;
const MAX_LINKS = 40;
const COPYFILE_EXCL = 1;
const isDir = (st: Stat): boolean => (st.mode & S_IFMT) === S_IFDIR;
const isCode = (e: unknown, ...codes: string[]): boolean => e instanceof KernelError && codes.includes(e.code);

/** Where a path leads when read component by component: normal, absolute, without links to follow yet. */
function parts(path: string, cwd: string): string[] {
  const out: string[] = [];
  for (const p of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) if (p !== "" && p !== ".") out.push(p);
  return out;
}

export class SyncFs {
  constructor(
    protected readonly sys: Outside<CoreSys>,
    /** Added to the kernel's descriptors, so that they can stand beside real ones. */
    protected readonly fdBase: number,
  ) {}

  private fd(fd: unknown): number {
    return Number(fd) - this.fdBase;
  }

  private all(fd: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const b = this.sys.read(fd, CHUNK);
      if (b.length === 0) break;
      pieces.push(b.slice());
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  // --- descriptors ---

  openSync(path: unknown, flags?: unknown, mode?: unknown): number {
    const p = pathOf(path);
    return named("open", () => this.sys.open(p, flagsOf(flags, "r"), modeOf(mode, 0o666)), p) + this.fdBase;
  }

  closeSync(fd: unknown): void {
    named("close", () => this.sys.close(this.fd(fd)));
  }

  /** (fd, buffer, offset, length, position), (fd, buffer, options), (fd, buffer). Position null or -1: where the file stands. */
  readSync(fd: unknown, buffer: Uint8Array, offset?: unknown, length?: unknown, position?: unknown): number {
    const o = (typeof offset === "object" && offset !== null ? offset : { offset, length, position }) as Record<
      "offset" | "length" | "position",
      number | bigint | null | undefined
    >;
    const at = Number(o.offset ?? 0);
    const count = Number(o.length ?? buffer.byteLength - at);
    const into = new Uint8Array(buffer.buffer, buffer.byteOffset + at, count);
    const pos = o.position ?? null;
    const got = named("read", () =>
      pos === null || Number(pos) < 0
        ? this.sys.read(this.fd(fd), count)
        : this.sys.pread64(this.fd(fd), count, Number(pos)),
    );
    into.set(got);
    return got.length;
  }

  /** (fd, buffer, offset, length, position), (fd, string, position, encoding). */
  writeSync(fd: unknown, data: unknown, offset?: unknown, length?: unknown, position?: unknown): number {
    let bytes: Uint8Array;
    let pos: unknown;
    if (typeof data === "string") {
      bytes = encoded(data, optionsOf(length));
      pos = offset;
    } else {
      const o = (typeof offset === "object" && offset !== null ? offset : { offset, length, position }) as Record<
        "offset" | "length" | "position",
        number | null | undefined
      >;
      const whole = encoded(data, {});
      const at = Number(o.offset ?? 0);
      bytes = whole.subarray(at, at + Number(o.length ?? whole.length - at));
      pos = o.position;
    }
    return named("write", () =>
      typeof pos === "number" && pos >= 0
        ? this.sys.pwrite64(this.fd(fd), bytes, pos)
        : this.sys.write(this.fd(fd), bytes),
    );
  }

  fstatSync(fd: unknown, o?: unknown): KernelStats {
    return new KernelStats(
      named("fstat", () => this.sys.fstat(this.fd(fd))),
      optionsOf(o).bigint === true,
    );
  }
  ftruncateSync(fd: unknown, len: number = 0): void {
    named("ftruncate", () => this.sys.ftruncate(this.fd(fd), len));
  }
  fsyncSync(fd: unknown): void {
    named("fsync", () => this.sys.fsync(this.fd(fd)));
  }
  fdatasyncSync(fd: unknown): void {
    named("fdatasync", () => this.sys.fdatasync(this.fd(fd)));
  }
  fchmodSync(fd: unknown, mode: unknown): void {
    named("fchmod", () => this.sys.fchmod(this.fd(fd), modeOf(mode, 0)));
  }
  fchownSync(fd: unknown, uid: number, gid: number): void {
    named("fchown", () => this.sys.fchown(this.fd(fd), uid, gid));
  }

  // --- whole files ---

  readFileSync(path: unknown, options?: unknown): string | Buffer {
    const o = optionsOf(options);
    if (typeof path === "number")
      return decoded(
        named("read", () => this.all(this.fd(path))),
        o,
      );
    const p = pathOf(path);
    const fd = named("open", () => this.sys.open(p, flagsOf(o.flag, "r"), 0o666), p);
    try {
      return decoded(
        named("read", () => this.all(fd)),
        o,
      );
    } finally {
      this.sys.close(fd);
    }
  }

  private put(path: unknown, data: unknown, o: Options, flag: string): void {
    const bytes = encoded(data, o);
    const p = typeof path === "number" ? "" : pathOf(path);
    const fd =
      typeof path === "number"
        ? this.fd(path)
        : named("open", () => this.sys.open(p, flagsOf(o.flag, flag), modeOf(o.mode, 0o666)), p);
    try {
      // one write for a pseudo file, more only after a short one
      for (let done = 0; done < bytes.length; )
        done += named("write", () => this.sys.write(fd, done === 0 ? bytes : bytes.subarray(done)));
    } finally {
      if (typeof path !== "number") this.sys.close(fd);
    }
  }
  writeFileSync(path: unknown, data: unknown, options?: unknown): void {
    this.put(path, data, optionsOf(options), "w");
  }
  appendFileSync(path: unknown, data: unknown, options?: unknown): void {
    this.put(path, data, optionsOf(options), "a");
  }
  copyFileSync(from: unknown, to: unknown, mode: number = 0): void {
    const src = pathOf(from);
    const dest = pathOf(to);
    named(
      "copyfile",
      () => {
        const st = this.sys.stat(src);
        const bytes = this.sys.readFile(src);
        const excl = (mode & COPYFILE_EXCL) !== 0 ? O_EXCL : 0;
        const fd = this.sys.open(dest, O_WRONLY | O_CREAT | O_TRUNC | excl, st.mode & 0o777);
        try {
          for (let done = 0; done < bytes.length; ) done += this.sys.write(fd, bytes.subarray(done));
        } finally {
          this.sys.close(fd);
        }
      },
      src,
      dest,
    );
  }

  // --- names ---

  existsSync(path: unknown): boolean {
    try {
      this.sys.access(pathOf(path), 0);
      return true;
    } catch {
      return false;
    }
  }
  accessSync(path: unknown, mode: number = 0): void {
    const p = pathOf(path);
    named("access", () => this.sys.access(p, mode), p);
  }
  private status(call: "stat" | "lstat", path: unknown, options: unknown): KernelStats | undefined {
    const o = optionsOf(options);
    const p = pathOf(path);
    try {
      return new KernelStats(
        named(call, () => this.sys[call](p), p),
        o.bigint === true,
      );
    } catch (e) {
      if (o.throwIfNoEntry === false && isCode(e, "ENOENT", "ENOTDIR")) return undefined;
      throw e;
    }
  }
  statSync(path: unknown, options?: unknown): KernelStats | undefined {
    return this.status("stat", path, options);
  }
  lstatSync(path: unknown, options?: unknown): KernelStats | undefined {
    return this.status("lstat", path, options);
  }

  readdirSync(path: unknown, options?: unknown): unknown[] {
    const o = optionsOf(options);
    const top = pathOf(path);
    const out: unknown[] = [];
    const walk = (dir: string, prefix: string): void => {
      const fd = named("scandir", () => this.sys.open(dir, O_RDONLY | 0o200000, 0), dir);
      const found: { name: string; type: number }[] = [];
      try {
        for (;;) {
          const batch = named("scandir", () => this.sys.getdents64(fd, CHUNK), dir);
          if (batch.length === 0) break;
          for (const d of batch)
            if (d.name !== "." && d.name !== "..") found.push({ name: d.name, type: d.type << 12 });
        }
      } finally {
        this.sys.close(fd);
      }
      found.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const d of found) {
        if (o.withFileTypes === true) out.push(new KernelDirent(d.name, dir, d.type));
        else out.push(o.encoding === "buffer" ? Buffer.from(prefix + d.name) : prefix + d.name);
        if (o.recursive === true && d.type === S_IFDIR) walk(`${dir}/${d.name}`, `${prefix}${d.name}/`);
      }
    };
    walk(top, "");
    return out;
  }

  readlinkSync(path: unknown, options?: unknown): string | Buffer {
    const p = pathOf(path);
    const target = named("readlink", () => this.sys.readlink(p, 4096), p);
    return optionsOf(options).encoding === "buffer" ? Buffer.from(target) : target;
  }

  /** realpath(3): component by component. */
  realpathSync(path: unknown, options?: unknown): string | Buffer {
    const p = pathOf(path);
    let rest = parts(p, this.sys.getcwd());
    let at: string[] = [];
    named(
      "realpath",
      () => {
        for (let links = 0; rest.length > 0; ) {
          const [name, ...more] = rest;
          rest = more;
          if (name === "..") {
            at.pop();
            continue;
          }
          const next = `/${[...at, name].join("/")}`;
          if ((this.sys.lstat(next).mode & S_IFMT) !== S_IFLNK) {
            at.push(name);
            continue;
          }
          if (++links > MAX_LINKS) throw new KernelError(40);
          const target = this.sys.readlink(next, 4096);
          if (target.startsWith("/")) at = [];
          rest = [...parts(target, ""), ...rest];
        }
      },
      p,
    );
    const real = `/${at.join("/")}`;
    return optionsOf(options).encoding === "buffer" ? Buffer.from(real) : real;
  }

  mkdirSync(path: unknown, options?: unknown): string | undefined {
    const p = pathOf(path);
    const o = typeof options === "number" || typeof options === "string" ? { mode: options } : optionsOf(options);
    const mode = modeOf(o.mode, 0o777);
    if ((o as Options).recursive !== true) {
      named("mkdir", () => this.sys.mkdir(p, mode), p);
      return undefined;
    }
    let first: string | undefined;
    let at = p.startsWith("/") ? "" : ".";
    for (const name of p.split("/")) {
      if (name === "") continue;
      at += `/${name}`;
      try {
        this.sys.mkdir(at, mode);
        first ??= at;
      } catch (e) {
        if (isCode(e, "EEXIST") && isDir(this.sys.stat(at))) continue;
        named(
          "mkdir",
          () => {
            throw e;
          },
          p,
        );
      }
    }
    return first;
  }
  mkdtempSync(prefix: unknown): string {
    const p = pathOf(prefix);
    for (let n = 0; ; n++) {
      const name = `${p}${n.toString(36).padStart(6, "0")}`;
      try {
        named("mkdtemp", () => this.sys.mkdir(name, 0o700), `${p}XXXXXX`);
        return name;
      } catch (e) {
        if (!isCode(e, "EEXIST")) throw e;
      }
    }
  }
  rmdirSync(path: unknown, options?: unknown): void {
    if (optionsOf(options).recursive === true) {
      this.rmSync(path, options);
      return;
    }
    const p = pathOf(path);
    named("rmdir", () => this.sys.rmdir(p), p);
  }
  rmSync(path: unknown, options?: unknown): void {
    const o = optionsOf(options);
    const p = pathOf(path);
    const remove = (at: string): void => {
      if (!isDir(this.sys.lstat(at))) {
        this.sys.unlink(at);
        return;
      }
      if (o.recursive !== true) throw new KernelError(21);
      for (const name of this.sys.readdir(at)) remove(`${at}/${name}`);
      this.sys.rmdir(at);
    };
    try {
      named("rm", () => remove(p), p);
    } catch (e) {
      if (!(o.force === true && isCode(e, "ENOENT"))) throw e;
    }
  }
  unlinkSync(path: unknown): void {
    const p = pathOf(path);
    named("unlink", () => this.sys.unlink(p), p);
  }
  renameSync(from: unknown, to: unknown): void {
    const [a, b] = [pathOf(from), pathOf(to)];
    named("rename", () => this.sys.rename(a, b), a, b);
  }
  linkSync(from: unknown, to: unknown): void {
    const [a, b] = [pathOf(from), pathOf(to)];
    named("link", () => this.sys.link(a, b), a, b);
  }
  symlinkSync(target: unknown, path: unknown): void {
    const [a, b] = [pathOf(target), pathOf(path)];
    named("symlink", () => this.sys.symlink(a, b), a, b);
  }
  truncateSync(path: unknown, len: number = 0): void {
    const p = pathOf(path);
    named("open", () => this.sys.truncate(p, len), p);
  }
  chmodSync(path: unknown, mode: unknown): void {
    const p = pathOf(path);
    named("chmod", () => this.sys.chmod(p, modeOf(mode, 0)), p);
  }
  chownSync(path: unknown, uid: number, gid: number): void {
    const p = pathOf(path);
    named("chown", () => this.sys.chown(p, uid, gid), p);
  }
  lchownSync(path: unknown, uid: number, gid: number): void {
    const p = pathOf(path);
    named("lchown", () => this.sys.lchown(p, uid, gid), p);
  }
  utimesSync(path: unknown, atime: unknown, mtime: unknown): void {
    const p = pathOf(path);
    named("utime", () => this.sys.utimensat(AT_FDCWD, p, [timeOf(atime), timeOf(mtime)], 0), p);
  }
  lutimesSync(path: unknown, atime: unknown, mtime: unknown): void {
    const p = pathOf(path);
    named("lutime", () => this.sys.utimensat(AT_FDCWD, p, [timeOf(atime), timeOf(mtime)], AT_SYMLINK_NOFOLLOW), p);
  }
}
