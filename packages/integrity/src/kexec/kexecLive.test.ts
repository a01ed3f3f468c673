import { O_RDONLY, O_WRONLY } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { signV2 } from "../digsig/digsigVerify.js";
import { parseKexecBuffer } from "../list/kexecBuffer.js";
import { profileDebian61 } from "../profile.js";
import { attempt, Rig, type RigOptions } from "../stories/rig.js";
import { makeBzImage } from "./bzImage.js";
import { signPe } from "./peSign.js";

const key = ecKeyFromSeed("vendor", nobleCrypto);
const certificate = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
const unsigned = makeBzImage(utf8("kernel"));
const signed = signPe(unsigned, { key, certificate, crypto: nobleCrypto });
const tampered = signed.slice();
tampered[4100] ^= 1;

const UNLOAD = 1;
const ON_CRASH = 2;
const NO_INITRAMFS = 4;
const KEXEC = 0x45584543;

/** A machine with the three images on its disk; the vendor's key is built in. */
function machine(o: RigOptions = {}): Rig {
  const rig = new Rig({ ...o, integrity: { keys: { builtin: [certificate] }, ...o.integrity } });
  for (const [name, image] of Object.entries({ signed, unsigned, tampered, initrd: utf8("initrd") }))
    rig.write(`/mnt/${name}`, image);
  return rig;
}

function load(rig: Rig, kernel: string, flags = NO_INITRAMFS, cmdline: string | Uint8Array = "root=/dev/vda"): string {
  return attempt(() => {
    const fd = rig.sys.open(`/mnt/${kernel}`, O_RDONLY);
    const initrd = (flags & NO_INITRAMFS) === 0 ? rig.sys.open("/mnt/initrd", O_RDONLY) : -1;
    rig.sys.kexec_file_load(fd, initrd, cmdline, flags);
  });
}

function reboot(rig: Rig): void {
  attempt(() => rig.sys.reboot(0xfee1dead, 672274793, KEXEC));
}

const loaded = (rig: Rig): string => rig.read("/sys/kernel/kexec_loaded") + rig.read("/sys/kernel/kexec_crash_loaded");

describe("kexec_file_load", () => {
  it("loads any kernel where nobody asks for a signature, and unloads", () => {
    const rig = machine();
    for (const name of ["signed", "unsigned", "tampered"]) expect(load(rig, name)).toBe("ok");
    expect(loaded(rig)).toBe("1\n0\n");
    expect(load(rig, "signed", UNLOAD)).toBe("ok");
    expect(loaded(rig)).toBe("0\n0\n");
  });

  it("under lockdown loads what the vendor signed and nothing else, and kexec_load(2) nothing at all", () => {
    for (const o of [{ cmdline: "lockdown=integrity" }, { integrity: { secureBoot: true } }]) {
      const rig = machine(o);
      expect(load(rig, "signed")).toBe("ok");
      expect(load(rig, "unsigned")).toBe("EPERM");
      expect(load(rig, "tampered")).toBe("EPERM");
      expect(attempt(() => rig.sys.kexec_load(0, 0, null, 0))).toBe("EPERM");
      expect(rig.takeLog().filter((l) => l.startsWith("Lockdown:")).length).toBe(3);
    }
  });

  it("with enforced signatures says what is wrong: none, or a bad one", () => {
    const rig = machine({ integrity: { profile: { ...profileDebian61, kexecSigForce: true } } });
    expect([load(rig, "signed"), load(rig, "unsigned"), load(rig, "tampered")]).toEqual([
      "ok",
      "ENODATA",
      "EKEYREJECTED",
    ]);
    const stranger = machine({ integrity: { profile: { ...profileDebian61, kexecSigForce: true }, keys: {} } });
    expect(load(stranger, "signed")).toBe("ENOKEY");
    const firmware = machine({
      integrity: { profile: { ...profileDebian61, kexecSigForce: true }, keys: { platform: [certificate] } },
    });
    expect(load(firmware, "signed")).toBe("ok");
  });

  it("checks rights, flags, format, initramfs and command line in this order", () => {
    const rig = machine();
    const user = rig.user(1000);
    expect(attempt(() => user.kexec_file_load(-1, -1, "", 0x80000000))).toBe("EPERM");
    expect(attempt(() => rig.sys.kexec_file_load(-1, -1, "", 0x80000000))).toBe("EINVAL");
    expect(attempt(() => rig.sys.kexec_file_load(-1, -1, "", 0))).toBe("EBADF");
    rig.write("/mnt/none", "not a kernel");
    rig.write("/mnt/empty", "");
    expect([load(rig, "none"), load(rig, "empty")]).toEqual(["ENOEXEC", "EINVAL"]);
    expect(load(rig, "signed", NO_INITRAMFS, utf8("without NUL"))).toBe("EINVAL");
    expect(load(rig, "signed", NO_INITRAMFS, "x".repeat(2048))).toBe("EINVAL");
    expect(load(rig, "signed", NO_INITRAMFS, "x".repeat(2047))).toBe("ok");
    expect(load(rig, "signed", ON_CRASH | NO_INITRAMFS)).toBe("EADDRNOTAVAIL");
  });

  it("is over for good once kexec_load_disabled is 1", () => {
    const rig = machine();
    const set = (v: string): string =>
      attempt(() => {
        const fd = rig.sys.open("/proc/sys/kernel/kexec_load_disabled", O_WRONLY);
        rig.sys.write(fd, utf8(v));
        rig.sys.close(fd);
      });
    expect([set("0"), set("1"), set("0"), set("1")]).toEqual(["EINVAL", "ok", "EINVAL", "ok"]);
    expect(load(rig, "signed")).toBe("EPERM");
  });

  it("lets IMA appraise the image", () => {
    const rig = machine({ cmdline: "ima_policy=secure_boot", integrity: { keys: { ima: [certificate] } } });
    expect(load(rig, "unsigned")).toBe("EACCES");
    expect(rig.causes()).toEqual(["appraise_data IMA-signature-required"]);
    const digest = nobleCrypto.digest(HASH_ALGO_SHA256, unsigned);
    rig.sys.setxattr("/mnt/unsigned", "security.ima", signV2(key, HASH_ALGO_SHA256, digest, nobleCrypto));
    expect(load(rig, "unsigned")).toBe("ok");
    // The descriptor is what IMA looks at: a call without one cannot be vouched for.
    expect(attempt(() => rig.sys.kexec_load(0, 0, null, 0))).toBe("EACCES");
  });
});

