/**
 * Random sequences of file calls by several tasks. After every call the counts that Linux keeps must add up, and a call that failed
 * must have left the state as it was.
 */
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  F_DUPFD,
  F_SETPIPE_SZ,
  MNT_DETACH,
  MS_BIND,
  MS_RDONLY,
  MS_REMOUNT,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
} from "../abi/constants.js";
import { KernelError } from "../abi/errors.js";
import type { Task } from "../task/task.js";
import type { Dentry } from "./dentry.js";
import { FMODE_PATH, FMODE_READ, FMODE_WRITE, FMODE_WRITER, type OpenFile } from "./file.js";
import type { Inode } from "./inode.js";
import { memFs } from "./memFs.js";
import type { Mount } from "./mount.js";
import type { SuperBlock } from "./superBlock.js";
import { childTask, type Sys, userTask, type VfsKernel, vfsKernel } from "./testKernel.js";

const RUNS = Number(process.env.KK_PROPERTY_RUNS ?? 200);
const LENGTH = 100;

/** A small world of paths, so that calls meet each other. */
const NAMES = [
  "a",
  "b",
  "c",
  "d/a",
  "d/b",
  "d/d",
  "d/d/a",
  "l",
  "l/a",
  "..",
  ".",
  "d/..",
  "d/.",
  "a/",
  "d/",
  "d/d/../b",
  "m",
  "m/a",
];
const path: fc.Arbitrary<string> = fc.constantFrom(...NAMES, ...NAMES.map((n) => `/mnt/${n}`));
const fd: fc.Arbitrary<number> = fc.integer({ min: 0, max: 8 });
const mode: fc.Arbitrary<number> = fc.constantFrom(0o755, 0o700, 0o600, 0o1777, 0o6777, 0o000, 0o2775);
const flags: fc.Arbitrary<number> = fc
  .constantFrom(
    O_RDONLY,
    O_WRONLY,
    O_RDWR,
    O_RDWR | O_CREAT,
    O_RDWR | O_CREAT | O_TRUNC,
    O_RDWR | O_CREAT | O_EXCL,
    O_WRONLY | O_APPEND | O_CREAT,
    O_RDONLY | O_DIRECTORY,
    O_PATH,
    O_RDWR | O_TMPFILE,
    3,
  )
  .map((f) => f | O_NONBLOCK);
const size: fc.Arbitrary<number> = fc.constantFrom(0, 1, 5, 4096, 4097, 9000, 70000);

class Op {
  constructor(
    readonly who: number,
    readonly text: string,
    readonly run: (s: Sys) => unknown,
  ) {}
  [fc.toStringMethod](): string {
    return this.text;
  }
}
const who: fc.Arbitrary<number> = fc.integer({ min: 0, max: 2 });

function op(text: string, args: fc.Arbitrary<unknown>[], run: (s: Sys, ...a: never[]) => unknown): fc.Arbitrary<Op> {
  return fc
    .tuple(who, fc.tuple(...args))
    .map(
      ([w, a]) =>
        new Op(w, `${"RUC"[w]}: ${text}(${a.map((x) => JSON.stringify(x)).join(", ")})`, (s) =>
          run(s, ...(a as never[])),
        ),
    );
}

