import { O_RDONLY, O_WRONLY } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { fromHex, toHex, utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { profileDebian61 } from "../profile.js";
import { attempt, copyDisk, DISK_UUID, type DiskImage, Rig } from "../stories/rig.js";
import { evmCalcHmac } from "./evmDigest.js";
import { signEvm } from "./signEvm.js";

const EVM = "security.evm";
const IMA = "security.ima";
const SECFS = "/sys/kernel/security/evm";
const old = { profile: "debian-6.1" } as const;
const KEY = utf8("thirty-two bytes of a secret key");
const FIX = "ima_appraise_tcb ima_appraise=fix evm=fix";
const ENFORCE = "ima_appraise_tcb ima_appraise=enforce";

const label = (text: string): Uint8Array => fromHex(`0404${toHex(nobleCrypto.digest(HASH_ALGO_SHA256, utf8(text)))}`);

/** A disk that was labelled and sealed in fix mode. */
function sealed(files: Record<string, string>): DiskImage {
  const rig = new Rig({ cmdline: FIX, integrity: old });
  rig.evm(KEY);
  for (const [path, text] of Object.entries(files)) {
    rig.write(path, text);
    rig.open(path);
  }
  return rig.takeDisk();
}

function enforcing(disk: DiskImage): Rig {
  const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
  rig.evm(KEY);
  rig.takeLog();
  return rig;
}

const write = (rig: Rig, text: string): string =>
  attempt(() => {
    const fd = rig.sys.open(SECFS, O_WRONLY);
    try {
      rig.sys.write(fd, utf8(text));
    } finally {
      rig.sys.close(fd);
    }
  });

describe("EVM's seal", () => {
  it("is an HMAC over labels, inode and file system, which anybody with the key can recompute", () => {
    const disk = sealed({ "/mnt/a": "A" });
    const a = disk.get("/mnt/a");
    if (a === undefined) throw new Error("no file");
    const made = evmCalcHmac({
      key: KEY,
      values: [label("A")],
      ino: a.ino,
      generation: a.generation,
      uid: 0,
      gid: 0,
      mode: 0o100644,
      fsuuid: DISK_UUID,
    });
    expect(a.xattrs.get(EVM)).toEqual(made);
    expect(enforcing(disk).open("/mnt/a")).toBe("ok");
  });

  it("breaks with every input: content, label, owner, group, mode, inode number, generation, file system", () => {
    const good = sealed({ "/mnt/a": "A" });
    const spoil: Record<string, (f: NonNullable<ReturnType<DiskImage["get"]>>) => void> = {
      content: (f) => {
        f.data = utf8("B");
      },
      "content and label": (f) => {
        f.data = utf8("B");
        f.xattrs.set(IMA, label("B"));
      },
      mode: (f) => {
        f.mode = 0o4755;
      },
      group: (f) => {
        f.gid = 5;
      },
      "inode number": (f) => {
        f.ino += 1;
      },
      generation: (f) => {
        f.generation ^= 1;
      },
      "label removed": (f) => f.xattrs.delete(IMA),
      "seal removed": (f) => f.xattrs.delete(EVM),
      "both removed": (f) => f.xattrs.clear(),
    };
    for (const [what, change] of Object.entries(spoil)) {
      const disk = copyDisk(good);
      const f = disk.get("/mnt/a");
      if (f !== undefined) change(f);
      const rig = enforcing(disk);
      expect([what, rig.open("/mnt/a")]).toEqual([what, "EACCES"]);
    }
  });

  it("follows chmod, chown and a new label, stays through utime, link, rename and user attributes, goes with the last label", () => {
    const rig = enforcing(sealed({ "/mnt/a": "A" }));
    const seal = (): string => toHex(rig.sys.getxattr("/mnt/a", EVM));
    rig.open("/mnt/a");
    let last = seal();
    for (const change of [
      () => rig.sys.chmod("/mnt/a", 0o600),
      () => rig.sys.chown("/mnt/a", 0, 9),
      () => rig.sys.setxattr("/mnt/a", IMA, label("other")),
    ]) {
      change();
      expect(seal()).not.toBe(last);
      last = seal();
    }
    rig.sys.link("/mnt/a", "/mnt/b");
    rig.sys.setxattr("/mnt/a", "user.x", utf8("x"));
    rig.sys.utimensat(
      -100,
      "/mnt/a",
      [
        { sec: 1, nsec: 0 },
        { sec: 1, nsec: 0 },
      ],
      0,
    );
    expect(seal()).toBe(last);
    rig.sys.removexattr("/mnt/a", IMA);
    expect(attempt(() => rig.sys.getxattr("/mnt/a", EVM))).toBe("ENODATA");
  });

  it("keeps changes from a file whose seal is broken, so that nobody seals what an attacker left", () => {
    const disk = sealed({ "/mnt/a": "A" });
    const a = disk.get("/mnt/a");
    if (a !== undefined) a.mode = 0o777;
    const rig = enforcing(disk);
    expect(attempt(() => rig.sys.chmod("/mnt/a", 0o644))).toBe("EPERM");
    expect(attempt(() => rig.sys.setxattr("/mnt/a", IMA, label("A")))).toBe("EPERM");
    expect(attempt(() => rig.sys.chown("/mnt/a", 0, 1))).toBe("EPERM");
    expect(rig.causes()).toEqual(Array(3).fill("appraise_metadata fail"));
    // Directories get a seal and are not judged.
    rig.sys.mkdir("/mnt/d", 0o755);
    rig.sys.setxattr("/mnt/d", "security.selinux", utf8("x"));
    expect(rig.sys.getxattr("/mnt/d", EVM).length).toBe(21);
  });

  it("cannot be written by hand: HMACs never, signatures yes", () => {
    const rig = enforcing(sealed({ "/mnt/a": "A" }));
    const set = (hex: string): string => attempt(() => rig.sys.setxattr("/mnt/a", EVM, fromHex(hex)));
    expect([set(""), set(`02${"00".repeat(20)}`), set("00")]).toEqual(["EINVAL", "EPERM", "EPERM"]);
    expect(set("0302040000000000010a")).toBe("ok");
  });

  it("of the newest kind signs for every disk: a portable signature, after which nothing may change", () => {
    const key = ecKeyFromSeed("vendor", nobleCrypto);
    const certificate = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
    const fix = new Rig({ cmdline: FIX, integrity: old });
    fix.write("/mnt/a", "A");
    fix.open("/mnt/a");
    const disk = fix.takeDisk();
    const a = disk.get("/mnt/a");
    if (a === undefined) throw new Error("no file");
    const xattrs = Object.fromEntries(a.xattrs);
    const inode = { ino: 0, generation: 0, uid: 0, gid: 0, mode: 0o100644 };
    a.xattrs.set(EVM, signEvm({ xattrs, inode }, key, { portable: true }));
    a.ino = 77;
    const rig = new Rig({ cmdline: ENFORCE, integrity: { ...old, keys: { evm: [certificate] } }, disk });
    write(rig, "2");
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(rig.open("/mnt/a", O_WRONLY)).toBe("EACCES");
    expect(attempt(() => rig.sys.chmod("/mnt/a", 0o600))).toBe("EPERM");
    expect(attempt(() => rig.sys.chmod("/mnt/a", 0o644))).toBe("ok");
    expect(attempt(() => rig.sys.setxattr("/mnt/a", IMA, label("B")))).toBe("EPERM");
    expect(attempt(() => rig.sys.setxattr("/mnt/a", IMA, label("A")))).toBe("ok");
  });
});

describe("the file evm", () => {
  it("turns EVM on once a key is there, and then takes nothing more", () => {
    const rig = new Rig({ integrity: old });
    expect(rig.read(SECFS)).toBe("0");
    expect(write(rig, "1")).toBe("ENOENT");
    for (const bad of ["0", "8", "x", "-1", "", "1 2"]) expect([bad, write(rig, bad)]).toEqual([bad, "EINVAL"]);
    expect(write(rig, "4")).toBe("ok");
    expect(rig.read(SECFS)).toBe("4");
    rig.api.addEvmKey(KEY);
    rig.takeLog();
    expect(write(rig, "0x1\n")).toBe("ok");
    expect(rig.takeLog()).toEqual(["evm: key initialized"]);
    expect(rig.read(SECFS)).toBe("1");
    for (const late of ["1", "2", "4"]) expect(write(rig, late)).toBe("EPERM");
    expect(attempt(() => rig.user(1).open(SECFS, O_RDONLY))).toBe("EACCES");
  });

  it("wipes the key's payload when it is taken over, and refuses one that is too long", () => {
    const rig = new Rig({ integrity: old });
    rig.api.addEvmKey(new Uint8Array(129));
    expect(write(rig, "1")).toBe("EINVAL");
    const other = new Rig({ integrity: old });
    other.evm(KEY);
    const kept = other.kernel.core.tasks.keyrings.find("_uid.0", "encrypted", "evm-key");
    expect(kept?.payload.every((b) => b === 0)).toBe(true);
  });

  it("set to 0x80000000 closes the setup without a key: files without anything may then be labelled", () => {
    const rig = new Rig({ integrity: old });
    expect(write(rig, "0x80000002")).toBe("ok");
    expect(rig.read(SECFS)).toBe("2");
    expect(write(rig, "1")).toBe("EPERM");
    rig.write("/mnt/a", "A");
    expect(attempt(() => rig.sys.setxattr("/mnt/a", "security.selinux", utf8("x")))).toBe("ok");
  });

  it("with 4 lets metadata change whatever the seal says", () => {
    const disk = sealed({ "/mnt/a": "A" });
    const a = disk.get("/mnt/a");
    if (a !== undefined) a.mode = 0o777;
    const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
    write(rig, "6");
    expect(attempt(() => rig.sys.chmod("/mnt/a", 0o644))).toBe("ok");
    expect(attempt(() => rig.sys.setxattr("/mnt/a", EVM, fromHex(`02${"00".repeat(20)}`)))).toBe("ok");
  });

  it("evm_xattrs adds names under the seal until it is locked", () => {
    const rig = new Rig({ cmdline: "evm=fix", integrity: { profile: { ...profileDebian61, evmAddXattrs: true } } });
    const path = "/sys/kernel/security/integrity/evm/evm_xattrs";
    const add = (name: string): string =>
      attempt(() => {
        const fd = rig.sys.open(path, O_WRONLY);
        rig.sys.write(fd, utf8(name));
      });
    expect(add("security.mine\n")).toBe("ok");
    expect(["security.mine", "user.x", "security.", `security.${"x".repeat(250)}`].map(add)).toEqual([
      "EEXIST",
      "EINVAL",
      "EINVAL",
      "E2BIG",
    ]);
    expect(rig.read(path).split("\n")).toContain("security.mine");
    rig.evm(KEY);
    rig.write("/mnt/a", "A");
    rig.sys.setxattr("/mnt/a", "security.mine", utf8("x"));
    expect(rig.sys.getxattr("/mnt/a", EVM).length).toBe(21);
    expect([add("."), add("security.late")]).toEqual(["ok", "EPERM"]);
  });
});