describe("the jump", () => {
  it("goes through purgatory, which stops for ever if a segment has changed since it was loaded", () => {
    const rig = machine();
    load(rig, "signed", 0);
    const image = rig.api.kexecImage;
    expect(image?.segments.map((s) => s.name)).toEqual(["ima", "purgatory", "bootparams", "kernel", "initrd"]);
    reboot(rig);
    expect(rig.api.state.kexec.jumped).toBe("kexec");
    for (const name of ["kernel", "initrd", "bootparams"] as const) {
      const bad = machine();
      load(bad, "signed", 0);
      const segment = bad.api.kexecImage?.segments.find((s) => s.name === name);
      if (segment === undefined) throw new Error(`no segment ${name}`);
      segment.bytes[0] ^= 0x80;
      reboot(bad);
      expect(bad.api.state.kexec.jumped).toBe("halt");
    }
  });

  it("takes the measurement list along, as it is at the jump", () => {
    const rig = machine({ cmdline: "ima_policy=tcb" });
    load(rig, "signed");
    const before = rig.lines().length;
    rig.write("/mnt/late", "late");
    rig.open("/mnt/late");
    reboot(rig);
    const ima = rig.api.kexecImage?.segments.find((s) => s.name === "ima");
    const entries = parseKexecBuffer(ima?.bytes ?? new Uint8Array(0));
    expect(entries.length).toBeGreaterThan(before);
    expect(entries.at(-1)?.path).toBe("/mnt/late");
    expect(rig.api.state.kexec.jumped).toBe("kexec");
  });

  it("happens on a panic, into the memory that crashkernel= has reserved", () => {
    const rig = machine({ cmdline: "crashkernel=64M" });
    expect(rig.read("/sys/kernel/kexec_crash_size")).toBe(`${64 << 20}\n`);
    expect(load(rig, "signed", ON_CRASH | NO_INITRAMFS)).toBe("ok");
    expect(loaded(rig)).toBe("0\n1\n");
    const { crashStart, crashSize } = rig.api.state.kexec;
    for (const s of rig.api.kexecCrashImage?.segments ?? [])
      expect(s.mem >= crashStart && s.mem + s.memsz <= crashStart + crashSize).toBe(true);
    expect(() => rig.kernel.core.panic("by hand")).toThrow("Kernel panic");
    expect(rig.api.state.kexec.jumped).toBe("crash");
  });
});

describe("kexec_load", () => {
  const page = (mem: number, n = 1): { buf: Uint8Array; mem: number; memsz: number } => ({
    buf: utf8("x"),
    mem,
    memsz: n * 4096,
  });

  it("takes whole pages of free memory that do not overlap, sixteen at most, none to unload", () => {
    const rig = machine();
    const call = (...segments: ReturnType<typeof page>[]): string =>
      attempt(() => rig.sys.kexec_load(0, segments.length, segments, 0));
    expect(call(page(0x1000000), page(0x2000000))).toBe("ok");
    expect(loaded(rig)).toBe("1\n0\n");
    expect(call(page(0x1000001))).toBe("EADDRNOTAVAIL");
    expect(call(page(2 ** 40))).toBe("EADDRNOTAVAIL");
    expect(call(page(0x1000000, 2), page(0x1001000))).toBe("EINVAL");
    expect(call({ ...page(0x1000000), memsz: 0 })).toBe("EINVAL");
    expect(attempt(() => rig.sys.kexec_load(0, 17, null, 0))).toBe("EINVAL");
    expect(attempt(() => rig.sys.kexec_load(0, 1, null, 0))).toBe("EFAULT");
    expect(call()).toBe("ok");
    expect(loaded(rig)).toBe("0\n0\n");
  });
});

it("lockdown may only rise", () => {
  const rig = machine();
  const path = "/sys/kernel/security/lockdown";
  const set = (v: string): string =>
    attempt(() => {
      const fd = rig.sys.open(path, O_WRONLY);
      rig.sys.write(fd, utf8(v));
      rig.sys.close(fd);
    });
  expect(rig.read(path)).toBe("[none] integrity confidentiality\n");
  expect([set("sometimes"), set("confidentiality\n"), set("integrity"), set("none")]).toEqual([
    "EINVAL",
    "ok",
    "EPERM",
    "EPERM",
  ]);
  expect(rig.read(path)).toBe("none integrity [confidentiality]\n");
});
