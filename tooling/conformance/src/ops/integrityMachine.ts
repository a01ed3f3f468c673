/**
 * The start state of integrity's cases: file systems with files that have given inode numbers, generations and attributes,
 * which no system call can set, and images of kernels. Nothing of it is seen by IMA or EVM: it was there before the boot.
 */
import { type AnyProgramDef, type CoreSys, type Inode, type Program, program } from "@kernelkit/core";
import {
  ecKeyFromSeed,
  type IntegrityApi,
  makeBzImage,
  makeCertificate,
  nobleCrypto,
  signPe,
} from "@kernelkit/integrity";
import { NotYet } from "../outcome.js";
import { fromHex, fromLatin1 } from "../result.js";
import type { Session } from "../session.js";
import { HOLDER, makeDirs } from "../startState.js";
import { withFile, withFileMade } from "../steps/fileSteps.js";

/** A file that is there from the start. */
export interface FileSpec {
  readonly data?: string;
  readonly program?: string;
  readonly image?: string;
  /** Octal text. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly ino?: number;
  readonly generation?: number;
  /** Values in hex. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface MountSpec {
  readonly at: string;
  readonly type: string;
  readonly uuid?: string;
  readonly files?: Readonly<Record<string, FileSpec>>;
}

interface CoreView {
  vfs: { addDisk(o: { name: string; type: string; uuid?: string }): unknown };
  programs: { add(def: unknown): void };
}

/** A program that does nothing and exits with 0, whatever its arguments. */
const IDLE: AnyProgramDef = program("busybox", function* (sys: Program<CoreSys>) {
  yield* sys.getpid();
  return 0;
}) as unknown as AnyProgramDef;
const IDLE_FILE = "#!kk busybox\n";

/** Images are made once. */
const images: Map<string, Uint8Array> = new Map();

/** The kernel image that the case describes. */
function imageOf(words: string): Uint8Array {
  if (images.size === 0) {
    const key = ecKeyFromSeed("a key in no kernel keyring", nobleCrypto);
    const certificate = makeCertificate({ key, commonName: "nobody", crypto: nobleCrypto });
    const plain = makeBzImage(new TextEncoder().encode("a kernel"));
    const signed = signPe(plain, { key, certificate, crypto: nobleCrypto });
    const tampered = signed.slice();
    tampered[5000] ^= 1;
    images.set("bzImage with a PE/COFF signature by a key in no kernel keyring", signed);
    images.set("the same with one bit flipped", tampered);
    images.set("the same without certificate table", plain);
  }
  const image = images.get(words);
  if (image === undefined) throw new NotYet(`a kernel image: ${words}`);
  return image;
}

function contentOf(spec: FileSpec): Uint8Array {
  if (spec.program !== undefined) return fromLatin1(IDLE_FILE);
  return spec.image === undefined ? fromLatin1(spec.data ?? "") : imageOf(spec.image);
}

const inodeOf = (s: Session, path: string): Inode =>
  withFile(s, HOLDER, path, 0, (fd) => s.task(HOLDER).files?.get(fd)?.inode as Inode);

/** Makes the files as an installer made them, on a machine that measures nothing. */
function install(s: Session, files: Readonly<Record<string, FileSpec>>): void {
  s.api<IntegrityApi>("integrity").offline((edit) => {
    for (const [path, spec] of Object.entries(files)) {
      makeDirs(s, path.slice(0, path.lastIndexOf("/")));
      withFileMade(s, HOLDER, path, contentOf(spec));
      const inode = inodeOf(s, path);
      for (const [name, hex] of Object.entries(spec.xattrs ?? {})) edit.xattr(inode, name, fromHex(hex));
      const mode = Number.parseInt(spec.mode ?? (spec.program === undefined ? "644" : "755"), 8);
      edit.attr(inode, { uid: 0, gid: 0, generation: 0, ...spec, mode });
    }
  });
}

/** Mounts the file systems of a case with their files, and what else `machine` says. */
export function prepareMachine(s: Session, mounts: readonly MountSpec[]): void {
  const core = s.kernel.core as CoreView;
  core.programs.add(IDLE);
  install(s, { "/bin/sh": { program: "busybox" }, "/m/nls_ascii.ko": { data: "a module\n" } });
  mounts.forEach(({ at, type, uuid, files }, i) => {
    const name = `vd${"abcdefgh"[i]}`;
    core.vfs.addDisk({ name, type, ...(uuid !== undefined && { uuid }) });
    makeDirs(s, at);
    s.syscall(HOLDER, "mount", `/dev/${name}`, at, type, 0, "");
    install(s, files ?? {});
  });
  install(s, (s.spec.machine?.files ?? {}) as unknown as Record<string, FileSpec>);
  const next = s.spec.machine?.next_inode as { ino: number; generation: number } | undefined;
  if (next !== undefined) {
    const { sb } = inodeOf(s, mounts[0]?.at ?? "/");
    sb.lastIno = next.ino - 1;
  }
}
