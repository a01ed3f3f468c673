/**
 * kexecCalls: kexec_file_load(2) and kexec_load(2): which kernel may come next, and loading it.
 *
 * Order of kexec_file_load: EPERM (CAP_SYS_BOOT, kexec_load_disabled); EINVAL flags; the kernel (EBADF, EINVAL empty, EACCES by IMA's
 * KEXEC_KERNEL_CHECK, ENOEXEC no kernel); its signature (EPERM under lockdown, the reason itself if signatures are enforced); the
 * initramfs; the command line (EINVAL without NUL at the end or too long), measured; EADDRNOTAVAIL without room or reservation.
 */
import {
  CAP_SYS_BOOT,
  type Ctx,
  capable,
  EACCES,
  EADDRNOTAVAIL,
  EBADF,
  EFAULT,
  EINVAL,
  ENOEXEC,
  ENOKEY,
  EPERM,
  FMODE_READ,
  fail,
  type Impl,
  int,
  intOr,
  list,
  misuse,
  type OpenFile,
  S_IFMT,
  S_IFREG,
  struct,
  text,
  ulong,
} from "@kernelkit/core";
import {
  IMA_APPRAISE,
  IMA_DIGSIG_REQUIRED,
  IMA_FUNC_KEXEC_CMDLINE,
  IMA_FUNC_KEXEC_INITRAMFS_CHECK,
  IMA_FUNC_KEXEC_KERNEL_CHECK,
  MAY_READ,
} from "../abi/imaPolicy.js";
import { concatBytes, utf8 } from "../bytes.js";
import { imaMeasureCriticalData, processBufferMeasurement } from "../ima/buffer.js";
import { IMA_APPRAISE_ENFORCE, IMA_APPRAISE_KEXEC } from "../ima/imaState.js";
import { processMeasurement } from "../ima/processMeasurement.js";
import type { Integrity } from "../integrityCore.js";
import type { IntegritySys } from "../integritySys.js";
import { KEYRING_PLATFORM, secondaryKeyring } from "../keyrings.js";
import { writeKexecBuffer } from "../list/kexecBuffer.js";
import { type BzImage, probeBzImage } from "./bzImage.js";
import { type KexecImage, type KexecPart, KexecSegment, layoutImage, type MemRange, sealImage } from "./kexecImage.js";
import { LOCKDOWN_INTEGRITY } from "./lockdown.js";
import { verifyPeSignature } from "./peSign.js";

export const KEXEC_FILE_UNLOAD = 1;
export const KEXEC_FILE_ON_CRASH = 2;
export const KEXEC_FILE_NO_INITRAMFS = 4;
export const KEXEC_ON_CRASH = 1;
export const KEXEC_SEGMENT_MAX = 16;
/** Room for entries between loading and the jump, bytes: half a page (CONFIG_IMA_KEXEC_EXTRA_MEMORY_KB=0). */
const LIST_GROWTH = 2048;

/** EPERM without CAP_SYS_BOOT or once loading is disabled. */
function permitted(g: Integrity, c: Ctx): void {
  if (!capable(g.k, c.task, CAP_SYS_BOOT) || g.state.kexec.loadDisabled !== 0) fail(EPERM);
}

/** Is this locked down? Says so in the log. security_locked_down(LOCKDOWN_KEXEC). */
function lockedDown(g: Integrity, c: Ctx): boolean {
  if (g.state.kexec.lockdown < LOCKDOWN_INTEGRITY) return false;
  g.k.log(5, `Lockdown: ${c.task.comm}: kexec of unsigned images is restricted; see man kernel_lockdown.7`);
  return true;
}

/** A file the kernel reads whole: its bytes, checked and measured as `func`. EBADF, EINVAL, EACCES. */
function kernelReadFile(g: Integrity, file: OpenFile, func: number): Uint8Array {
  if ((file.mode & FMODE_READ) === 0) return fail(EBADF);
  if ((file.inode.mode & S_IFMT) !== S_IFREG || file.inode.size <= 0) return fail(EINVAL);
  const bytes = g.contents(file.inode);
  const e = processMeasurement(g, file, MAY_READ, func, bytes);
  return e === 0 ? bytes : fail(e);
}

/** Will IMA refuse an image without a good signature anyhow? The first rule for kernels decides. ima_appraise_signature(). */
function imaAppraisesSignature(g: Integrity): boolean {
  const { state } = g;
  if ((state.appraise & IMA_APPRAISE_ENFORCE) === 0) return false;
  for (const r of state.customActive ? state.customRules : state.defaultRules) {
    if (r.action !== IMA_APPRAISE || (r.func !== 0 && r.func !== IMA_FUNC_KEXEC_KERNEL_CHECK)) continue;
    return (r.flags & IMA_DIGSIG_REQUIRED) !== 0;
  }
  return false;
}

