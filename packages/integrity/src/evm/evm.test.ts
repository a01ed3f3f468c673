import * as nodeCryptoLib from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haveTools, must, run, withFolder, writeBytes } from "../../testdata/tools.js";
import { fromHex, toHex } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto, publicKeyOf } from "../crypto/nobleCrypto.js";
import type { PrivateKey } from "../crypto/provider.js";
import { encodeSpki } from "../crypto/publicKey.js";
import { nodeCrypto } from "../node.js";
import { evmCalcHmac } from "./evmDigest.js";
import { signEvm } from "./signEvm.js";
import { type EvmDescription, verifyEvm } from "./verifyEvm.js";

const key = fromHex(
  "f5f8ffb078227f2c84eff1857c43e9425623ce1e05fe0721aa554a96db0384ca15be4559c2017d3ee34bef8c9a093cc8c6e34ca0ac23ffe323fb96c9b942c761",
);
const fsuuid = "11111111-2222-3333-4444-555555555555";
const ima = fromHex("0404bab79c8ca69d337538b44eb318d7830e96ac32716f0a956326930a7af381a70c");
const recorded: EvmDescription = {
  xattrs: { "security.ima": ima, "security.evm": fromHex("02714279823b78edf0afb7734bdcae18e430a92628") },
  inode: { ino: 25, generation: 0, uid: 0, gid: 0, mode: 0o100644 },
  fsuuid,
};
const vendor = ecKeyFromSeed("vendor", nobleCrypto);
const vendorCert = makeCertificate({ key: vendor, commonName: "vendor", crypto: nobleCrypto });

function withEvm(f: EvmDescription, evm: Uint8Array): EvmDescription {
  return { ...f, xattrs: { ...f.xattrs, "security.evm": evm } };
}