const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: op("open", [path, flags, mode], (s: Sys, p: string, f: number, m: number) => s.open(p, f, m)),
  },
  { weight: 3, arbitrary: op("close", [fd], (s: Sys, f: number) => s.close(f)) },
  { weight: 3, arbitrary: op("mkdir", [path, mode], (s: Sys, p: string, m: number) => s.mkdir(p, m)) },
  { weight: 3, arbitrary: op("unlink", [path], (s: Sys, p: string) => s.unlink(p)) },
  { weight: 2, arbitrary: op("rmdir", [path], (s: Sys, p: string) => s.rmdir(p)) },
  { weight: 4, arbitrary: op("rename", [path, path], (s: Sys, a: string, b: string) => s.rename(a, b)) },
  op(
    "renameat2",
    [path, path, fc.constantFrom(RENAME_EXCHANGE, RENAME_NOREPLACE, 9)],
    (s: Sys, a: string, b: string, f: number) => s.renameat2(AT_FDCWD, a, AT_FDCWD, b, f),
  ),
  { weight: 2, arbitrary: op("link", [path, path], (s: Sys, a: string, b: string) => s.link(a, b)) },
  op("linkfd", [fd, path], (s: Sys, f: number, p: string) => s.linkat(f, "", AT_FDCWD, p, AT_SYMLINK_FOLLOW | 0x1000)),
  { weight: 2, arbitrary: op("symlink", [path, path], (s: Sys, a: string, b: string) => s.symlink(a, b)) },
  op("mkfifo", [path, mode], (s: Sys, p: string, m: number) => s.mknod(p, S_IFIFO | m)),
  {
    weight: 3,
    arbitrary: op("write", [fd, size], (s: Sys, f: number, n: number) => s.write(f, new Uint8Array(n).fill(n))),
  },
  { weight: 2, arbitrary: op("read", [fd, size], (s: Sys, f: number, n: number) => s.read(f, n)) },
  op("pwrite", [fd, size, size], (s: Sys, f: number, n: number, o: number) => s.pwrite64(f, new Uint8Array(n), o)),
  op("truncate", [path, size], (s: Sys, p: string, n: number) => s.truncate(p, n)),
  op("ftruncate", [fd, size], (s: Sys, f: number, n: number) => s.ftruncate(f, n)),
  op("fallocate", [fd, size, size], (s: Sys, f: number, o: number, n: number) => s.fallocate(f, 0, o, n)),
  op("chmod", [path, mode], (s: Sys, p: string, m: number) => s.chmod(p, m)),
  op(
    "chown",
    [path, fc.constantFrom(-1, 0, 1000), fc.constantFrom(-1, 0, 1000)],
    (s: Sys, p: string, u: number, g: number) => s.chown(p, u, g),
  ),
  { weight: 2, arbitrary: op("chdir", [path], (s: Sys, p: string) => s.chdir(p)) },
  op("fchdir", [fd], (s: Sys, f: number) => s.fchdir(f)),
  { weight: 2, arbitrary: op("dup2", [fd, fd], (s: Sys, a: number, b: number) => s.dup2(a, b)) },
  op("dupfd", [fd, fd], (s: Sys, a: number, b: number) => s.fcntl(a, F_DUPFD, b)),
  op("pipe", [], (s: Sys) => s.pipe2(O_NONBLOCK)),
  op("pipesize", [fd, size], (s: Sys, f: number, n: number) => s.fcntl(f, F_SETPIPE_SZ, n)),
  op(
    "setxattr",
    [path, fc.constantFrom("user.x", "security.capability", "trusted.y")],
    (s: Sys, p: string, n: string) => s.setxattr(p, n, "v", 0),
  ),
  op("readdir", [path], (s: Sys, p: string) => s.readdir(p)),
  op("mount", [path], (s: Sys, p: string) => s.mount("t", p, "tmpfs", 0, "size=16k,nr_inodes=5")),
  op("bind", [path, path], (s: Sys, a: string, b: string) => s.mount(a, b, null, MS_BIND)),
  op("remount", [path, fc.constantFrom(0, MS_RDONLY)], (s: Sys, p: string, f: number) =>
    s.mount("t", p, "tmpfs", MS_REMOUNT | f),
  ),
  {
    weight: 2,
    arbitrary: op("umount", [path, fc.constantFrom(0, MNT_DETACH)], (s: Sys, p: string, f: number) => s.umount2(p, f)),
  },
  op("sendfile", [fd, fd, size], (s: Sys, a: number, b: number, n: number) => s.sendfile(a, b, null, n)),
  op("closerange", [fd, fd], (s: Sys, a: number, b: number) => s.close_range(a, b, 0)),
);

/** As expect().toBe(), but cheap: it is asked a million times. */
function same(what: string, got: unknown, want: unknown): void {
  if (got !== want) throw new Error(`${what}: expected ${String(want)}, got ${String(got)}`);
}

/** All names of a superblock, and its inodes, from the dentries below its root. */
function names(sb: SuperBlock): Map<Inode, Dentry[]> {
  const out = new Map<Inode, Dentry[]>();
  const todo = [sb.root];
  for (let d = todo.pop(); d !== undefined; d = todo.pop()) {
    const inode = d.inode as Inode;
    out.set(inode, [...(out.get(inode) ?? []), d]);
    for (let k = d.kids?.head ?? null; k !== null; k = k.sibNext) todo.push(k);
  }
  return out;
}

/** Every description that a task has a number for, and how many numbers. */
function descriptions(tasks: readonly Task[]): Map<OpenFile, number> {
  const out = new Map<OpenFile, number>();
  for (const files of new Set(tasks.map((t) => t.files)))
    for (const f of files?.fds ?? []) if (f !== null) out.set(f, (out.get(f) ?? 0) + 1);
  return out;
}

