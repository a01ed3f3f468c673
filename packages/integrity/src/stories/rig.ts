/**
 * rig: a machine with a disk at /mnt for stories and tests, and the disk's contents as plain data: to take out of one machine, change by
 * hand as an attacker with a screwdriver does, and put into the next.
 *
 *     const rig = new Rig({ cmdline: "ima_appraise_tcb ima_appraise=fix" });
 *     rig.write("/mnt/a", "hello\n");
 *     rig.open("/mnt/a", O_RDONLY);                       // "ok", or "EACCES"
 *     const disk = rig.takeDisk();
 *     new Rig({ cmdline: "ima_appraise_tcb", disk });     // the next boot
 */
import {
  type CoreSys,
  createKernel,
  type Inode,
  type Kernel,
  KernelError,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  type Outside,
  type Task,
} from "@kernelkit/core";
import type { IntegrityApi } from "../api.js";
import { text, utf8 } from "../bytes.js";
import { integrity } from "../integrity.js";
import type { IntegritySys } from "../integritySys.js";
import type { IntegrityOptions } from "../options.js";

/** File system of the disk: rules name it by this. */
export const DISK_UUID = "11111111-2222-3333-4444-555555555555";

/** A regular file as it lies on the disk. Plain data. */
export interface DiskFile {
  data: Uint8Array;
  xattrs: Map<string, Uint8Array>;
  uid: number;
  gid: number;
  mode: number;
  ino: number;
  generation: number;
}

/** Files by path ("/mnt/a"). */
export type DiskImage = Map<string, DiskFile>;

export interface RigOptions {
  readonly cmdline?: string;
  readonly integrity?: IntegrityOptions;
  /** What is on the disk already. */
  readonly disk?: DiskImage;
  readonly seed?: number;
}

/** A deep copy, to be changed. */
export function copyDisk(disk: DiskImage): DiskImage {
  return new Map(
    [...disk].map(([path, f]) => [path, { ...f, data: f.data.slice(), xattrs: new Map(f.xattrs) }] as const),
  );
}

export class Rig {
  readonly kernel: Kernel<{ readonly integrity: IntegrityApi }, CoreSys & IntegritySys>;
  readonly sys: Outside<CoreSys & IntegritySys>;
  private readonly log: string[] = [];
  private shown = 0;

  constructor(o: RigOptions = {}) {
    this.kernel = createKernel({ cmdline: o.cmdline ?? "", seed: o.seed ?? 1 })
      .use(integrity(o.integrity ?? {}))
      .boot();
    const { core, init } = this.kernel;
    core.vfs.addDisk({ name: "vda", type: "ext4", uuid: DISK_UUID });
    this.sys = this.kernel.sys(init);
    this.sys.mount("/dev/vda", "/mnt", "ext4", 0, "");
    if (o.disk !== undefined) this.putDisk(o.disk);
    core.hooks.log.tap(990, "rig", (line) => {
      this.log.push(line.text);
    });
    this.shown = this.lines().length;
  }

  get api(): IntegrityApi {
    return this.kernel.integrity;
  }

  private putDisk(disk: DiskImage): void {
    this.api.offline((edit) => {
      for (const [path, f] of disk) {
        this.write(path, "");
        const inode = this.inode(path);
        edit.write(inode, f.data);
        for (const [name, value] of f.xattrs) edit.xattr(inode, name, value);
        edit.attr(inode, f);
      }
    });
  }

  /** The contents of the disk, as somebody reads them who has taken it out. */
  takeDisk(): DiskImage {
    const disk: DiskImage = new Map();
    this.api.offline(() => {
      for (const { name } of this.entries("/mnt")) {
        const path = `/mnt/${name}`;
        const inode = this.inode(path);
        const { uid, gid, mode, ino, generation } = inode;
        const xattrs = new Map([...(inode.xattrs ?? [])].map(([n, v]) => [n, v.slice()] as const));
        disk.set(path, { data: this.bytes(path), xattrs, uid, gid, mode: mode & 0o7777, ino, generation });
      }
    });
    return disk;
  }

