import * as nodeCryptoLib from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { haveTools, must, readBytes, run, withFolder, writeBytes } from "../../testdata/tools.js";
import { utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { RsaPrivateKey } from "../crypto/provider.js";
import { keyringOf } from "../digsig/keyring.js";
import { nodeCrypto } from "../node.js";
import { makeBzImage, probeBzImage } from "./bzImage.js";
import { parseCrashkernel } from "./crashkernel.js";
import { layoutImage, sealImage, verifyPurgatoryDigest } from "./kexecImage.js";
import { parseLockdown, showLockdown } from "./lockdown.js";
import { signPe, verifyPeSignature } from "./peSign.js";

const bytes = (v: string | undefined): Uint8Array => new Uint8Array(Buffer.from(v ?? "", "base64url"));
const pair = nodeCryptoLib.generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = pair.privateKey.export({ format: "jwk" });
const rsa: RsaPrivateKey = { type: "rsa", n: bytes(jwk.n), e: bytes(jwk.e), d: bytes(jwk.d) };
const rsaCert = makeCertificate({ key: rsa, commonName: "kernel signer", crypto: nobleCrypto });
const ec = ecKeyFromSeed("kernel signer", nobleCrypto);
const ecCert = makeCertificate({ key: ec, commonName: "kernel signer", crypto: nobleCrypto });
const unsigned = makeBzImage(utf8("kernel code ".repeat(100)));
const signed = signPe(unsigned, { key: ec, certificate: ecCert, crypto: nobleCrypto });
const ring = keyringOf(nobleCrypto, ecCert);
const [ENODATA, EKEYREJECTED, ENOKEY, ELIBBAD] = [-61, -129, -126, -80];

describe("kernel images", () => {
  it("probe by boot header: magic, protocol 2.12, loaded high, 64 bit", () => {
    expect(probeBzImage(unsigned)).toMatchObject({ version: 0x20f, setupSize: 4096, cmdlineSize: 2047 });
    expect(probeBzImage(signed)).not.toBe(null);
    for (const [at, v] of [
      [0x202, 0],
      [0x1fe, 0],
      [0x206, 0x0b],
      [0x211, 0],
      [0x236, 1],
      [0x236, 2],
    ] as const) {
      const b = unsigned.slice();
      b[at] = v;
      expect(probeBzImage(b)).toBe(null);
    }
    expect(probeBzImage(utf8("not a kernel"))).toBe(null);
    expect(probeBzImage(unsigned.subarray(0, 1023))).toBe(null);
  });

  it("verify with their signer's key; unsigned, untrusted and changed ones are told apart by errno", () => {
    expect(verifyPeSignature(signed, ring, nobleCrypto)).toBe(0);
    expect(verifyPeSignature(signed, ring, nodeCrypto)).toBe(0);
    expect(verifyPeSignature(signed, [], nobleCrypto)).toBe(ENOKEY);
    expect(verifyPeSignature(unsigned, ring, nobleCrypto)).toBe(ENODATA);
    expect(verifyPeSignature(utf8("not a kernel"), ring, nobleCrypto)).toBe(ELIBBAD);
    const tampered = signed.slice();
    tampered[5000] ^= 1;
    expect(verifyPeSignature(tampered, ring, nobleCrypto)).toBe(EKEYREJECTED);
  });

  it("are trusted through a chain that comes with the signature", () => {
    const ca = { key: ecKeyFromSeed("ca", nobleCrypto), commonName: "ca" };
    const caCert = makeCertificate({ ...ca, ca: true, crypto: nobleCrypto });
    const leaf = makeCertificate({ key: rsa, commonName: "leaf", issuer: ca, serial: 5, crypto: nobleCrypto });
    const image = signPe(unsigned, { key: rsa, certificate: leaf, chain: [caCert], crypto: nobleCrypto });
    expect(verifyPeSignature(image, keyringOf(nobleCrypto, caCert), nobleCrypto)).toBe(0);
    expect(verifyPeSignature(image, ring, nobleCrypto)).toBe(ENOKEY);
    const impostor = makeCertificate({
      key: ecKeyFromSeed("other", nobleCrypto),
      commonName: "ca",
      ca: true,
      crypto: nobleCrypto,
    });
    expect(verifyPeSignature(image, keyringOf(nobleCrypto, impostor), nobleCrypto)).toBe(ENOKEY);
  });

  it("with any byte before the certificate table changed never verify, but for the checksum, which no signature covers", () => {
    const free = new Set([...Array(4).keys()].map((i) => 0x58 + 64 + i));
    fc.assert(
      fc.property(fc.nat(unsigned.length - 1), fc.integer({ min: 1, max: 255 }), (at, x) => {
        fc.pre(!free.has(at));
        const b = signed.slice();
        b[at] ^= x;
        expect(verifyPeSignature(b, ring, nobleCrypto)).toBeLessThan(0);
      }),
      { numRuns: 200 },
    );
  });

  it("of any bytes give an errno and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(300), (b, at) => {
        expect(verifyPeSignature(b, ring, nobleCrypto)).toBeLessThan(0);
        const mz = unsigned.slice();
        mz.set(b.subarray(0, 200), 0x3c + at);
        expect(verifyPeSignature(mz, ring, nobleCrypto)).toBeLessThan(0);
      }),
      { numRuns: 300 },
    );
    for (let n = 0; n < signed.length; n += 37)
      expect(verifyPeSignature(signed.subarray(0, n), ring, nobleCrypto)).toBeLessThan(0);
  });

  it.skipIf(!haveTools("sbsign", "sbverify"))(
    "that sbsign signs verify here, that we sign verify with sbverify, changed ones with neither",
    () => {
      withFolder((dir) => {
        const pem = (name: string, label: string, der: Uint8Array): string =>
          writeBytes(
            `${dir}/${name}`,
            `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n")}\n-----END ${label}-----\n`,
          );
        const cert = pem("c.pem", "CERTIFICATE", rsaCert);
        const key = writeBytes(`${dir}/k.pem`, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
        const image = writeBytes(`${dir}/vmlinuz`, unsigned);
        must("sbsign", ["--key", key, "--cert", cert, "--output", `${dir}/theirs`, image]);
        const theirs = readBytes(`${dir}/theirs`);
        const rsaRing = keyringOf(nobleCrypto, rsaCert);
        expect(verifyPeSignature(theirs, rsaRing, nobleCrypto)).toBe(0);
        theirs[5000] ^= 1;
        expect(verifyPeSignature(theirs, rsaRing, nobleCrypto)).toBe(EKEYREJECTED);
        const ours = signPe(unsigned, { key: rsa, certificate: rsaCert, crypto: nobleCrypto });
        expect(run("sbverify", ["--cert", cert, writeBytes(`${dir}/ours`, ours)])).toMatchObject({ status: 0 });
        ours[5000] ^= 1;
        expect(run("sbverify", ["--cert", cert, writeBytes(`${dir}/ours`, ours)]).status).not.toBe(0);
      });
    },
  );
});