function checkCounts(k: VfsKernel): void {
  const { vfs } = k;
  const tasks = k.tasks.all();
  const files = descriptions(tasks);
  same("descriptions", vfs.nrFiles, files.size);
  const mountRefs = new Map<Mount, number>();
  const writers = new Map<Mount, number>();
  const held = (m: Mount): void => {
    mountRefs.set(m, (mountRefs.get(m) ?? 0) + 1);
    rooted(m);
  };
  const readcount = new Map<Inode, number>();
  const writecount = new Map<Inode, number>();
  const open = new Set<Inode>();
  /** A mount keeps its root, and the place it is on, though their names may be gone. */
  const rooted = (m: Mount): void => {
    open.add(m.root.inode as Inode);
    if (m.hasParent) open.add(m.mountpoint.inode as Inode);
  };
  const add = <T>(m: Map<T, number>, key: T): void => void m.set(key, (m.get(key) ?? 0) + 1);
  for (const [f, n] of files) {
    same("references = numbers", f.refs, n);
    held(f.mnt);
    open.add(f.inode);
    if ((f.mode & FMODE_PATH) !== 0) continue;
    if ((f.mode & FMODE_WRITER) !== 0) {
      add(writers, f.mnt);
      add(writecount, f.inode);
    } else if ((f.mode & (FMODE_READ | FMODE_WRITE)) === FMODE_READ) add(readcount, f.inode);
  }
  for (const fs of new Set(tasks.map((t) => t.fs))) {
    if (fs === null) continue;
    held(fs.rootMnt);
    held(fs.pwdMnt);
    open.add(fs.rootDentry.inode as Inode);
    open.add(fs.pwdDentry.inode as Inode);
  }
  for (const m of vfs.initNs.mounts) {
    rooted(m);
    same(`users of mount ${m.id}`, m.refs, mountRefs.get(m) ?? 0);
    same(`writers of mount ${m.id}`, m.writers, writers.get(m) ?? 0);
    if (m.hasParent) same(`place`, m.parent.children.get(m.mountpoint), m);
  }
  for (const sb of vfs.superBlocks) {
    if (sb.type.name !== "tmpfs") continue;
    checkTmpfs(sb, open, readcount, writecount);
  }
}

function checkTmpfs(
  sb: SuperBlock,
  open: Set<Inode>,
  readcount: Map<Inode, number>,
  writecount: Map<Inode, number>,
): void {
  const all = names(sb);
  let inodes = 0;
  let pages = 0;
  for (const [inode, dentries] of all) {
    const isDir = (inode.mode & S_IFMT) === S_IFDIR;
    if (isDir) {
      const [d] = dentries;
      same(`names of a directory`, dentries.length, 1);
      let kids = 0;
      let dirs = 0;
      for (let x = d.kids?.head ?? null; x !== null; x = x.sibNext) {
        kids++;
        if (((x.inode as Inode).mode & S_IFMT) === S_IFDIR) dirs++;
      }
      same(`live`, d.kids?.live ?? 0, kids);
      same(`links of ${d.name}`, inode.nlink, 2 + dirs);
      same(`size of ${d.name}`, inode.size, 40 + 20 * kids);
      inodes++;
    } else {
      same("links = names", inode.nlink, dentries.length);
      inodes += dentries.length;
    }
    same(`readcount`, inode.readcount, readcount.get(inode) ?? 0);
    same(`writecount`, inode.writecount, writecount.get(inode) ?? 0);
    pages += inode.mapping?.nrpages ?? 0;
  }
  // removed, but still in use
  for (const inode of open) {
    if (inode.sb !== sb || all.has(inode)) continue;
    same(`links of a removed file`, inode.nlink, 0);
    inodes++;
    pages += inode.mapping?.nrpages ?? 0;
  }
  same("inodes in use", memFs(sb).usedInodes, inodes);
  same("pages in use", memFs(sb).usedBlocks, pages);
}

function world(): { k: VfsKernel; sys: Sys[] } {
  const k = vfsKernel();
  const root = childTask(k);
  const s = k.sys(root);
  s.chmod("/mnt", 0o777);
  s.chdir("/mnt");
  s.mkdir("d", 0o777);
  s.symlink("d", "l");
  s.mkdir("m", 0o777);
  const user = userTask(k, 1000);
  const jailed = childTask(k);
  for (const t of [user, jailed]) k.sys(t).chdir("/mnt");
  // a pipe without readers is EPIPE and ends nobody
  for (const t of [root, user, jailed]) k.sys(t).rt_sigaction(13, { handler: 1, flags: 0, mask: [] } as never);
  k.sys(jailed).chroot("/mnt/d");
  return { k, sys: [s, k.sys(user), k.sys(jailed)] };
}

describe("file calls", () => {
  test("whatever tasks do to files, links count names, references count users and limits count what is there", () => {
    fc.assert(
      fc.property(fc.array(ops, { maxLength: LENGTH, size: "max" }), (list) => {
        const { k, sys } = world();
        checkCounts(k);
        for (const o of list) {
          try {
            o.run(sys[o.who]);
          } catch (e) {
            if (!(e instanceof KernelError)) throw e;
          }
          checkCounts(k);
        }
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  test("a call that fails leaves the state of the file systems as it was", () => {
    fc.assert(
      fc.property(fc.array(ops, { maxLength: 30, size: "max" }), (list) => {
        const { k, sys } = world();
        for (const o of list) {
          const before = JSON.stringify(k.core.state.save(["vfs"]));
          try {
            o.run(sys[o.who]);
          } catch (e) {
            if (!(e instanceof KernelError)) throw e;
            // the file system is made before its place is looked at, so that its own errors come first: the numbers it was given are spent
            if (/: mount\(/.test(o.text) && e.code === "ENOTDIR") continue;
            if (JSON.stringify(k.core.state.save(["vfs"])) !== before)
              throw new Error(`${o.text} ${e.code} left a trace`);
          }
        }
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
  }, 120_000);
});