function checkSignature(g: Integrity, c: Ctx, image: Uint8Array): void {
  let rc = verifyPeSignature(image, secondaryKeyring(g), g.crypto);
  if (rc === -ENOKEY) rc = verifyPeSignature(image, g.state.keyrings.get(KEYRING_PLATFORM) ?? [], g.crypto);
  if (rc === 0) return;
  if (g.o.profile.kexecSigForce) {
    g.k.log(5, `kexec_file: Enforced kernel signature verification failed (${rc}).`);
    fail(-rc);
  }
  if (!imaAppraisesSignature(g) && lockedDown(g, c)) fail(EPERM);
}

/** Physical memory a normal kernel, or one for a crash, may be put into. */
function ranges(g: Integrity, crash: boolean): MemRange[] {
  const { kexec } = g.state;
  if (crash) return kexec.crashSize === 0 ? [] : [{ start: kexec.crashStart, end: kexec.crashStart + kexec.crashSize }];
  const ram = g.k.options.machine.memoryBytes;
  const low = { start: 0, end: 0x9f000 };
  const { crashStart, crashSize } = kexec;
  if (crashSize === 0) return [low, { start: 0x100000, end: ram }];
  return [low, { start: 0x100000, end: crashStart }, { start: crashStart + crashSize, end: ram }];
}

/** The parts of an image, in the order in which Linux places them. */
function partsOf(
  kernel: Uint8Array,
  hdr: BzImage,
  initrd: Uint8Array | null,
  cmdline: Uint8Array,
  ima: Uint8Array | null,
): KexecPart[] {
  const code = kernel.slice(hdr.setupSize);
  const params = concatBytes([kernel.slice(0x1f1, 0x268), new Uint8Array(4096 - 0x77), cmdline]);
  const parts: KexecPart[] = [];
  if (ima !== null) parts.push({ name: "ima", bytes: ima, memsz: ima.length + LIST_GROWTH });
  parts.push(
    { name: "purgatory", bytes: utf8("purgatory"), memsz: 4096 },
    { name: "bootparams", bytes: params, memsz: params.length },
    { name: "kernel", bytes: code, memsz: Math.max(hdr.initSize, code.length), align: hdr.alignment, min: 0x100000 },
  );
  if (initrd !== null) parts.push({ name: "initrd", bytes: initrd.slice(), memsz: initrd.length, min: 0x100000 });
  return parts;
}

/** The measurement list for the next kernel, or null. */
export function imaKexecBuffer(g: Integrity): Uint8Array | null {
  const measured = g.state.list;
  return measured.count === 0 ? null : writeKexecBuffer(measured.toBinary(), measured.count);
}

/** A note in the list that a kernel was loaded or is about to run (critical data, 6.16). */
export function measureKexecEvent(g: Integrity, event: string, segment: number): void {
  if (g.o.profile.kexecList !== "execute") return;
  const measured = g.state.list;
  const size = measured.toBinary().length;
  const note = `kexec_segment_size=${segment};ima_binary_runtime_size=${size};ima_runtime_measurements_count=${measured.count};`;
  imaMeasureCriticalData(g, "ima_kexec", event, utf8(note), false);
}

function install(g: Integrity, image: KexecImage | null, crash: boolean): void {
  if (crash) g.state.kexec.crashImage = image;
  else g.state.kexec.image = image;
}

function fileLoad(
  g: Integrity,
  c: Ctx,
  kernelFd: number,
  initrdFd: number,
  cmdline: Uint8Array,
  flags: number,
): number {
  const { vfs } = g.k;
  permitted(g, c);
  if ((flags & ~g.o.profile.kexecFileFlags) !== 0) return fail(EINVAL);
  const crash = (flags & KEXEC_FILE_ON_CRASH) !== 0;
  if ((flags & KEXEC_FILE_UNLOAD) !== 0) {
    install(g, null, crash);
    return 0;
  }
  // A new crash kernel is loaded over the old one.
  if (crash) install(g, null, true);
  const file = vfs.fget(c.task, kernelFd);
  const kernel = kernelReadFile(g, file, IMA_FUNC_KEXEC_KERNEL_CHECK);
  const hdr = probeBzImage(kernel);
  if (hdr === null) return fail(ENOEXEC);
  checkSignature(g, c, kernel);
  let initrd: Uint8Array | null = null;
  if ((flags & KEXEC_FILE_NO_INITRAMFS) === 0) {
    initrd = kernelReadFile(g, vfs.fget(c.task, initrdFd), IMA_FUNC_KEXEC_INITRAMFS_CHECK);
  }
  if (cmdline.length > 0) {
    if (cmdline[cmdline.length - 1] !== 0) return fail(EINVAL);
    const line = cmdline.subarray(0, cmdline.length - 1);
    processBufferMeasurement(g, line, "kexec-cmdline", IMA_FUNC_KEXEC_CMDLINE, { inode: file.inode });
  }
  if (cmdline.length > hdr.cmdlineSize + 1) return fail(EINVAL);
  const carry = g.o.profile.kexecList !== "none" && !crash ? imaKexecBuffer(g) : null;
  const image = layoutImage(partsOf(kernel, hdr, initrd, cmdline, carry), ranges(g, crash));
  if (image === null) return fail(EADDRNOTAVAIL);
  image.crash = crash;
  image.cmdline = new TextDecoder().decode(cmdline.subarray(0, Math.max(0, cmdline.length - 1)));
  sealImage(image, g.crypto);
  install(g, image, crash);
  if (carry !== null) measureKexecEvent(g, "kexec_load", carry.length);
  return 0;
}

