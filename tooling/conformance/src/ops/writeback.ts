/**
 * What of writeback's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and the
 * devices and mounts of the start state. The vocabulary is in the README.
 */
import { NotYet } from "../outcome.js";
import type { Session } from "../session.js";
import { HOLDER, makeDirs } from "../startState.js";
import type { KernelOps } from "../steps/kernelSteps.js";

export const writebackOps: KernelOps = {};

/** What a case says of a block device. */
export interface DeviceModel {
  /** Bytes per second. */
  readonly write_bps?: number;
  readonly stable_writes?: boolean;
  readonly integrity?: string;
  /** Names of the halves of a mirror. */
  readonly raid1?: readonly string[];
  readonly stable?: string;
  /** Every new data write completes with this error. */
  readonly write_error?: string;
}

/** Adds a block device. */
export function addDevice(_s: Session, name: string, _model: DeviceModel): void {
  throw new NotYet(`device ${name}: models of block devices`);
}

/** Events of the trace that was started, each with its `event` name and fields; `null` starts it. */
export function traceEvents(_s: Session, _what: "start" | "stop"): readonly Record<string, unknown>[] {
  throw new NotYet("tracepoints of writeback");
}

/** What a mount description says: file system type, options, device. */
export interface MountDescription {
  readonly type: string;
  readonly options: string;
  readonly device: string;
  /** A device that has to be made for it. */
  readonly model?: DeviceModel;
}

/**
 * Reads "ext4", "tmpfs,size=64m", "ext4 on D", "ext4, 512 MiB, 4096-byte blocks", "ext4 on a device whose every new data
 * write completes with ENOSPC". NotYet for anything else.
 */
export function parseMount(text: string): MountDescription {
  const failing = /^(\w+) on a device whose every new data write completes with (E[A-Z0-9]+)$/.exec(text);
  if (failing !== null) {
    return { type: failing[1], options: "", device: "failing", model: { write_error: failing[2] } };
  }
  const on = /^(\w+) on (\w+)$/.exec(text);
  if (on !== null) return { type: on[1], options: "", device: on[2] };
  const plain = /^(\w+)((?:,[\w=]+)*)((?:, \d+ MiB)?(?:, \d+-byte blocks)?)$/.exec(text);
  if (plain === null) throw new NotYet(`mount description ${JSON.stringify(text)}`);
  return { type: plain[1], options: plain[2].slice(1), device: "disk" };
}

/** Mounts a file system as described. */
export function mountDescribed(s: Session, path: string, text: string): void {
  const m = parseMount(text);
  if (m.model !== undefined) addDevice(s, m.device, m.model);
  makeDirs(s, path);
  s.syscall(HOLDER, "mount", m.device, path, m.type, 0, m.options);
}
