/**
 * kexecBoot: the crash kernel's memory, the jump to a loaded kernel, and what sysfs shows of it (kernel document admin-guide/kdump).
 *
 * The jump goes through purgatory, which hashes the segments first: a changed one never runs. After a panic the crash kernel runs if one
 * is loaded, else the machine stays where it is.
 */
import { EINVAL, fail, LINUX_REBOOT_CMD_KEXEC } from "@kernelkit/core";
import type { Integrity } from "../integrityCore.js";
import { parseCrashkernel } from "./crashkernel.js";
import { imaKexecBuffer, measureKexecEvent } from "./kexecCalls.js";
import { type KexecImage, KexecSegment, verifyPurgatoryDigest } from "./kexecImage.js";

const MIB = 2 ** 20;

/** Reserves what crashkernel= asks for: at the address given, else as high as it fits below 4 GiB. */
export function reserveCrashkernel(g: Integrity): void {
  const { k } = g;
  const value = k.cmdline.get("crashkernel");
  if (value === undefined) return;
  const ram = k.options.machine.memoryBytes;
  const want = parseCrashkernel(value, ram);
  if (want === null) return;
  const { size } = want;
  const top = Math.min(ram, 2 ** 32);
  const base = want.base ?? Math.floor((top - size) / (16 * MIB)) * 16 * MIB;
  if (base < MIB || base + size > ram) {
    k.log(4, "crashkernel reservation failed - No suitable area found.");
    return;
  }
  g.state.kexec.crashStart = base;
  g.state.kexec.crashSize = size;
  const mib = (n: number): number => Math.floor(n / MIB);
  k.log(6, `Reserving ${mib(size)}MB of memory at ${mib(base)}MB for crashkernel (System RAM: ${mib(ram)}MB)`);
}

/** Runs a loaded kernel: purgatory checks it, unless kexec_load(2) brought one of user space's. True if it is the next kernel's turn. */
export function machineKexec(g: Integrity, image: KexecImage): boolean {
  const { kexec } = g.state;
  if (image.digest.length > 0 && !verifyPurgatoryDigest(image, g.crypto)) {
    kexec.jumped = "halt";
    return false;
  }
  kexec.jumped = image.crash ? "crash" : "kexec";
  return true;
}

/** `kexec -e`: the list as it is now goes with the image, then the jump. EINVAL without an image. */
export function kernelKexec(g: Integrity): void {
  const { image } = g.state.kexec;
  if (image === null) fail(EINVAL);
  if (g.o.profile.kexecList === "execute") {
    const at = image.segments.findIndex((s) => s.name === "ima");
    if (at >= 0) {
      const old = image.segments[at];
      measureKexecEvent(g, "kexec_execute", old.memsz);
      const now = imaKexecBuffer(g) ?? old.bytes;
      // Room for growth was left when the image was loaded; what does not fit keeps the older list.
      if (now.length <= old.memsz) image.segments[at] = new KexecSegment("ima", now, old.mem, old.memsz);
    }
  }
  machineKexec(g, image);
}

/** Files, sysctl, and the two ways out of this kernel. */
export function installKexec(g: Integrity): void {
  const { k } = g;
  const kexec = (): Integrity["state"]["kexec"] => g.state.kexec;
  k.sysfs.file("/sys/kernel/kexec_loaded", { show: () => `${kexec().image === null ? 0 : 1}\n` });
  k.sysfs.file("/sys/kernel/kexec_crash_loaded", { show: () => `${kexec().crashImage === null ? 0 : 1}\n` });
  k.sysfs.file("/sys/kernel/kexec_crash_size", { show: () => `${kexec().crashSize}\n` });
  k.hooks.reboot.tap(850, "integrity", (command) => {
    if (command === LINUX_REBOOT_CMD_KEXEC) kernelKexec(g);
  });
  k.hooks.panic.tap(850, "integrity", () => {
    const { crashImage } = g.state.kexec;
    if (crashImage !== null) machineKexec(g, crashImage);
  });
}