/** Segments as user space prepared them: bytes and where they go. */
export interface KexecUserSegment {
  readonly buf: Uint8Array;
  readonly mem: number;
  /** Bytes, at least those of `buf`, a multiple of a page. */
  readonly memsz: number;
}

function rawLoad(
  g: Integrity,
  c: Ctx,
  nr: number,
  segments: readonly KexecUserSegment[] | null,
  flags: number,
): number {
  permitted(g, c);
  const { state } = g;
  const { profile } = g.o;
  if ((state.appraise & IMA_APPRAISE_ENFORCE) !== 0 && (state.appraise & IMA_APPRAISE_KEXEC) !== 0) {
    g.k.log(
      3,
      "ima: impossible to appraise a kernel image without a file descriptor; try using kexec_file_load syscall.",
    );
    return fail(EACCES);
  }
  if (lockedDown(g, c)) return fail(EPERM);
  const low = flags & 0xffff;
  if ((low & ~profile.kexecLoadFlags) !== 0) return fail(EINVAL);
  if (nr > KEXEC_SEGMENT_MAX) return fail(EINVAL);
  const crash = (low & KEXEC_ON_CRASH) !== 0;
  if (nr === 0) {
    install(g, null, crash);
    return 0;
  }
  if (segments === null || segments.length !== nr) return fail(EFAULT);
  const image = layoutImage([], []);
  if (image === null) return fail(EADDRNOTAVAIL);
  image.crash = crash;
  const room = ranges(g, crash);
  for (const s of segments) {
    const end = s.mem + s.memsz;
    if (s.mem % 4096 !== 0 || end % 4096 !== 0) return fail(EADDRNOTAVAIL);
    if (s.memsz < s.buf.length) return fail(EINVAL);
    if (!room.some((r) => s.mem >= r.start && end <= r.end)) return fail(EADDRNOTAVAIL);
    if (image.segments.some((o) => s.mem < o.mem + o.memsz && o.mem < end)) return fail(EINVAL);
    image.segments.push(new KexecSegment("kernel", s.buf.slice(), s.mem, s.memsz));
  }
  // Purgatory is user space's own here, and what it checks too.
  install(g, image, crash);
  return 0;
}

/** Segments of a caller, each with whole numbers. */
function segmentsOf(v: unknown): KexecUserSegment[] | null {
  if (v === null || v === undefined) return null;
  return list(v, "kexec_load.segments").map((s) => {
    const { buf, mem, memsz } = struct(s as Partial<KexecUserSegment>, "kexec_load.segments");
    if (!(buf instanceof Uint8Array)) return misuse("kexec_load.segments.buf", buf, "a Uint8Array");
    return { buf, mem: ulong(mem, "kexec_load.segments.mem"), memsz: ulong(memsz, "kexec_load.segments.memsz") };
  });
}

/** The command line as bytes; a string gets its NUL. */
function cmdlineBytes(v: unknown): Uint8Array {
  if (v === null || v === undefined) return new Uint8Array(0);
  return v instanceof Uint8Array ? v : utf8(`${text(v, "kexec_file_load.cmdline")}\0`);
}

/** The two calls. */
export function kexecCalls(g: Integrity): Pick<Impl<IntegritySys>, "kexec_file_load" | "kexec_load"> {
  return {
    kexec_file_load(c, kernelFd, initrdFd, cmdline, flags) {
      const kernel = int(kernelFd, "kexec_file_load.kernelFd");
      const initrd = int(initrdFd, "kexec_file_load.initrdFd");
      const bits = intOr(flags, 0, "kexec_file_load.flags") >>> 0;
      return fileLoad(g, c, kernel, initrd, cmdlineBytes(cmdline), bits);
    },
    kexec_load(c, entry, nr, segments, flags) {
      ulong(entry, "kexec_load.entry");
      const bits = intOr(flags, 0, "kexec_load.flags") >>> 0;
      return rawLoad(g, c, ulong(nr, "kexec_load.nrSegments"), segmentsOf(segments), bits);
    },
  };
}
