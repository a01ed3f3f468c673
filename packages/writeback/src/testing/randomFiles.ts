/**
 * Random work of three files with failing writes, slow and cached disks, mirrors and parity, several tasks and a power cut at the end: the
 * counters always fit the pages, an error is told once, and what fsync, syncfs or O_SYNC promised is there afterwards. For property tests.
 */
import { createKernel, KernelError, O_CREAT, O_RDWR, O_SYNC, type PageData, type Task } from "@kernelkit/core";
import { byteAt } from "../device/contents.js";
import type { DeviceModel } from "../device/model.js";
import type { Wb } from "../flush/wb.js";
import { wbInodeOf } from "../fs/diskFs.js";
import type { WbInode } from "../fs/wbInode.js";
import { writeback } from "../writeback.js";
import { WritebackChecker } from "./checkWriteback.js";
import { FileModel } from "./fileModel.js";

/** Files of a sequence. */
const FILES = 3;
const MIB = 2 ** 20;

export const DEVICES: readonly { model: DeviceModel; legs?: number }[] = [
  { model: {} },
  { model: { writeBps: MIB } },
  { model: { writeBps: MIB, writeCacheBytes: MIB / 4 } },
  { model: { writeBps: MIB, queueDepth: 2, maxPages: 4 } },
  { model: { writeBps: MIB, integrity: "crc" } },
  { model: { raid1: ["leg0", "leg1"], stable: "required" }, legs: 2 },
  { model: { raid5: ["leg0", "leg1", "leg2"], stable: "required" }, legs: 3 },
];

/** What a step does; those that are there twice or more are done more often. */
export const OP_NAMES = [
  "write",
  "write",
  "write",
  "truncate",
  "punch",
  "fallocate",
  "fsync",
  "syncfs",
  "osync",
  "range",
  "error",
  "run",
  "later",
  "drop",
] as const;

/** One step. */
export interface Op {
  op: (typeof OP_NAMES)[number];
  /** 0..2 */
  file: number;
  /** Sectors: where, up to 160, and how many, 1..40. */
  at: number;
  n: number;
  /** What is written, 1..255. */
  byte: number;
}

function setup(device: number, type: string) {
  const kernel = createKernel({ machine: { memory: "64M" } })
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  const d = DEVICES[device];
  for (let i = 0; i < (d.legs ?? 0); i++) kernel.writeback.addDevice(`leg${i}`, { writeBps: MIB * (i + 1) });
  const disk = kernel.writeback.addDevice("sda", d.model);
  sys.mount("/dev/sda", "/mnt", type, 0);
  return { kernel, sys, disk };
}

/** One sequence, step by step: throws an Error that says what is not as it must be. */
export class RandomFiles {
  private readonly s: ReturnType<typeof setup>;
  private readonly models = Array.from({ length: FILES }, () => new FileModel());
  private readonly fds: number[] = [];
  private readonly other: Task;
  private readonly syncFds: number[] = [];
  private readonly checker: WritebackChecker;
  /** Failed writes by file, and how many each description has been told of. */
  private readonly errors = new Array<number>(FILES).fill(0);
  private readonly told = new Array<number>(FILES).fill(0);
  private later: {
    file: number;
    call: { done: boolean; value: unknown };
    mark: number;
    errors: number;
  } | null = null;

  constructor(device: number, type: string) {
    this.s = setup(device, type);
    const { kernel, sys } = this.s;
    for (let f = 0; f < FILES; f++) {
      this.fds.push(sys.open(`/mnt/f${f}`, O_RDWR | O_CREAT, 0o644));
      this.syncFds.push(sys.open(`/mnt/f${f}`, O_RDWR | O_SYNC));
    }
    // it has the same descriptions
    const other = kernel.tasks.find(sys.fork());
    if (other === null) throw new Error("no second task");
    this.other = other;
    const inodes = (): WbInode[] => this.fds.map((_, f) => this.wi(f));
    const wbs = (): Wb[] => [...new Set(inodes().map((wi) => wi.wb))];
    this.checker = new WritebackChecker(kernel.core, wbs, inodes, () => kernel.writeback.globalDirtyLimits());
    const inos = inodes().map((wi) => wi.inode.ino.toString(16));
    const listen = (name: string, listener: (...args: never[]) => void): void => {
      for (const p of kernel.core.trace.points.values()) {
        if (p.name !== name) continue;
        p.on = true;
        p.listeners.push(listener);
      }
    };
    listen("filemap_set_wb_err", (_dev: string, ino: string) => {
      const f = inos.indexOf(ino.slice(2));
      if (f < 0) return;
      this.errors[f]++;
      this.models[f].failed();
    });
    const serials = this.fds.map((fd) => kernel.core.vfs.fget(kernel.init, fd).serial);
    listen("file_check_and_advance_wb_err", (serial: number) => {
      const f = serials.indexOf(serial);
      if (f >= 0) this.told[f] = this.errors[f];
    });
  }

  private wi(f: number): WbInode {
    const { inode } = this.s.kernel.core.vfs.fget(this.s.kernel.init, this.fds[f]);
    return (
      (inode.slots ?? []).find((x): x is WbInode => x !== null && typeof x === "object" && "diskSize" in x) ??
      fresh(inode)
    );
  }

