/**
 * What of integrity's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and the files
 * of the start state, which have given inode numbers, generations and attributes that no system call can set. The vocabulary
 * is in the README.
 */
import { NotYet } from "../outcome.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

export const integrityOps: KernelOps = {};

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

/** Mounts the file systems of a case with their files, and what else `machine` says. */
export function prepareMachine(s: Session, mounts: readonly MountSpec[]): void {
  if (mounts.length > 0 || s.spec.machine?.files !== undefined)
    throw new NotYet("files with given inodes and attributes");
}
