/** What Node's fs takes: paths, flags, encodings, data; as the kernel takes them. */
import { fileURLToPath } from "node:url";
import { KernelError, O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } from "@kernelkit/core";

/** string, Buffer or file: URL. TypeError for anything else. */
export function pathOf(p: unknown): string {
  if (typeof p === "string") return p;
  if (p instanceof URL) return fileURLToPath(p);
  if (p instanceof Uint8Array) return Buffer.from(p.buffer, p.byteOffset, p.length).toString();
  throw Object.assign(new TypeError('The "path" argument must be of type string or an instance of Buffer or URL.'), {
    code: "ERR_INVALID_ARG_TYPE",
  });
}

const FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  "r+": O_RDWR,
  "rs+": O_RDWR | O_SYNC,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  "wx+": O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
  ax: O_WRONLY | O_CREAT | O_APPEND | O_EXCL,
  as: O_WRONLY | O_CREAT | O_APPEND | O_SYNC,
  "a+": O_RDWR | O_CREAT | O_APPEND,
  "ax+": O_RDWR | O_CREAT | O_APPEND | O_EXCL,
  "as+": O_RDWR | O_CREAT | O_APPEND | O_SYNC,
};

export function flagsOf(flags: unknown, otherwise: string): number {
  if (typeof flags === "number") return flags;
  const n = FLAGS[typeof flags === "string" ? flags : otherwise];
  if (n === undefined)
    throw Object.assign(new TypeError(`The argument 'flags' is invalid. Received '${String(flags)}'`), {
      code: "ERR_INVALID_ARG_VALUE",
    });
  return n;
}

export function modeOf(mode: unknown, otherwise: number): number {
  return typeof mode === "number" ? mode : typeof mode === "string" ? Number.parseInt(mode, 8) : otherwise;
}

export interface Options {
  encoding?: BufferEncoding | "buffer" | null;
  flag?: string | number;
  flags?: string | number;
  mode?: number | string;
  recursive?: boolean;
  force?: boolean;
  withFileTypes?: boolean;
  bigint?: boolean;
  throwIfNoEntry?: boolean;
  start?: number;
  end?: number;
  highWaterMark?: number;
  autoClose?: boolean;
  fd?: number;
}

/** The last argument of many calls: an encoding, or an object. */
export function optionsOf(o: unknown): Options {
  if (typeof o === "string") return { encoding: o as BufferEncoding };
  return typeof o === "object" && o !== null ? (o as Options) : {};
}

/** Bytes as asked for: text in an encoding, or a Buffer. */
export function decoded(bytes: Uint8Array, o: Options): string | Buffer {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return o.encoding === undefined || o.encoding === null || o.encoding === "buffer" ? b : b.toString(o.encoding);
}

export function encoded(data: unknown, o: Options): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const encoding = o.encoding === null || o.encoding === "buffer" || o.encoding === undefined ? "utf8" : o.encoding;
  if (typeof data === "string") return Buffer.from(data, encoding);
  throw Object.assign(
    new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'),
    {
      code: "ERR_INVALID_ARG_TYPE",
    },
  );
}

/** Seconds and nanoseconds of what utimes takes: a Date, seconds, or text with seconds. */
export function timeOf(t: unknown): { sec: number; nsec: number } {
  const ms = t instanceof Date ? t.getTime() : Number(t) * 1000;
  const sec = Math.floor(ms / 1000);
  return { sec, nsec: Math.round((ms - sec * 1000) * 1e6) };
}

/** Run a call; its error names the call and the paths as Node's does. */
export function named<T>(syscall: string, fn: () => T, path?: string, dest?: string): T {
  try {
    return fn();
  } catch (e) {
    if (e instanceof KernelError) throw new KernelError(e.errno, syscall, path, dest);
    throw e;
  }
}
