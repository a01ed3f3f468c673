/**
 * `kernelkit/fs`: a Node-shaped `fs` over a kernel, as one of its tasks sees it. What a program reads from /proc and /sys, a test can
 * read from a kernel it has scripted.
 *
 *     const fs = kernelFs(kernel, task);
 *     fs.readFileSync("/proc/self/cgroup", "utf8");
 *     await fs.promises.readFile("/sys/fs/cgroup/memory.max", "utf8");
 *
 * There are the synchronous calls, callbacks, promises, file handles and streams. Errors have Node's code, errno, syscall and path.
 * Time in the kernel does not pass by a call here. Not there: watch, watchFile, opendir, cp.
 */
import * as nodeFs from "node:fs";
import { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import type { CoreSys, KernelBase, Task } from "@kernelkit/core";
import { type Options, optionsOf } from "./nodeFs/args.js";
import { KernelDirent, KernelStats } from "./nodeFs/stats.js";
import { SyncFs } from "./nodeFs/syncFs.js";

type AnyFn = (...args: unknown[]) => unknown;

/** Calls with a synchronous, a callback and (those without a descriptor) a promise form. */
const CALLS = [
  "access",
  "appendFile",
  "chmod",
  "chown",
  "close",
  "copyFile",
  "fchmod",
  "fchown",
  "fdatasync",
  "fstat",
  "fsync",
  "ftruncate",
  "lchown",
  "link",
  "lstat",
  "lutimes",
  "mkdir",
  "mkdtemp",
  "open",
  "readFile",
  "readdir",
  "readlink",
  "realpath",
  "rename",
  "rm",
  "rmdir",
  "stat",
  "symlink",
  "truncate",
  "unlink",
  "utimes",
  "writeFile",
] as const;
const BY_DESCRIPTOR: ReadonlySet<string> = new Set([
  "close",
  "open",
  "fchmod",
  "fchown",
  "fdatasync",
  "fstat",
  "fsync",
  "ftruncate",
]);

/** The names of node:fs that are there. */
export type KernelFs = Omit<
  typeof nodeFs,
  | "watch"
  | "watchFile"
  | "unwatchFile"
  | "opendir"
  | "opendirSync"
  | "cp"
  | "cpSync"
  | "openAsBlob"
  | "readv"
  | "readvSync"
  | "writev"
  | "writevSync"
  | "futimes"
  | "futimesSync"
  | "lchmod"
  | "lchmodSync"
  | "statfs"
  | "statfsSync"
  | "globSync"
  | "glob"
>;

export interface KernelFsOptions {
  /** Added to every descriptor, so that numbers do not meet real ones. Default 0. */
  readonly fdBase?: number;
}

/** What `fs.promises.open` gives. */
class FileHandle {
  constructor(
    private readonly fs: SyncFs,
    readonly fd: number,
  ) {}
  async read(buffer: unknown, ...rest: unknown[]): Promise<{ bytesRead: number; buffer: Uint8Array }> {
    const o = buffer as { buffer?: Uint8Array };
    const into = buffer instanceof Uint8Array ? buffer : (o?.buffer ?? Buffer.alloc(16384));
    const args = buffer instanceof Uint8Array ? rest : [buffer];
    return { bytesRead: this.fs.readSync(this.fd, into, ...args), buffer: into };
  }
  async write(data: unknown, ...rest: unknown[]): Promise<{ bytesWritten: number; buffer: unknown }> {
    return { bytesWritten: this.fs.writeSync(this.fd, data, ...rest), buffer: data };
  }
  async readFile(o?: unknown): Promise<string | Buffer> {
    return this.fs.readFileSync(this.fd, o);
  }
  async writeFile(data: unknown, o?: unknown): Promise<void> {
    this.fs.writeFileSync(this.fd, data, o);
  }
  async appendFile(data: unknown, o?: unknown): Promise<void> {
    this.fs.writeFileSync(this.fd, data, o);
  }
  async stat(o?: unknown): Promise<KernelStats> {
    return this.fs.fstatSync(this.fd, o);
  }
  async truncate(len?: number): Promise<void> {
    this.fs.ftruncateSync(this.fd, len);
  }
  async sync(): Promise<void> {
    this.fs.fsyncSync(this.fd);
  }
  async chmod(mode: unknown): Promise<void> {
    this.fs.fchmodSync(this.fd, mode);
  }
  async close(): Promise<void> {
    this.fs.closeSync(this.fd);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function readStream(fs: SyncFs, path: unknown, options: unknown): Readable {
  const o: Options = optionsOf(options);
  const size = o.highWaterMark ?? 65536;
  let fd = o.fd ?? -1;
  let at = o.start;
  return new Readable({
    highWaterMark: size,
    ...(o.encoding && o.encoding !== "buffer" && { encoding: o.encoding }),
    construct(done) {
      try {
        if (fd < 0) fd = fs.openSync(path, o.flags ?? "r", o.mode);
        done();
      } catch (e) {
        done(e as Error);
      }
    },
    read() {
      try {
        const count = o.end === undefined ? size : Math.min(size, o.end + 1 - (at ?? 0));
        const buffer = Buffer.alloc(Math.max(0, count));
        const n = count <= 0 ? 0 : fs.readSync(fd, buffer, 0, count, o.start === undefined ? null : at);
        at = (at ?? 0) + n;
        this.push(n === 0 ? null : buffer.subarray(0, n));
      } catch (e) {
        this.destroy(e as Error);
      }
    },
    destroy(e, done) {
      if (fd >= 0 && o.autoClose !== false) fs.closeSync(fd);
      fd = -1;
      done(e);
    },
  });
}

function writeStream(fs: SyncFs, path: unknown, options: unknown): Writable {
  const o: Options = optionsOf(options);
  let fd = o.fd ?? -1;
  const attempt = (done: (e?: Error | null) => void, fn: () => void): void => {
    try {
      fn();
      done();
    } catch (e) {
      done(e as Error);
    }
  };
  return new Writable({
    construct(done) {
      attempt(done, () => {
        if (fd < 0) fd = fs.openSync(path, o.flags ?? "w", o.mode);
      });
    },
    write(chunk: Buffer, _encoding, done) {
      attempt(done, () => {
        for (let n = 0; n < chunk.length; ) n += fs.writeSync(fd, chunk, n, chunk.length - n);
      });
    },
    destroy(e, done) {
      if (fd >= 0 && o.autoClose !== false) fs.closeSync(fd);
      fd = -1;
      done(e);
    },
  });
}

/** fs as the task sees it. TypeError if the task is not driven from outside. */
export function kernelFs(
  kernel: Pick<KernelBase<CoreSys>, "sys">,
  task: Task,
  options: KernelFsOptions = {},
): KernelFs {
  const sync = new SyncFs(kernel.sys(task) as never, options.fdBase ?? 0);
  const out: Record<string, unknown> = { constants: nodeFs.constants, Stats: KernelStats, Dirent: KernelDirent };
  const promises: Record<string, unknown> = { constants: nodeFs.constants };
  const bound = (name: string): AnyFn => {
    const fn = (sync as unknown as Record<string, AnyFn>)[name];
    return (...a) => fn.apply(sync, a);
  };
  /** The callback form: the call is made before the next turn, its answer comes in it. */
  const later =
    (fn: AnyFn, answer: (cb: AnyFn, value: unknown, args: unknown[]) => void): AnyFn =>
    (...a) => {
      const cb = a.pop();
      if (typeof cb !== "function")
        throw Object.assign(new TypeError('The "cb" argument must be of type function.'), {
          code: "ERR_INVALID_ARG_TYPE",
        });
      process.nextTick(() => {
        let value: unknown;
        try {
          value = fn(...a);
        } catch (e) {
          cb(e);
          return;
        }
        answer(cb as AnyFn, value, a);
      });
    };
  for (const name of CALLS) {
    const fn = bound(`${name}Sync`);
    out[`${name}Sync`] = fn;
    out[name] = later(fn, (cb, value) => (value === undefined ? cb(null) : cb(null, value)));
    if (!BY_DESCRIPTOR.has(name)) promises[name] = async (...a: unknown[]) => fn(...a);
  }
  promises["open"] = async (...a: unknown[]) => new FileHandle(sync, sync.openSync(a[0], a[1], a[2]));
  out["existsSync"] = bound("existsSync");
  const exists = (path: unknown, cb: (there: boolean) => void): void =>
    process.nextTick(() => cb(sync.existsSync(path)));
  Object.defineProperty(exists, promisify.custom, { value: async (path: unknown) => sync.existsSync(path) });
  out["exists"] = exists;
  for (const name of ["read", "write"] as const) {
    const fn = bound(`${name}Sync`);
    out[`${name}Sync`] = fn;
    // read(fd, cb) and read(fd, options, cb) bring their own buffer
    const full: AnyFn = (fd, buffer, ...rest) => {
      if (name === "write" || buffer instanceof Uint8Array) return [fn(fd, buffer, ...rest), buffer];
      const o = (buffer ?? {}) as { buffer?: Uint8Array };
      const own = o.buffer ?? Buffer.alloc(16384);
      return [fn(fd, own, { ...o }), own];
    };
    const call = later(full, (cb, value) => cb(null, ...(value as unknown[])));
    const counted = name === "read" ? "bytesRead" : "bytesWritten";
    Object.defineProperty(call, promisify.custom, {
      value: async (...a: unknown[]) => {
        const [n, buffer] = full(...a) as [number, unknown];
        return { [counted]: n, buffer };
      },
    });
    out[name] = call;
  }
  for (const form of ["realpath", "realpathSync"]) {
    const fn = out[form] as AnyFn & { native?: AnyFn };
    fn.native = fn;
  }
  out["createReadStream"] = (path: unknown, o: unknown) => readStream(sync, path, o);
  out["createWriteStream"] = (path: unknown, o: unknown) => writeStream(sync, path, o);
  out["promises"] = promises;
  return out as unknown as KernelFs;
}
