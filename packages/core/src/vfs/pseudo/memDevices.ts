/** The devices that every system has: null, zero, full, random, urandom, tty. null(4), random(4), full(4), tty(4). */
import { ENOSPC, ENXIO } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.js";
import type { Core } from "../../kernel/core.js";
import { mkdev } from "../dev.js";
import { FileOps, type FileOpsInit, readBuffer } from "../file.js";

/** Most bytes one read gives: as if a signal had come. */
const MAX_READ = 1 << 25;

const takeAll: NonNullable<FileOpsInit["write"]> = (_c, _f, data) => data.length;
/** The offset stays 0. */
const toStart: NonNullable<FileOpsInit["llseek"]> = (_c, file) => {
  file.posLow = 0;
  file.pos = 0;
  return 0;
};
const zeros: NonNullable<FileOpsInit["read"]> = (_c, _f, count, _pos, buf) => {
  const n = Math.min(count, MAX_READ);
  return buf === null ? new Uint8Array(n) : readBuffer(buf, n).fill(0);
};
const random: FileOpsInit = {
  read: (c, _f, count, _pos, buf) => c.k.tasks.randomRng.bytes(readBuffer(buf, Math.min(count, MAX_READ))),
  write: takeAll,
  llseek: toStart,
  poll: () => POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM,
};

const DEVICES: readonly (readonly [
  major: number,
  minor: number,
  name: string,
  mode: number,
  cls: string,
  ops: FileOpsInit,
])[] = [
  [1, 3, "null", 0o666, "mem", { read: (_c, _f, _n, _p, buf) => readBuffer(buf, 0), write: takeAll, llseek: toStart }],
  [1, 5, "zero", 0o666, "mem", { read: zeros, write: takeAll, llseek: toStart }],
  [1, 7, "full", 0o666, "mem", { read: zeros, write: () => fail(ENOSPC), llseek: toStart }],
  [1, 8, "random", 0o666, "mem", random],
  [1, 9, "urandom", 0o666, "mem", random],
  // there are no terminals
  [5, 0, "tty", 0o666, "tty", { open: () => fail(ENXIO) }],
];

export function installMemDevices(k: Core): void {
  for (const [major, minor, name, mode, cls, ops] of DEVICES)
    k.devices.chrdev(mkdev(major, minor), name, new FileOps(ops), { mode, class: cls });
}
