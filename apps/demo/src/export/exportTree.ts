/**
 * `kernelkit export`: what a task finds in /proc and /sys, as real files and links in a directory. A live export is rewritten in place -
 * one write of the whole text, then truncation - because programs keep files open and mounts bind to the inode.
 */
import fs from "node:fs";
import path from "node:path";
import { KernelError, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, type Task } from "@kernelkit/core";
import type { AssembledKernel } from "../kernel.js";
import type { Sys } from "../layouts/host.js";

export interface ExportOptions {
  /** What is exported. Default /proc, /sys, and the files by which containers are known. */
  readonly roots?: readonly string[];
}

const ROOTS = [
  "/proc",
  "/sys",
  "/.dockerenv",
  "/run/.containerenv",
  "/run/systemd/container",
  "/run/host/container-manager",
  "/etc/hostname",
];
/** Files that have no text of their own, wait for more, or are whole memories. */
const SKIP =
  /^\/proc\/(?:kmsg|\d+(?:\/task\/\d+)?\/(?:mem|pagemap|clear_refs|auxv))$|^\/proc\/(?:\d+\/task\/\d+|sys\/kernel\/random)\/|^\/sys\/kernel\/(?:debug|tracing)(?:\/|$)|\/trace_pipe$|^\/proc\/thread-self$/;

interface Entry {
  readonly kind: "dir" | "file" | "link";
  /** Text of a file, target of a link. */
  readonly data: Uint8Array | string;
  readonly mode: number;
}

/** Everything below the roots, parents first. */
function* walk(sys: Sys, at: string): Generator<[string, Entry]> {
  if (SKIP.test(at)) return;
  try {
    const st = sys.lstat(at);
    const type = st.mode & S_IFMT;
    const mode = st.mode & 0o777;
    if (type === S_IFLNK) yield [at, { kind: "link", data: sys.readlink(at, 4096), mode }];
    else if (type === S_IFREG) yield [at, { kind: "file", data: sys.readFile(at), mode }];
    else if (type === S_IFDIR) {
      const names = sys.readdir(at).sort();
      yield [at, { kind: "dir", data: "", mode }];
      for (const name of names) yield* walk(sys, `${at === "/" ? "" : at}/${name}`);
    }
  } catch (e) {
    // what cannot be read has no file: write-only knobs, files of exited tasks, maps of kernel threads
    if (!(e instanceof KernelError)) throw e;
  }
}

export class ExportedTree {
  private readonly shown = new Map<string, Entry>();
  private readonly sys: Sys;

  constructor(
    kernel: AssembledKernel,
    readonly task: Task,
    readonly dir: string,
    private readonly o: ExportOptions = {},
  ) {
    this.sys = kernel.sys(task);
  }

  /** Where a path of the kernel is found. */
  at(file: string): string {
    return path.join(this.dir, file);
  }

  /** Write what is new, rewrite what has changed, remove what is gone. The number of files there are. */
  update(): number {
    const now = new Map<string, Entry>();
    for (const root of this.o.roots ?? ROOTS) for (const [p, e] of walk(this.sys, root)) now.set(p, e);
    for (const p of [...this.shown.keys()].reverse()) {
      const e = now.get(p);
      if (e !== undefined && e.kind === this.shown.get(p)?.kind) continue;
      this.forget(p);
    }
    for (const [p, e] of now) this.put(p, e, this.shown.get(p));
    return now.size;
  }

  private forget(p: string): void {
    this.shown.delete(p);
    fs.rmSync(this.at(p), { recursive: true, force: true });
  }

  private put(p: string, e: Entry, before: Entry | undefined): void {
    const to = this.at(p);
    if (e.kind === "dir") {
      if (before === undefined) fs.mkdirSync(to, { recursive: true });
    } else if (e.kind === "link") {
      if (before?.data === e.data) return;
      if (before === undefined) fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.rmSync(to, { force: true });
      fs.symlinkSync(e.data as string, to);
    } else if (before === undefined) {
      fs.mkdirSync(path.dirname(to), { recursive: true });
      // readable for everybody who may read it there, writable for who exports
      fs.writeFileSync(to, e.data, { mode: e.mode | 0o600 });
    } else if (!Buffer.from(before.data as Uint8Array).equals(e.data as Uint8Array)) {
      const data = e.data as Uint8Array;
      const fd = fs.openSync(to, "r+");
      fs.writeSync(fd, data, 0, data.length, 0);
      fs.ftruncateSync(fd, data.length);
      fs.closeSync(fd);
    }
    this.shown.set(p, e);
  }
}

/** Write the tree once; the number of entries. */
export function exportTree(kernel: AssembledKernel, task: Task, dir: string, o: ExportOptions = {}): number {
  return new ExportedTree(kernel, task, dir, o).update();
}