  step(o: Op): void {
    const { kernel, sys, disk } = this.s;
    const f = o.file;
    const model = this.models[f];
    switch (o.op) {
      case "write":
        this.write(f, this.fds[f], o);
        break;
      case "osync":
        this.write(f, this.syncFds[f], o);
        break;
      case "truncate":
        sys.ftruncate(this.fds[f], o.at * 512);
        model.truncate(o.at);
        break;
      case "punch": {
        sys.fallocate(this.fds[f], 3, o.at * 512, o.n * 512);
        model.zero(o.at, o.at + o.n);
        break;
      }
      case "fallocate":
        sys.fallocate(this.fds[f], 1, o.at * 512, o.n * 512);
        break;
      case "range":
        sys.sync_file_range(this.fds[f], 0, 0, 2);
        break;
      case "fsync":
        this.fsync(f);
        break;
      case "syncfs": {
        const marks = this.models.map((m) => m.now);
        const before = [...this.errors];
        tryCall(() => sys.syncfs(this.fds[f]));
        this.models.forEach((m, i) => {
          if (this.errors[i] === before[i] && this.errors[i] === this.told[i]) m.synced(marks[i]);
        });
        break;
      }
      case "error":
        for (const d of disk.legs.length > 0 ? disk.legs : [disk])
          d.writeError = d.writeError !== 0 ? 0 : o.byte % 2 === 0 ? 5 : 28;
        break;
      case "run":
        kernel.run(o.n * 50_000_000);
        break;
      case "later":
        if (this.later?.call.done === false) break;
        if (this.later === null) {
          const fd = this.fds[f];
          this.later = {
            file: f,
            call: kernel.call(this.other).fsync(fd) as never,
            mark: model.now,
            errors: this.errors[f],
          };
        }
        break;
      case "drop":
        kernel.core.mm.dropCaches(1);
        break;
    }
    this.look();
    this.checker.check();
  }

  /** The other task's fsync may have ended. */
  private look(): void {
    const l = this.later;
    if (l === null || !l.call.done) return;
    this.later = null;
    const e = tryCall(() => l.call.value);
    if (e === 0 && this.errors[l.file] === l.errors && this.told[l.file] === l.errors)
      this.models[l.file].synced(l.mark);
  }

  private write(f: number, fd: number, o: Op): void {
    const model = this.models[f];
    const n = o.n * 512;
    // a write through O_SYNC that fails is in the cache nevertheless
    model.write(o.at, o.n, o.byte);
    const before = this.errors[f];
    const e = tryCall(() =>
      same("bytes written", this.s.sys.pwrite64(fd, new Uint8Array(n).fill(o.byte), o.at * 512), n),
    );
    if (fd !== this.syncFds[f]) same("a write's error", e, 0);
    else if (e === 0 && this.errors[f] === before && this.told[f] === before) model.wroteSync(o.at, o.n);
  }

  private fsync(f: number): void {
    const model = this.models[f];
    const mark = model.now;
    const before = this.errors[f];
    const told = this.told[f];
    // with another fsync of the same description under way either of them may be told of an error
    const pending = this.later?.file === f;
    const e = tryCall(() => this.s.sys.fsync(this.fds[f]));
    this.look();
    if (!pending) same("an error to be told", e !== 0, this.errors[f] > told);
    if (e === 0 && this.errors[f] === before) model.synced(mark);
    if (this.errors[f] === this.told[f] && !pending)
      same(
        "a second fsync",
        tryCall(() => this.s.sys.fsync(this.fds[f])),
        this.errors[f] > this.told[f] ? 5 : 0,
      );
  }

  /** The power goes, and the disk is looked at. */
  end(): void {
    const { kernel, sys } = this.s;
    for (let f = 0; f < FILES; f++) {
      const m = this.models[f];
      same("size", sys.fstat(this.fds[f]).size, m.size);
    }
    const inos = this.fds.map((fd) => sys.fstat(fd).ino);
    kernel.writeback.powerLoss("sda");
    const found = kernel.writeback.recover("sda");
    inos.forEach((ino, f) => {
      const file = found.get(Number(ino));
      const read = (index: number): number[] => sectors(file?.read(index) ?? null);
      try {
        this.models[f].check(file?.size ?? 0, read);
      } catch (e) {
        throw new Error(`file ${f}: ${(e as Error).message}`);
      }
    });
  }
}

const fresh = (inode: Parameters<typeof wbInodeOf>[1]): WbInode => {
  const at = (inode.slots ?? []).indexOf(null);
  return wbInodeOf({ inodeSlot: at } as never, inode);
};

const sectors = (d: PageData): number[] => Array.from({ length: 8 }, (_, s) => byteAt(d, s * 512));

function same<T>(what: string, got: T, wanted: T): void {
  if (got !== wanted) throw new Error(`${what}: ${String(got)}, not ${String(wanted)}`);
}

/** 0, or the errno of a KernelError; anything else is thrown. */
function tryCall(f: () => unknown): number {
  try {
    f();
    return 0;
  } catch (e) {
    if (e instanceof KernelError) return -e.errno;
    throw e;
  }
}
