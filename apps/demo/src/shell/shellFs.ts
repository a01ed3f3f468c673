/**
 * The kernel's files as just-bash's file system: every operation is made of system calls of the shell's task, so permissions,
 * mounts, links and pseudo files are the kernel's. `new ShellFs(kernel, task)`.
 *
 * Errors keep the kernel's form ("ENOENT: no such file or directory, open '/x'"), which is what just-bash's commands look at.
 */
import {
  type CoreSys,
  KernelError,
  O_APPEND,
  O_CREAT,
  O_TRUNC,
  O_WRONLY,
  type Outside,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  type Stat,
} from "@kernelkit/core";
import type { BufferEncoding, ByteString, FsStat, IFileSystem } from "just-bash";

import { strerror } from "./command.js";
import { decode, encode } from "./encoding.js";

type FileContent = string | Uint8Array;
type Encoding = { encoding?: BufferEncoding | null } | BufferEncoding | undefined;
const MAX_LINKS = 40;

function encodingOf(o: Encoding): BufferEncoding {
  return (typeof o === "string" ? o : o?.encoding) ?? "utf8";
}

function bytesOf(content: FileContent, encoding: BufferEncoding): Uint8Array {
  return typeof content === "string" ? encode(content, encoding) : content;
}

/** Errors whose message just-bash's commands look into; others are told in strerror(3)'s words. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  "ENOENT",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ENOTEMPTY",
  "ELOOP",
  "EINVAL",
]);

/** Run calls; an error that just-bash does not know gets the words of the real tools. */
function worded<T>(fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    if (e instanceof KernelError && !UNDERSTOOD.has(e.code))
      throw Object.assign(new Error(strerror(e)), { code: e.code });
    throw e;
  }
}

export class ShellFs implements IFileSystem {
  /**
   * A write(2) that failed, for the command that looks after it: just-bash has no way for the write of a redirection to fail.
   * Where `collects` is false the write throws.
   */
  failed: KernelError | null = null;
  collects = false;

