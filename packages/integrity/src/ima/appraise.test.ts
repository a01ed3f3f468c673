import {
  MAP_PRIVATE,
  MAP_SHARED,
  MS_RDONLY,
  MS_REMOUNT,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  program,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { HASH_ALGO_SHA256, HASH_ALGO_SHA512 } from "../abi/hashAlgo.js";
import { fromHex, toHex, utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { parseX509 } from "../crypto/x509.js";
import { signV2 } from "../digsig/digsigVerify.js";
import { keyOfCertificate } from "../digsig/keyring.js";
import { attempt, DISK_UUID, Rig, type RigOptions } from "../stories/rig.js";

const IMA = "security.ima";
const FIX = "ima_appraise_tcb ima_appraise=fix";
const ENFORCE = "ima_appraise_tcb ima_appraise=enforce";
const old = { profile: "debian-6.1" } as const;

const label = (text: string): string => `0404${toHex(nobleCrypto.digest(HASH_ALGO_SHA256, utf8(text)))}`;
const labelOf = (rig: Rig, path: string): string => {
  try {
    return toHex(rig.sys.getxattr(path, IMA));
  } catch {
    return "none";
  }
};

/** A disk whose files were labelled in fix mode, in a machine that enforces. */
function enforcing(files: Record<string, string>, more: RigOptions = {}): Rig {
  const fix = new Rig({ cmdline: FIX, integrity: old });
  for (const [path, text] of Object.entries(files)) {
    fix.write(path, text);
    fix.open(path);
  }
  return new Rig({ cmdline: ENFORCE, integrity: old, disk: fix.takeDisk(), ...more });
}

describe("ima_appraise=", () => {
  it("fix labels what is opened, enforce then lets it through and nothing else", () => {
    const disk = enforcing({ "/mnt/a": "A", "/mnt/b": "B" }).takeDisk();
    const b = disk.get("/mnt/b");
    if (b !== undefined) b.data = utf8("X");
    const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
    expect(labelOf(rig, "/mnt/a")).toBe(label("A"));
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(rig.open("/mnt/b")).toBe("EACCES");
    expect(rig.causes()).toEqual(["appraise_data invalid-hash"]);
  });

  it("enforce refuses every open of a bad file, whoever asks, and keeps its content from O_TRUNC; names may change", () => {
    const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
    disk.get("/mnt/a")?.xattrs.delete(IMA);
    const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
    for (const flags of [O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC])
      expect(rig.open("/mnt/a", flags)).toBe("EACCES");
    expect(rig.sys.stat("/mnt/a").size).toBe(1);
    expect(attempt(() => rig.user(1000).open("/mnt/a", O_RDONLY))).toBe("EACCES");
    expect(rig.causes()).toEqual(Array(5).fill("appraise_data missing-hash"));
    rig.sys.chmod("/mnt/a", 0o600);
    rig.sys.rename("/mnt/a", "/mnt/b");
    rig.sys.unlink("/mnt/b");
  });

  it("log lets through, says so, and writes nothing, also not when a file closes", () => {
    const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
    const a = disk.get("/mnt/a");
    if (a !== undefined) a.data = utf8("X");
    const rig = new Rig({ cmdline: "ima_appraise_tcb ima_appraise=log", integrity: old, disk });
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(rig.causes()).toEqual(["appraise_data invalid-hash"]);
    rig.write("/mnt/a", "Y");
    expect(labelOf(rig, "/mnt/a")).toBe(label("A"));
  });

  it("off looks at nothing", () => {
    const rig = new Rig({ cmdline: "ima_appraise_tcb ima_appraise=off", integrity: old });
    rig.write("/mnt/a", "A");
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(labelOf(rig, "/mnt/a")).toBe("none");
  });

  it("an unknown word leaves enforce, and a verified boot lets nothing weaker in", () => {
    for (const o of [
      { cmdline: "ima_appraise_tcb ima_appraise=sometimes", integrity: old },
      { cmdline: "ima_appraise_tcb ima_appraise=off", integrity: { ...old, secureBoot: true } },
    ]) {
      const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
      disk.get("/mnt/a")?.xattrs.delete(IMA);
      expect(new Rig({ ...o, disk }).open("/mnt/a")).toBe("EACCES");
    }
  });

  it("fix replaces every label but a signature, and leaves a read-only disk as it is", () => {
    const disk = enforcing({ "/mnt/a": "A", "/mnt/b": "B", "/mnt/c": "C" }).takeDisk();
    disk.get("/mnt/a")?.xattrs.set(IMA, fromHex("0000"));
    disk.get("/mnt/b")?.xattrs.set(IMA, fromHex("0302040000000000030102"));
    disk.get("/mnt/c")?.xattrs.delete(IMA);
    const rig = new Rig({ cmdline: FIX, integrity: old, disk });
    for (const path of ["/mnt/a", "/mnt/b"]) expect(rig.open(path)).toBe("ok");
    expect(labelOf(rig, "/mnt/a")).toBe(label("A"));
    expect(labelOf(rig, "/mnt/b")).toBe("0302040000000000030102");
    rig.sys.mount("none", "/mnt", null, MS_REMOUNT | MS_RDONLY, null);
    expect(rig.open("/mnt/c")).toBe("ok");
    expect(labelOf(rig, "/mnt/c")).toBe("none");
  });

  it("looks at root's files only by default, and a chown brings a file in or out at once", () => {
    const rig = new Rig({ cmdline: ENFORCE, integrity: old });
    rig.write("/mnt/u", "u");
    rig.sys.removexattr("/mnt/u", IMA);
    expect(rig.open("/mnt/u")).toBe("EACCES");
    rig.sys.chown("/mnt/u", 5, 5);
    expect(rig.open("/mnt/u")).toBe("ok");
    rig.sys.chown("/mnt/u", 0, 0);
    expect(rig.open("/mnt/u")).toBe("EACCES");
  });
});

describe("labels", () => {
  it("of new files appear when they close, empty ones too, but not for one that was opened for reading", () => {
    const rig = new Rig({ cmdline: ENFORCE, integrity: old });
    const fd = rig.sys.open("/mnt/n", O_WRONLY | O_CREAT, 0o644);
    rig.sys.write(fd, utf8("new"));
    expect(labelOf(rig, "/mnt/n")).toBe("none");
    rig.sys.close(fd);
    expect(labelOf(rig, "/mnt/n")).toBe(label("new"));
    rig.write("/mnt/e", "");
    expect(labelOf(rig, "/mnt/e")).toBe(label(""));
    rig.open("/mnt/r", O_RDONLY | O_CREAT);
    expect(labelOf(rig, "/mnt/r")).toBe("none");
  });

  it("follow a good file that is rewritten when its last writer has gone", () => {
    const rig = enforcing({ "/mnt/a": "A" });
    const one = rig.sys.open("/mnt/a", O_WRONLY);
    const two = rig.sys.open("/mnt/a", O_WRONLY);
    rig.sys.write(one, utf8("B"));
    rig.sys.close(one);
    expect(labelOf(rig, "/mnt/a")).toBe(label("A"));
    // As long as somebody writes it, the verdict of before holds.
    expect(rig.open("/mnt/a")).toBe("ok");
    rig.sys.close(two);
    expect(labelOf(rig, "/mnt/a")).toBe(label("B"));
    expect(rig.open("/mnt/a")).toBe("ok");
  });

  it("are written at munmap when a mapping outlives close", () => {
    const rig = enforcing({ "/mnt/a": "A" });
    const fd = rig.sys.open("/mnt/a", O_RDWR);
    const at = rig.sys.mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    rig.sys.close(fd);
    rig.sys.store(at, utf8("M"));
    expect(labelOf(rig, "/mnt/a")).toBe(label("A"));
    rig.sys.munmap(at, 4096);
    expect(labelOf(rig, "/mnt/a")).toBe(label("M"));
    expect(rig.open("/mnt/a")).toBe("ok");
  });

  it("are not touched by a writer that changed nothing", () => {
    const rig = enforcing({ "/mnt/a": "A" });
    rig.open("/mnt/a");
    rig.sys.truncate("/mnt/a", 0);
    const stale = labelOf(rig, "/mnt/a");
    expect(stale).toBe(label("A"));
    expect(rig.open("/mnt/a")).toBe("ok");
  });

  it("of the default algorithm's kind replace others; the digest is compared by the label's own algorithm", () => {
    const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
    const sha512 = `0406${toHex(nobleCrypto.digest(HASH_ALGO_SHA512, utf8("A")))}`;
    disk.get("/mnt/a")?.xattrs.set(IMA, fromHex(sha512));
    const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(labelOf(rig, "/mnt/a")).toBe(sha512);
    rig.write("/mnt/a", "B");
    expect(labelOf(rig, "/mnt/a")).toBe(label("B"));
  });

  it("may be longer than the digest, not shorter, and of known kind", () => {
    const rig = enforcing({ "/mnt/a": "A" });
    const set = (hex: string): string => attempt(() => rig.sys.setxattr("/mnt/a", IMA, fromHex(hex)));
    expect([set(`${label("A")}00`), rig.open("/mnt/a")]).toEqual(["ok", "ok"]);
    expect([set(label("A").slice(0, -2)), rig.open("/mnt/a")]).toEqual(["ok", "EACCES"]);
    expect(set("")).toBe("EINVAL");
    expect(set("07")).toBe("EINVAL");
    for (const kind of ["00", "05"]) expect([set(`${kind}0102`), rig.open("/mnt/a")]).toEqual(["ok", "EACCES"]);
    expect(rig.causes()).toEqual([
      "appraise_data invalid-hash",
      "appraise_data unknown-ima-data",
      "appraise_data unknown-ima-data",
    ]);
    expect(attempt(() => rig.user(1).setxattr("/mnt/a", IMA, fromHex(label("A"))))).toBe("EPERM");
    expect(attempt(() => rig.user(1).removexattr("/mnt/a", IMA))).toBe("EPERM");
  });

  it("reset the verdict at once when root changes or removes them", () => {
    const rig = enforcing({ "/mnt/a": "A" });
    rig.open("/mnt/a");
    rig.sys.removexattr("/mnt/a", IMA);
    expect(rig.open("/mnt/a")).toBe("EACCES");
    rig.sys.setxattr("/mnt/a", IMA, fromHex(label("A")));
    expect(rig.open("/mnt/a")).toBe("ok");
    rig.sys.setxattr("/mnt/a", IMA, fromHex(label("B")));
    expect(rig.open("/mnt/a")).toBe("EACCES");
  });
});

describe("execution", () => {
  const idle = program("idle", function* (sys: { getpid(): Generator<undefined, number, void> }) {
    yield* sys.getpid();
    return 3;
  } as never);

  it("is refused for a program, a script's interpreter and a script that are not as labelled", () => {
    const disk = enforcing({ "/mnt/p": "#!kk idle\n", "/mnt/s": "#!/mnt/p\n" }).takeDisk();
    for (const f of disk.values()) f.mode = 0o755;
    const boot = (): Rig => {
      const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
      rig.kernel.core.programs.add(idle);
      return rig;
    };
    expect([boot().run("/mnt/p"), boot().run("/mnt/s")]).toEqual(["exit 3", "exit 3"]);
    const s = disk.get("/mnt/s");
    if (s !== undefined) s.data = utf8("#!/mnt/p x\n");
    expect(boot().run("/mnt/s")).toBe("EACCES");
    disk.get("/mnt/p")?.xattrs.delete(IMA);
    expect(boot().run("/mnt/p")).toBe("EACCES");
  });

  it("by mmap asks MMAP_CHECK, and a mapping cannot become executable behind its back", () => {
    const rig = new Rig({ integrity: old });
    rig.write("/mnt/lib", "x");
    rig.api.loadPolicy(`appraise func=MMAP_CHECK mask=MAY_EXEC fsuuid=${DISK_UUID}\n`);
    const fd = rig.sys.open("/mnt/lib", O_RDONLY);
    expect(attempt(() => rig.sys.mmap(0, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0))).toBe("EACCES");
    const at = rig.sys.mmap(0, 1, PROT_READ, MAP_PRIVATE, fd, 0);
    expect(attempt(() => rig.sys.mprotect(at, 4096, PROT_READ | PROT_EXEC))).toBe("EPERM");
    expect(rig.causes()).toEqual(["appraise_data missing-hash", "collect_data failed-mprotect"]);
  });

  it("by mmap is refused while the file is mapped for shared writing", () => {
    const rig = enforcing({ "/mnt/lib": "x" }, { cmdline: "ima_appraise=enforce" });
    rig.api.loadPolicy(`appraise func=MMAP_CHECK mask=MAY_EXEC fsuuid=${DISK_UUID}\n`);
    const w = rig.sys.open("/mnt/lib", O_RDWR);
    rig.sys.mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
    const fd = rig.sys.open("/mnt/lib", O_RDONLY);
    expect(attempt(() => rig.sys.mmap(0, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0))).toBe("EACCES");
    expect(rig.causes()).toEqual(["mmap_file mmapped_writers"]);
  });
});

describe("signatures", () => {
  const key = ecKeyFromSeed("vendor", nobleCrypto);
  const certificate = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
  const sign = (text: string): Uint8Array =>
    signV2(key, HASH_ALGO_SHA256, nobleCrypto.digest(HASH_ALGO_SHA256, utf8(text)), nobleCrypto);

  it("make a file immutable: no open for writing, yet chmod, truncate(2) and unlink are not IMA's business", () => {
    const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
    disk.get("/mnt/a")?.xattrs.set(IMA, sign("A"));
    const rig = new Rig({ cmdline: ENFORCE, integrity: { ...old, keys: { ima: [certificate] } }, disk });
    expect(rig.open("/mnt/a", O_WRONLY)).toBe("EACCES");
    expect(rig.open("/mnt/a")).toBe("ok");
    expect(rig.open("/mnt/a", O_RDWR)).toBe("EACCES");
    rig.sys.chmod("/mnt/a", 0o666);
    expect(rig.open("/mnt/a", O_WRONLY)).toBe("EACCES");
    rig.sys.truncate("/mnt/a", 0);
    expect(rig.open("/mnt/a")).toBe("EACCES");
    rig.sys.unlink("/mnt/a");
  });

  it("without the key, or over other content, are refused", () => {
    const disk = enforcing({ "/mnt/a": "A" }).takeDisk();
    disk.get("/mnt/a")?.xattrs.set(IMA, sign("A"));
    const rig = new Rig({ cmdline: ENFORCE, integrity: old, disk });
    expect(rig.open("/mnt/a")).toBe("EACCES");
    const id = toHex(keyOfCertificate(parseX509(certificate)).id.slice(-4));
    expect(rig.takeLog().find((l) => l.startsWith("integrity: "))).toBe(
      `integrity: Request for unknown key 'id:${id}' in '_ima' keyring. err -11`,
    );
    disk.get("/mnt/a")?.xattrs.set(IMA, sign("B"));
    const keyed = new Rig({ cmdline: ENFORCE, integrity: { ...old, keys: { ima: [certificate] } }, disk });
    expect(keyed.open("/mnt/a")).toBe("EACCES");
    expect(keyed.causes()).toEqual(["appraise_data invalid-signature"]);
  });

  it("come with installing: create, write, sign, close; and appraise_type=imasig takes nothing less", () => {
    const rig = new Rig({ cmdline: "ima_appraise=enforce", integrity: { ...old, keys: { ima: [certificate] } } });
    rig.write("/mnt/plain", "P");
    rig.api.loadPolicy(`appraise func=FILE_CHECK appraise_type=imasig fsuuid=${DISK_UUID}\n`);
    const fd = rig.sys.open("/mnt/a", O_CREAT | O_WRONLY, 0o644);
    rig.sys.write(fd, utf8("A"));
    rig.sys.setxattr("/mnt/a", IMA, sign("A"));
    rig.sys.close(fd);
    expect(rig.sys.getxattr("/mnt/a", IMA)).toEqual(sign("A"));
    expect([rig.open("/mnt/a"), rig.open("/mnt/a", O_WRONLY)]).toEqual(["ok", "EACCES"]);
    rig.sys.setxattr("/mnt/plain", IMA, fromHex(label("P")));
    expect(rig.open("/mnt/plain")).toBe("EACCES");
    expect(rig.causes()).toEqual(["appraise_data IMA-signature-required"]);
  });
});

it("appraise_algos= and SETXATTR_CHECK decide which hashes may vouch", () => {
  const rig = enforcing({ "/mnt/a": "A" }, { cmdline: "ima_appraise=enforce" });
  rig.api.loadPolicy(
    "appraise func=SETXATTR_CHECK appraise_algos=sha512\n",
    `appraise func=FILE_CHECK appraise_algos=sha512 fsuuid=${DISK_UUID}\n`,
  );
  expect(rig.open("/mnt/a")).toBe("EACCES");
  expect(attempt(() => rig.sys.setxattr("/mnt/a", IMA, fromHex(label("A"))))).toBe("EACCES");
  const sha512 = fromHex(`0406${toHex(nobleCrypto.digest(HASH_ALGO_SHA512, utf8("A")))}`);
  expect(attempt(() => rig.sys.setxattr("/mnt/a", IMA, sha512))).toBe("ok");
  expect(rig.open("/mnt/a")).toBe("ok");
  expect(rig.causes()).toEqual(["collect_data denied-hash-algorithm", "set_data denied-hash-algorithm"]);
});
