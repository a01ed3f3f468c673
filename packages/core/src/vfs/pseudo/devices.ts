/**
 * Devices: drivers of device numbers, nodes in /dev (devtmpfs), and the device tree below /sys/devices with its classes.
 * Documentation/driver-api/driver-model, makedev(3), sysfs(5).
 *
 *     k.devices.chrdev(mkdev(1, 11), "kmsg", kmsgOps, { mode: 0o644, class: "mem" });
 *     const dev = k.devices.add({ name: "8:0", subsystem: "bdi", group: bdiFiles, owner: bdi });    // /sys/class/bdi/8:0
 *     k.devices.remove(dev);
 *
 * A driver's `FileOps` gets the description with `inode.rdev`; its `open` may put its state into file.data.
 */
import { ENXIO } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { S_IFBLK, S_IFCHR, S_IFMT } from "../../abi/stat.js";
import type { Core } from "../../kernel/core.js";
import { major, minor } from "../dev.js";
import { type FileOps, FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE } from "../file.js";
import type { Knode } from "./knode.js";
import type { FileGroup, PseudoFile } from "./pseudoFile.js";
import type { PseudoTree } from "./pseudoTree.js";

export interface DeviceInit<O> {
  name: string;
  /** Class ("net", "bdi") or bus: /sys/class/SUBSYSTEM/NAME. */
  subsystem?: string;
  /** The subsystem is a bus: /sys/bus/SUBSYSTEM/devices/NAME. */
  bus?: boolean;
  /** Left out: /sys/devices/virtual/SUBSYSTEM. */
  parent?: Device;
  /** Device number, shown in `dev` and /sys/dev/{char,block}. */
  devt?: number;
  block?: boolean;
  driver?: string;
  /** More lines of `uevent`, each with its newline. */
  uevent?: string;
  group?: FileGroup<O>;
  owner?: O;
}

/** A device in the tree: state. */
export class Device {
  dir!: Knode;
  /** Links elsewhere that show it. */
  readonly links: Knode[] = [];
  constructor(
    readonly name: string,
    readonly subsystem: string,
    readonly devt: number,
    readonly driver: string,
    readonly uevent: string,
  ) {}
}

export interface DevNode {
  readonly path: string;
  readonly mode: number;
  readonly rdev: number;
}

const devAttr: PseudoFile<Device> = { show: (_c, d) => `${major(d.devt)}:${minor(d.devt)}\n` };

const ueventAttr: PseudoFile<Device> = {
  mode: 0o644,
  show: (_c, d) =>
    (d.devt === 0 ? "" : `MAJOR=${major(d.devt)}\nMINOR=${minor(d.devt)}\nDEVNAME=${d.name}\n`) +
    (d.driver === "" ? "" : `DRIVER=${d.driver}\n`) +
    d.uevent,
  store: () => undefined,
};

export class Devices {
  static readonly transient: readonly string[] = ["drivers", "addNode"];
  /** Drivers by number; block devices have 2^32 added. */
  readonly drivers: Map<number, { readonly name: string; readonly ops: FileOps }> = new Map();
  /** What /dev has, in order of making; directories and links have rdev 0. */
  readonly nodes: DevNode[] = [];
  /** Puts a node into devtmpfs, once that is there. */
  addNode: ((n: DevNode) => void) | null = null;

  constructor(
    readonly k: Core,
    readonly sysfs: PseudoTree,
  ) {
    k.state.class(Device);
    k.state.static("sysfs.dev", devAttr);
    k.state.static("sysfs.uevent", ueventAttr);
    k.vfs.openDevice = (c, inode, file) => {
      const blk = (inode.mode & S_IFMT) === S_IFBLK;
      const d = this.drivers.get(inode.rdev + (blk ? 2 ** 32 : 0));
      if (d === undefined) return fail(ENXIO);
      const { ops } = d;
      file.ops = ops;
      if (ops.llseek !== null) file.mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
      return ops.open === null ? undefined : ops.open(c, inode, file);
    };
  }

  /**
   * A driver for a character device and its node /dev/NAME ("" for none). `ops` becomes a static. TypeError if the number is taken.
   * `class`: also a device of that class in sysfs.
   */
  chrdev(rdev: number, name: string, ops: FileOps, o: { mode?: number; class?: string; block?: boolean } = {}): void {
    const block = o.block === true;
    const key = rdev + (block ? 2 ** 32 : 0);
    if (this.drivers.has(key)) throw new TypeError(`device ${major(rdev)}:${minor(rdev)} has a driver already`);
    const { state } = this.k;
    state.lazily(() => {
      if (!state.isStatic(ops)) state.static(`dev.${block ? "b" : "c"}${rdev}`, ops);
    });
    this.drivers.set(key, { name, ops });
    if (name !== "") this.node({ path: name, mode: (block ? S_IFBLK : S_IFCHR) | (o.mode ?? 0o600), rdev });
    const { class: subsystem } = o;
    if (subsystem !== undefined) this.sysfs.later(() => this.add({ name, subsystem, devt: rdev, block }));
  }

  private node(n: DevNode): void {
    this.nodes.push(n);
    this.addNode?.(n);
  }

  /** A device in sysfs. */
  add<O>(init: DeviceInit<O>): Device {
    const { sysfs } = this;
    const { name, subsystem = "", parent, devt = 0, driver = "" } = init;
    const d = new Device(name, subsystem, devt, driver, init.uevent ?? "");
    const path = parent !== undefined ? name : `devices/${subsystem === "" ? "" : `virtual/${subsystem}/`}${name}`;
    d.dir = sysfs.dir(path, {
      ...(parent && { in: parent.dir }),
      ...(init.group && { group: init.group, owner: init.owner as O }),
    });
    sysfs.file("uevent", ueventAttr, { in: d.dir, owner: d });
    if (devt !== 0) {
      sysfs.file("dev", devAttr, { in: d.dir, owner: d });
      d.links.push(sysfs.link(`dev/${init.block ? "block" : "char"}/${major(devt)}:${minor(devt)}`, d.dir));
    }
    if (subsystem !== "") {
      const sub = sysfs.dir(init.bus ? `bus/${subsystem}` : `class/${subsystem}`);
      sysfs.link("subsystem", sub, { in: d.dir });
      d.links.push(sysfs.link(init.bus ? `devices/${name}` : name, d.dir, { in: sub }));
      if (init.bus && driver !== "") {
        const drv = sysfs.dir(`drivers/${driver}`, { in: sub });
        sysfs.link("driver", drv, { in: d.dir });
        d.links.push(sysfs.link(name, d.dir, { in: drv }));
      }
    }
    return d;
  }

  remove(d: Device): void {
    for (const l of d.links) this.sysfs.remove(l);
    this.sysfs.remove(d.dir);
  }

  /** /proc/devices. */
  text(): string {
    const list = (block: boolean): string => {
      const seen = new Map<number, string>();
      for (const [key, { name }] of this.drivers)
        if (key >= 2 ** 32 === block && !seen.has(major(key % 2 ** 32)))
          seen.set(major(key % 2 ** 32), MAJORS[major(key % 2 ** 32)] ?? name);
      return [...seen]
        .sort((a, b) => a[0] - b[0])
        .map(([nr, name]) => `${String(nr).padStart(3)} ${name}\n`)
        .join("");
    };
    return `Character devices:\n${list(false)}\nBlock devices:\n${list(true)}`;
  }
}

const MAJORS: Record<number, string> = { 1: "mem", 5: "/dev/tty", 10: "misc" };