  constructor(
    /** The calls of the shell's task. */
    private readonly sys: Outside<CoreSys>,
  ) {}

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return worded(() => this.sys.readFile(path));
  }

  async readFileBytes(path: string): Promise<ByteString> {
    return decode(
      worded(() => this.sys.readFile(path)),
      "latin1",
    ) as unknown as ByteString;
  }

  async readFile(path: string, options?: Encoding): Promise<string> {
    return decode(
      worded(() => this.sys.readFile(path)),
      encodingOf(options),
    );
  }

  async writeFile(path: string, content: FileContent, options?: Encoding): Promise<void> {
    this.write(path, bytesOf(content, encodingOf(options)), O_WRONLY | O_CREAT | O_TRUNC);
  }

  async appendFile(path: string, content: FileContent, options?: Encoding): Promise<void> {
    this.write(path, bytesOf(content, encodingOf(options)), O_WRONLY | O_CREAT | O_APPEND);
  }

  private write(path: string, data: Uint8Array, flags: number): void {
    const fd = worded(() => this.sys.open(path, flags, 0o666));
    try {
      // one write for a pseudo file (a command is one write), more only after a short one; none for nothing
      for (let done = 0; done < data.length; ) done += this.sys.write(fd, done === 0 ? data : data.subarray(done));
    } catch (e) {
      if (!(e instanceof KernelError) || !this.collects) throw e;
      this.failed = e;
    } finally {
      this.sys.close(fd);
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      this.sys.stat(path);
      return true;
    } catch (e) {
      if (e instanceof KernelError) return false;
      throw e;
    }
  }

  async stat(path: string): Promise<FsStat> {
    return fsStat(this.sys.stat(path));
  }

  async lstat(path: string): Promise<FsStat> {
    return fsStat(this.sys.lstat(path));
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    if (!options?.recursive) {
      worded(() => this.sys.mkdir(path, 0o777));
      return;
    }
    let at = "";
    for (const part of path.split("/")) {
      if (part === "") continue;
      at += `/${part}`;
      try {
        this.sys.mkdir(at, 0o777);
      } catch (e) {
        if (!(e instanceof KernelError) || e.code !== "EEXIST" || !isDirectory(this.sys.stat(at))) throw e;
      }
    }
  }

  async readdir(path: string): Promise<string[]> {
    return worded(() => this.sys.readdir(path)).sort();
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    let st: Stat;
    try {
      st = this.sys.lstat(path);
    } catch (e) {
      if (options?.force && e instanceof KernelError && e.code === "ENOENT") return;
      throw e;
    }
    this.remove(path, st, options?.recursive ?? false);
  }

  private remove(path: string, st: Stat, recursive: boolean): void {
    if (!isDirectory(st)) {
      worded(() => this.sys.unlink(path));
      return;
    }
    if (recursive)
      for (const name of this.sys.readdir(path))
        this.remove(`${path}/${name}`, this.sys.lstat(`${path}/${name}`), true);
    worded(() => this.sys.rmdir(path));
  }

  async cp(src: string, dest: string, options?: { recursive?: boolean }): Promise<void> {
    this.copy(src, dest, options?.recursive ?? false);
  }

  private copy(src: string, dest: string, recursive: boolean): void {
    const st = this.sys.stat(src);
    if (!isDirectory(st)) {
      this.write(dest, this.sys.readFile(src), O_WRONLY | O_CREAT | O_TRUNC);
      this.sys.chmod(dest, st.mode & 0o777);
      return;
    }
    if (!recursive) throw new Error(`EISDIR: is a directory, cp '${src}'`);
    try {
      this.sys.mkdir(dest, st.mode & 0o777);
    } catch (e) {
      if (!(e instanceof KernelError) || e.code !== "EEXIST") throw e;
    }
    for (const name of this.sys.readdir(src)) this.copy(`${src}/${name}`, `${dest}/${name}`, true);
  }

  async mv(src: string, dest: string): Promise<void> {
    try {
      this.sys.rename(src, dest);
    } catch (e) {
      if (!(e instanceof KernelError) || e.code !== "EXDEV")
        return worded(() => {
          throw e;
        });
      this.copy(src, dest, true);
      this.remove(src, this.sys.lstat(src), true);
    }
  }

  resolvePath(base: string, path: string): string {
    const parts: string[] = [];
    for (const p of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
      if (p === "..") parts.pop();
      else if (p !== "" && p !== ".") parts.push(p);
    }
    return `/${parts.join("/")}`;
  }

  /** Pseudo file systems have no end of paths: just-bash then walks with readdir. */
  getAllPaths(): string[] {
    return [];
  }

  async chmod(path: string, mode: number): Promise<void> {
    worded(() => this.sys.chmod(path, mode));
  }

  async symlink(target: string, linkPath: string): Promise<void> {
    worded(() => this.sys.symlink(target, linkPath));
  }

  async link(existingPath: string, newPath: string): Promise<void> {
    worded(() => this.sys.link(existingPath, newPath));
  }

  async readlink(path: string): Promise<string> {
    return this.sys.readlink(path, 4096);
  }

  /** realpath(3) by lstat and readlink, component by component. */
  async realpath(path: string): Promise<string> {
    let rest = this.resolvePath("/", path).split("/").filter(Boolean);
    let at = "";
    for (let links = 0; rest.length > 0; ) {
      const [name, ...more] = rest;
      const next = `${at}/${name}`;
      if ((this.sys.lstat(next).mode & S_IFMT) !== S_IFLNK) {
        at = next;
        rest = more;
        continue;
      }
      if (++links > MAX_LINKS) throw new Error(`ELOOP: too many levels of symbolic links, realpath '${path}'`);
      const target = this.sys.readlink(next, 4096);
      rest = this.resolvePath(at === "" ? "/" : at, target)
        .split("/")
        .filter(Boolean)
        .concat(more);
      at = "";
    }
    return at === "" ? "/" : at;
  }

  async utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    const spec = (d: Date): { sec: number; nsec: number } => {
      const ms = d.getTime();
      const sec = Math.floor(ms / 1000);
      return { sec, nsec: (ms - sec * 1000) * 1e6 };
    };
    this.sys.utimensat(-100, path, [spec(atime), spec(mtime)], 0);
  }
}

function isDirectory(st: Stat): boolean {
  return (st.mode & S_IFMT) === S_IFDIR;
}

function fsStat(st: Stat): FsStat {
  const type = st.mode & S_IFMT;
  return {
    // what can be read like a file is one for the shell: devices and pipes too
    isFile: type !== S_IFDIR && type !== S_IFLNK,
    isDirectory: type === S_IFDIR,
    isSymbolicLink: type === S_IFLNK,
    mode: st.mode & 0o7777,
    size: Number(st.size),
    mtime: new Date(st.mtime * 1000 + Math.floor(st.mtime_nsec / 1e6)),
    dev: st.dev,
    ino: st.ino,
  };
}