describe("EVM HMAC", () => {
  it("is the value a kernel stored: key padded to 128 bytes, values in order, inode data, UUID", () => {
    const of = (values: string, ino: number, uid: number, gid: number): string =>
      toHex(evmCalcHmac({ key, values: [fromHex(values)], ino, generation: 0, uid, gid, mode: 0o100644, fsuuid }));
    expect(of("04049a1b85ce5daf316f4b59efaab51bdb2d9d73cf34e24c04ea4fd9007353a4af70", 14, 0, 0)).toBe(
      "02fd18969260cbbd989f1134032f7c74bf3b0fff06",
    );
    expect(of("0404c6ff52e54292742bdacd4e8646850b797df8d62c610baf6e1093d87a808e553b", 24, 5, 6)).toBe(
      "020228faee3a48276830a638974fe21e7d65361f13",
    );
  });

  it("of an intact file passes; any change of a protected attribute, of the inode data or of the UUID fails", () => {
    for (const crypto of [nobleCrypto, nodeCrypto]) {
      const check = (f: EvmDescription): string => verifyEvm(f, { hmacKey: key, crypto }).status;
      expect(check(recorded)).toBe("pass");
      const { inode } = recorded;
      expect(check({ ...recorded, inode: { ...inode, ino: 26 } })).toBe("fail");
      expect(check({ ...recorded, inode: { ...inode, generation: 1 } })).toBe("fail");
      expect(check({ ...recorded, inode: { ...inode, uid: 1 } })).toBe("fail");
      expect(check({ ...recorded, inode: { ...inode, gid: 1 } })).toBe("fail");
      expect(check({ ...recorded, inode: { ...inode, mode: 0o100666 } })).toBe("fail");
      expect(check({ ...recorded, fsuuid: "11111111-2222-3333-4444-555555555556" })).toBe("fail");
      expect(check({ ...recorded, xattrs: { ...recorded.xattrs, "security.selinux": fromHex("6100") } })).toBe("fail");
      expect(check({ ...recorded, xattrs: { ...recorded.xattrs, "security.SMACK64": fromHex("5f00") } })).toBe("pass");
      expect(check({ ...recorded, xattrs: { ...recorded.xattrs, "user.x": fromHex("5f00") } })).toBe("pass");
    }
  });

  it("fails for every single flipped bit of value, seal or key", () => {
    fc.assert(
      fc.property(fc.constantFrom("ima", "evm", "key"), fc.nat(1000), fc.nat(7), (what, at, bit) => {
        const b = (what === "key" ? key : what === "ima" ? ima : recorded.xattrs["security.evm"]).slice();
        b[at % b.length] ^= 1 << bit;
        const f = what === "key" ? recorded : { ...recorded, xattrs: { ...recorded.xattrs, [`security.${what}`]: b } };
        expect(verifyEvm(f, { hmacKey: what === "key" ? b : key }).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("without security.evm: no_label if something protected is there, else no_xattrs", () => {
    const bare = { ...recorded, xattrs: { "security.ima": ima } };
    expect(verifyEvm(bare, { hmacKey: key }).status).toBe("no_label");
    expect(verifyEvm({ ...recorded, xattrs: {} }, { hmacKey: key }).status).toBe("no_xattrs");
    expect(verifyEvm({ ...recorded, xattrs: { "security.SMACK64": ima } }, { hmacKey: key }).status).toBe("no_xattrs");
  });

  it("of the wrong size fails, and so does every other type byte", () => {
    const evm = recorded.xattrs["security.evm"];
    for (const v of [
      evm.subarray(0, 20),
      Uint8Array.of(...evm, 0),
      Uint8Array.of(0),
      Uint8Array.of(7),
      new Uint8Array(0),
    ]) {
      expect(verifyEvm(withEvm(recorded, v), { hmacKey: key }).status).toBe("fail");
    }
  });

  it("takes keys up to 128 bytes", () => {
    expect(() => verifyEvm(recorded, { hmacKey: new Uint8Array(129) })).toThrow(RangeError);
  });
});

describe("EVM signatures", () => {
  const file: EvmDescription = { ...recorded, xattrs: { "security.ima": ima, "security.SMACK64": fromHex("5f00") } };

  it("of type 03 bind inode number, generation and UUID; portable ones do not, but cover disabled names", () => {
    const local = withEvm(file, signEvm(file, vendor));
    const portable = withEvm(file, signEvm(file, vendor, { portable: true }));
    const check = (f: EvmDescription): string => verifyEvm(f, { keys: [vendorCert] }).status;
    const moved = (f: EvmDescription): EvmDescription => ({
      ...f,
      inode: { ...f.inode, ino: 99, generation: 3 },
      fsuuid: new Uint8Array(16),
    });
    const smack = (f: EvmDescription): EvmDescription => ({
      ...f,
      xattrs: { ...f.xattrs, "security.SMACK64": fromHex("6000") },
    });
    expect(check(local)).toBe("pass");
    expect(check(moved(local))).toBe("fail");
    expect(check(smack(local))).toBe("pass");
    expect(check(portable)).toBe("pass_immutable");
    expect(check(moved(portable))).toBe("pass_immutable");
    expect(check(smack(portable))).toBe("fail_immutable");
    expect(verifyEvm(portable, { keys: [] }).status).toBe("fail_immutable");
  });

  it("portable ones must cover security.ima", () => {
    const without = { ...file, xattrs: { "security.SMACK64": fromHex("5f00") } };
    expect(() => signEvm(without, vendor, { portable: true })).toThrow(RangeError);
    const lifted = withEvm(without, signEvm(file, vendor, { portable: true }));
    expect(verifyEvm(lifted, { keys: [vendorCert] }).status).toBe("fail_immutable");
  });

  it("of any bytes never throw and never pass", () => {
    fc.assert(
      fc.property(fc.constantFrom(3, 5), fc.uint8Array({ maxLength: 100 }), (type, b) => {
        const f = withEvm(file, Uint8Array.of(type, ...b));
        expect(verifyEvm(f, { keys: [vendorCert], hmacKey: key }).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe("against evmctl", () => {
  const rsa = nodeCryptoLib.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const ec = nodeCryptoLib.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = (v: string | undefined): Uint8Array => new Uint8Array(Buffer.from(v ?? "", "base64url"));
  const ours = (pair: { privateKey: nodeCryptoLib.KeyObject }): PrivateKey => {
    const j = pair.privateKey.export({ format: "jwk" });
    return j.kty === "RSA"
      ? { type: "rsa", n: bytes(j.n), e: bytes(j.e), d: bytes(j.d) }
      : { type: "ec", curve: "P-256", d: bytes(j.d) };
  };
  const xattr = (path: string, name: string): Uint8Array =>
    fromHex(/0x([0-9a-f]+)/.exec(must("getfattr", ["-n", name, "-e", "hex", path]))?.[1] ?? "");
  const set = (path: string, name: string, v: Uint8Array): void => {
    must("setfattr", ["-n", name, "-v", `0x${toHex(v)}`, path]);
  };

  // Attributes of the security namespace need CAP_SYS_ADMIN and a file system that has them.
  const usable = withFolder((dir) => {
    const f = writeBytes(`${dir}/f`, "x");
    return run("setfattr", ["-n", "security.ima", "-v", "0x00", f]).status === 0;
  });
  const real = it.skipIf(!usable || !haveTools("evmctl", "setfattr", "getfattr"));
  if (!usable) console.warn("SKIPPED: security.* attributes cannot be written here; evmctl is not asked about EVM");

  real.each([
    ["RSA", rsa],
    ["ECDSA", ec],
  ] as const)(
    "%s: what evmctl signs verifies here, what we sign verifies there, and both refuse each change",
    (_, pair) => {
      withFolder((dir) => {
        const priv = writeBytes(`${dir}/k.pem`, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
        const cert = makeCertificate({ key: ours(pair), commonName: "t", crypto: nobleCrypto });
        const der = writeBytes(`${dir}/c.der`, cert);
        const f = writeBytes(`${dir}/f`, "hello\n");
        must("chmod", ["640", f]);
        const st = statSync(f);
        const describeFile = (evm: Uint8Array, ino: number, generation: number, uuid?: string): EvmDescription => ({
          xattrs: { "security.ima": xattr(f, "security.ima"), "security.evm": evm },
          inode: { ino, generation, uid: st.uid, gid: st.gid, mode: st.mode },
          ...(uuid === undefined ? {} : { fsuuid: uuid }),
        });
        const sign = ["sign", "--imahash", "-a", "sha256", "--key", priv];

        must("evmctl", [...sign, "--portable", f]);
        const portable = describeFile(xattr(f, "security.evm"), 1, 2);
        expect(verifyEvm(portable, { keys: [cert] }).status).toBe("pass_immutable");
        expect(verifyEvm({ ...portable, inode: { ...portable.inode, uid: 7 } }, { keys: [cert] }).status).toBe(
          "fail_immutable",
        );

        must("evmctl", [...sign, "--ino=14", "--generation=7", `--uuid=${fsuuid}`, f]);
        const local = describeFile(xattr(f, "security.evm"), 14, 7, fsuuid);
        expect(verifyEvm(local, { keys: [cert] }).status).toBe("pass");
        expect(verifyEvm({ ...local, inode: { ...local.inode, generation: 8 } }, { keys: [cert] }).status).toBe("fail");

        const mine = signEvm(portable, ours(pair), { portable: true, algo: 6 });
        set(f, "security.evm", mine);
        expect(run("evmctl", ["verify", "--key", der, f])).toMatchObject({ status: 0 });
        mine[mine.length - 1] ^= 1;
        set(f, "security.evm", mine);
        expect(run("evmctl", ["verify", "--key", der, f]).status).not.toBe(0);
        expect(readFileSync(f, "utf8")).toBe("hello\n");
      });
    },
  );

  it("the key evmctl would name is the end of the key's SHA-1", () => {
    const spki = encodeSpki(publicKeyOf(ours(rsa)));
    expect(toHex(spki)).toBe(rsa.publicKey.export({ type: "spki", format: "der" }).toString("hex"));
  });
});