describe("a loaded image", () => {
  const parts = [
    { name: "purgatory", bytes: utf8("purgatory"), memsz: 8192 },
    { name: "kernel", bytes: unsigned.slice(4096), memsz: 0x200000, align: 0x200000, min: 0x100000 },
    { name: "initrd", bytes: utf8("initrd data\n"), memsz: 12 },
  ] as const;
  const ranges = [
    { start: 0, end: 0x9f000 },
    { start: 0x100000, end: 0x4000000 },
  ];
  const load = () =>
    layoutImage(
      parts.map((p) => ({ ...p, bytes: p.bytes.slice() })),
      ranges,
    );

  it("lies in RAM, page aligned, without overlap, each segment as high as it fits", () => {
    const image = load();
    expect(image?.segments.map((s) => [s.name, s.mem])).toEqual([
      ["purgatory", 0x3ffe000],
      ["kernel", 0x3c00000],
      ["initrd", 0x3ffd000],
    ]);
  });

  it("that does not fit is EADDRNOTAVAIL", () => {
    expect(layoutImage(parts, [{ start: 0, end: 0x100000 }])).toBe(null);
  });

  it("is started only if no segment has changed since loading; purgatory itself is not covered", () => {
    const image = load();
    if (image === null) throw new Error("no room");
    sealImage(image, nobleCrypto);
    expect(verifyPurgatoryDigest(image, nobleCrypto)).toBe(true);
    image.segments[0].bytes[0] ^= 1;
    expect(verifyPurgatoryDigest(image, nobleCrypto)).toBe(true);
    for (const i of [1, 2]) {
      image.segments[i].bytes[3] ^= 0x80;
      expect(verifyPurgatoryDigest(image, nobleCrypto)).toBe(false);
      image.segments[i].bytes[3] ^= 0x80;
    }
    image.segments.pop();
    expect(verifyPurgatoryDigest(image, nobleCrypto)).toBe(false);
  });
});

describe("crashkernel= and lockdown", () => {
  it("reserve a size, at an address, or by the size of RAM", () => {
    const M = 2 ** 20;
    expect(parseCrashkernel("64M", 1024 * M)).toEqual({ size: 64 * M, base: null });
    expect(parseCrashkernel("0x4000000@16M", 1024 * M)).toEqual({ size: 64 * M, base: 16 * M });
    expect(parseCrashkernel("1G-4G:192M,4G-:256M", 2048 * M)?.size).toBe(192 * M);
    expect(parseCrashkernel("1G-4G:192M,4G-:256M@16M", 8192 * M)).toEqual({ size: 256 * M, base: 16 * M });
    expect(parseCrashkernel("1G-4G:192M", 512 * M)).toBe(null);
    expect(parseCrashkernel("256M,high", 8192 * M)?.size).toBe(256 * M);
    for (const v of ["", "x", "64X", "0", "1G:64M", "64M@x"]) expect(parseCrashkernel(v, 1024 * M)).toBe(null);
  });

  it("show the level in brackets and know its words", () => {
    expect(showLockdown(1)).toBe("none [integrity] confidentiality\n");
    expect(["none", "integrity\n", "confidentiality", "x", ""].map(parseLockdown)).toEqual([0, 1, 2, -1, -1]);
  });
});
