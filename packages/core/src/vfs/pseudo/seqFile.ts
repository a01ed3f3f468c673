/**
 * Reading text files in pieces. The text is made by the read at offset 0 and kept while reading goes on behind the last byte; a
 * read anywhere else makes it anew. Used by /proc, sysfs, debugfs, securityfs, tracefs. Documentation/filesystems/seq_file.
 */
import { EINVAL, EIO, ENODEV } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { O_DIRECT } from "../../abi/fcntl.js";
import { POLLERR, POLLIN, POLLPRI, POLLRDNORM } from "../../abi/poll.js";
import type { Ctx } from "../../kernel/ctx.js";
import { latin1Text, utf8Bytes } from "../../lib/text.js";
import { WAIT, type Wait } from "../../sys/types.js";
import { FileOps, FMODE_PWRITE, FMODE_STREAM, type OpenFile, readBuffer } from "../file.js";
import { genericLlseek, noEndLlseek } from "../llseek.js";
import type { PseudoFile } from "./pseudoFile.js";
import { nodeOf } from "./treeInode.js";

/** What an open text file keeps: in file.data. */
export class SeqFile {
  /** Offset behind the last byte read; -1: nothing is kept. */
  readPos = -1;
  /** The text; null if all of it was read at once. */
  bytes: Uint8Array | null = null;
  /** Length in bytes. */
  length = 0;
  /** The event last seen by poll or show. */
  event = 0;
}

/** The last check of an open: O_DIRECT is for disks. EINVAL. */
export function noDirect(file: OpenFile): undefined {
  return (file.flags & O_DIRECT) !== 0 ? fail(EINVAL) : undefined;
}

/** Opened as a sequence: pwrite(2) is ESPIPE. */
export function seqOpen(file: OpenFile): undefined {
  file.mode &= ~FMODE_PWRITE;
  return noDirect(file);
}

export function seqOf(file: OpenFile): SeqFile {
  if (file.data === null) file.data = new SeqFile();
  return file.data as SeqFile;
}

const EMPTY: Uint8Array = /* @__PURE__ */ new Uint8Array(0);
const encoder = /* @__PURE__ */ new TextEncoder();

/** Copy into the caller's buffer if there is one. */
export function give(buf: Uint8Array | null, bytes: Uint8Array): Uint8Array {
  if (buf === null) return bytes;
  const out = readBuffer(buf, bytes.length);
  out.set(bytes);
  return out;
}

/** One read of a text that `show` makes. */
export function seqRead(
  c: Ctx,
  file: OpenFile,
  count: number,
  pos: number,
  buf: Uint8Array | null,
  show: (c: Ctx, file: OpenFile) => string | Uint8Array,
): Uint8Array {
  const s = seqOf(file);
  if (pos === 0 || pos !== s.readPos) {
    const text = show(c, file);
    if (typeof text === "string") {
      s.bytes = null;
      // the usual case: all of it at once
      if (pos === 0 && text.length <= count) {
        let out: Uint8Array | null = null;
        if (buf !== null) {
          const r = encoder.encodeInto(text, buf);
          if (r.read === text.length && r.written <= count)
            out = r.written === buf.length ? buf : buf.subarray(0, r.written);
        } else {
          const all = utf8Bytes(text);
          if (all.length <= count) out = all;
          else s.bytes = all;
        }
        if (out !== null) {
          s.length = s.readPos = out.length;
          return out;
        }
      }
      s.bytes ??= utf8Bytes(text);
    } else {
      if (pos === 0 && text.length <= count) {
        // the maker may use its array again
        s.bytes = null;
        s.length = s.readPos = text.length;
        const out = readBuffer(buf, text.length);
        out.set(text);
        return out;
      }
      s.bytes = text.slice();
    }
    s.length = s.bytes.length;
  }
  if (pos >= s.length) {
    s.readPos = pos;
    return EMPTY;
  }
  const end = Math.min(s.length, pos + count);
  s.readPos = end;
  return give(buf, (s.bytes as Uint8Array).slice(pos, end));
}