  private entries(dir: string): { name: string }[] {
    const fd = this.sys.open(dir, O_RDONLY);
    const all: { name: string; mode: number }[] = [];
    for (;;) {
      const some = this.sys.getdents64(fd, 32768);
      if (some.length === 0) break;
      for (const e of some) {
        const { mode } = this.sys.lstat(`${dir}/${e.name}`);
        if ((mode & 0o170000) === 0o100000) all.push({ name: e.name, mode });
      }
    }
    this.sys.close(fd);
    return all;
  }

  /** The regular files of a directory. */
  files(dir: string): string[] {
    return this.entries(dir).map((e) => `${dir}/${e.name}`);
  }

  /** The inode behind a path; a symbolic link's target. */
  inode(path: string): Inode {
    const { init } = this.kernel;
    const fd = this.sys.open(path, O_PATH);
    const inode = init.files?.get(fd)?.inode;
    this.sys.close(fd);
    if (inode === undefined) throw new RangeError(`${path}: no such file`);
    return inode;
  }

  /** Makes or overwrites a file. "ok" or the name of the error. */
  write(path: string, data: string | Uint8Array, mode: number = 0o644): string {
    return attempt(() => {
      const fd = this.sys.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
      const bytes = typeof data === "string" ? utf8(data) : data;
      if (bytes.length > 0) this.sys.write(fd, bytes);
      this.sys.close(fd);
    });
  }

  /** Opens and closes. "ok" or the name of the error. */
  open(path: string, flags: number = O_RDONLY): string {
    return attempt(() => this.sys.close(this.sys.open(path, flags)));
  }

  /** Content of a file. KernelError as open(2) and read(2). */
  bytes(path: string): Uint8Array {
    const fd = this.sys.open(path, O_RDONLY);
    const parts: number[] = [];
    for (;;) {
      const b = this.sys.read(fd, 65536);
      if (b.length === 0) break;
      for (const x of b) parts.push(x);
    }
    this.sys.close(fd);
    return Uint8Array.from(parts);
  }

  read(path: string): string {
    return text(this.bytes(path));
  }

  /** Runs a program in a child: "exit N", or the name of exec's error. */
  run(path: string, ...args: string[]): string {
    const pid = this.sys.fork();
    const child = this.child(pid);
    const e = attempt(() => {
      this.kernel.sys(child).execve(path, [path, ...args], []);
    });
    if (e !== "ok") attempt(() => this.kernel.sys(child).exit_group(127));
    const { status } = this.sys.wait4(pid, 0);
    return e === "ok" ? `exit ${status >> 8}` : e;
  }

  /** A child of init with other ids: to make calls as. */
  user(uid: number, gid: number = uid): Outside<CoreSys & IntegritySys> {
    const sys = this.kernel.sys(this.child(this.sys.fork()));
    sys.setgroups([]);
    sys.setresgid(gid, gid, gid);
    sys.setresuid(uid, uid, uid);
    return sys;
  }

  private child(pid: number): Task {
    const t = this.kernel.tasks.all().find((x) => x.nr === pid);
    if (t === undefined) throw new RangeError(`no task ${pid}`);
    return t;
  }

  /** The measurement list, a line an entry. */
  lines(): string[] {
    return this.api.asciiMeasurements().split("\n").slice(0, -1);
  }

  /** The lines added since the last call. */
  newLines(): string[] {
    const all = this.lines();
    const added = all.slice(this.shown);
    this.shown = all.length;
    return added;
  }

  /** What was logged since the last call. */
  takeLog(): string[] {
    return this.log.splice(0);
  }

  /** The causes in audit records since the last call: "appraise_data invalid-hash". */
  causes(): string[] {
    return this.takeLog().flatMap((l) => {
      const m = /^audit: type=180[0134] .* op=(\S+) cause=(\S+) /.exec(l);
      return m === null ? [] : [`${m[1]} ${m[2]}`];
    });
  }

  /** Loads EVM's HMAC key and turns EVM on, as an initramfs does. */
  evm(payload: Uint8Array): void {
    this.api.addEvmKey(payload);
    const fd = this.sys.open("/sys/kernel/security/evm", O_WRONLY);
    this.sys.write(fd, utf8("1"));
    this.sys.close(fd);
  }
}

/** "ok", or the name of the error that a call ended with. */
export function attempt(f: () => unknown): string {
  try {
    f();
    return "ok";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}