/** A text that is made by every read and served by offset. */
export function plainRead(count: number, pos: number, buf: Uint8Array | null, text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? utf8Bytes(text) : text;
  return pos >= bytes.length ? EMPTY : give(buf, bytes.slice(pos, Math.min(bytes.length, pos + count)));
}

/** What a store has answered, as write(2)'s result. */
export function stored(n: number | Wait | undefined, length: number): number | Wait {
  if (n === undefined) return length;
  if (n === WAIT) return n;
  return (n as number) < 0 ? fail(-(n as number)) : (n as number);
}

/**
 * The writes of /proc's files do not move the offset, unless they say so: a read through the same descriptor begins where it would have
 * begun.
 */
export function keepOffset(def: PseudoFile<never>, file: OpenFile): void {
  if (def.moves !== true) file.mode |= FMODE_STREAM;
}

/** Hand the bytes of one write to a store, as text; they are part of the run. */
export function storeText<O>(
  c: Ctx,
  def: PseudoFile<O>,
  owner: O,
  data: Uint8Array,
  file: OpenFile,
  pos: number,
): number | Wait {
  const text = latin1Text(data);
  c.k.digestOf.addString(text);
  return stored(
    (def.store as NonNullable<PseudoFile<O>["store"]>)(c, owner, text, file, pos) as number | Wait | undefined,
    data.length,
  );
}

/** Ready, and PRI|ERR if something has changed since this was asked last. */
export function seqPoll<O>(
  c: Ctx,
  def: PseudoFile<O>,
  owner: O,
  file: OpenFile,
  pt: { add(q: never): void } | null,
): number {
  const p = (def.poll as NonNullable<PseudoFile<O>["poll"]>)(c, owner);
  pt?.add(p.queue as never);
  const s = seqOf(file);
  if (s.event === p.event) return POLLIN | POLLRDNORM;
  s.event = p.event;
  return POLLIN | POLLRDNORM | POLLERR | POLLPRI;
}

function show(c: Ctx, file: OpenFile): string | Uint8Array {
  const node = nodeOf(file.inode);
  return (node.file as Required<PseudoFile<unknown>>).show(c, node.owner, file);
}

/** Files of trees: `noShow` and `noStore` are the errors of files that cannot be read or written, `gone` that of removed ones. */
export function seqFileOps(noShow: number, noStore: number, gone: number): FileOps {
  return new FileOps({
    open(c, inode, file) {
      const node = nodeOf(inode);
      const def = node.file as PseudoFile<unknown>;
      if (def.open !== undefined) def.open(c, node.owner, file);
      if (def.poll !== undefined) seqOf(file).event = def.poll(c, node.owner).event;
      return def.plain ? noDirect(file) : seqOpen(file);
    },
    read(c, file, count, pos, buf) {
      const node = nodeOf(file.inode);
      if (node.removed) return fail(gone);
      const def = node.file as PseudoFile<unknown>;
      if (def.show === undefined) return fail(noShow);
      file.mode &= ~FMODE_STREAM;
      return def.plain
        ? plainRead(count, pos, buf, def.show(c, node.owner, file))
        : seqRead(c, file, count, pos, buf, show);
    },
    write(c, file, data, pos) {
      const node = nodeOf(file.inode);
      if (node.removed) return fail(gone);
      const def = node.file as PseudoFile<unknown>;
      if (def.store === undefined) return fail(noStore);
      keepOffset(def, file);
      return storeText(c, def, node.owner, data, file, pos);
    },
    llseek(c, file, offset, whence) {
      return (nodeOf(file.inode).file?.plain ? genericLlseek : noEndLlseek)(c, file, offset, whence);
    },
    poll(c, file, pt) {
      const node = nodeOf(file.inode);
      const def = node.file as PseudoFile<unknown>;
      return def.poll === undefined ? 0x145 : seqPoll(c, def, node.owner, file, pt);
    },
  });
}

/** Regular files of /proc. */
export const procFileOps: FileOps = /* @__PURE__ */ seqFileOps(EIO, EIO, EIO);
/** Of debugfs, securityfs and tracefs. */
export const debugFileOps: FileOps = /* @__PURE__ */ seqFileOps(EINVAL, EINVAL, ENODEV);
