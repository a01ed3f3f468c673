/** Whatever a program hands to integrity's calls and files: an errno of the documented ones comes back, and nothing else happens. */
import { O_RDONLY, O_WRONLY } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { HASH_ALGO_SHA256 } from "./abi/hashAlgo.js";
import { concatBytes, toHex, utf8 } from "./bytes.js";
import { nobleCrypto } from "./crypto/nobleCrypto.js";
import { makeBzImage } from "./kexec/bzImage.js";
import { profileDebian61 } from "./profile.js";
import { attempt, DISK_UUID, Rig } from "./stories/rig.js";

vi.setConfig({ testTimeout: 600_000 });
const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const CALLS = 50;

/** What must not change when a call fails. */
function snapshot(rig: Rig): string {
  const { evm, kexec, appraise, customRules, customActive, policyFlag, keyrings } = rig.api.state;
  const keys = [...keyrings].map(([name, all]) => [name, all.length]);
  const images = [kexec.image?.cmdline, kexec.crashImage?.cmdline, kexec.lockdown, kexec.loadDisabled];
  const bits = [evm.initialized, evm.setupComplete, evm.namesLocked, evm.names.length, evm.key === null];
  return JSON.stringify([keys, images, bits, appraise, customRules.length, customActive, policyFlag]);
}

const anything = fc.oneof(
  fc.integer(),
  fc.integer({ min: -2, max: 12 }),
  fc.constantFrom<unknown>(null, undefined, "", "x\0", 2 ** 53, -1, 2 ** 31, 1.5, Number.NaN, 10n, {}, []),
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }),
  fc.array(
    fc.record({
      buf: fc.uint8Array({ maxLength: 16 }),
      mem: fc.oneof(fc.constantFrom(0x100000, 0x2000000, -4096, 2 ** 40, 2 ** 53), fc.integer()),
      memsz: fc.oneof(fc.constantFrom(0, 4096, 8192, 2 ** 40), fc.integer()),
    }),
    { maxLength: 20 },
  ),
);

/** All errnos of the two man pages, and of descriptors. */
const DOCUMENTED = [
  "EPERM",
  "EINVAL",
  "EBADF",
  "EACCES",
  "ENOEXEC",
  "EADDRNOTAVAIL",
  "EFAULT",
  "ENOENT",
  "EBUSY",
  "EEXIST",
  "EISDIR",
];

describe("system calls", () => {
  it("kexec_load, kexec_file_load, init_module and finit_module end with a documented errno or name the wrong argument", () => {
    const name = fc.constantFrom("kexec_load", "kexec_file_load", "init_module", "finit_module");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.array(anything, { maxLength: 6 })), { maxLength: CALLS }), (calls) => {
        const rig = new Rig({ cmdline: "crashkernel=64M ima_policy=tcb" });
        rig.write("/mnt/image", makeBzImage(utf8("kernel")));
        rig.write("/mnt/junk", "junk");
        for (const file of ["/mnt/image", "/mnt/junk", "/mnt", "/dev/null"])
          attempt(() => rig.sys.open(file, O_RDONLY));
        const sys = rig.sys as unknown as Record<string, (...a: unknown[]) => unknown>;
        for (const [call, args] of calls) {
          const before = snapshot(rig);
          let r: string;
          try {
            r = attempt(() => sys[call](...args));
          } catch (e) {
            // A value of the wrong type is a mistake in the TypeScript program.
            expect(e).toBeInstanceOf(TypeError);
            expect(String(e)).toContain(`${call}.`);
            r = "TypeError";
          }
          expect(["ok", "TypeError", ...DOCUMENTED]).toContain(r);
          if (r !== "ok") expect(snapshot(rig)).toBe(before);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

const words = fc.constantFrom(
  "measure",
  "appraise",
  "audit",
  "hash",
  "dont_measure",
  "func=FILE_CHECK",
  "func=",
  "func=KEY_CHECK",
  "mask=^MAY_READ",
  "uid=0",
  "uid>4294967296",
  "fsmagic=0x1",
  `fsuuid=${DISK_UUID}`,
  "pcr=64",
  "template=ima-ng",
  "appraise_type=imasig",
  "appraise_algos=sha256,sha9",
  "keyrings=|",
  "label=",
  "\0",
  "\n",
  "\t",
  "#",
  "=",
  "/mnt/policy",
);
const policyText = fc.oneof(
  fc.array(words, { maxLength: 8 }).map((w) => w.join(" ")),
  fc.string({ maxLength: 60, unit: "binary" }),
  fc.integer({ min: 4000, max: 9000 }).map((n) => "x".repeat(n)),
);

describe("files", () => {
  it("policy: a failed write or session leaves the old policy as it was", () => {
    fc.assert(
      fc.property(fc.array(policyText, { maxLength: 12 }), (texts) => {
        const rig = new Rig({ integrity: { profile: { ...profileDebian61, writePolicy: true, readPolicy: true } } });
        rig.write("/mnt/policy", "audit func=BPRM_CHECK\nbogus\n");
        const before = snapshot(rig);
        const fd = rig.sys.open("/sys/kernel/security/ima/policy", O_WRONLY);
        let bad = texts.length === 0;
        for (const text of texts) {
          const r = attempt(() => rig.sys.write(fd, utf8(text)));
          expect(["ok", "EINVAL", "ERANGE", "ENOENT", "EACCES", "ENOTDIR", "ENAMETOOLONG", "EISDIR"]).toContain(r);
          bad ||= r !== "ok";
          expect(snapshot(rig)).toBe(before);
        }
        rig.sys.close(fd);
        if (bad) expect(snapshot(rig)).toBe(before);
        // Whatever was taken can be read back and loaded again.
        const shown = rig.api.policy();
        if (shown !== "")
          expect(
            rig.api.loadPolicy(
              ...shown
                .split("\n")
                .slice(0, -1)
                .map((l) => `${l}\n`),
            ),
          ).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it("evm, evm_xattrs, lockdown, kexec_load_disabled", () => {
    const text = fc.oneof(
      fc.constantFrom("1", "2", "4", "0x80000000", "0", "integrity", ".", "security.x", "none\n", "-1", "1 ", "\n", ""),
      fc.string({ maxLength: 300, unit: "binary" }),
    );
    const dir = "/sys/kernel/security";
    const file = fc.constantFrom(
      `${dir}/evm`,
      `${dir}/integrity/evm/evm_xattrs`,
      `${dir}/lockdown`,
      "/proc/sys/kernel/kexec_load_disabled",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(file, text), { maxLength: CALLS }), (writes) => {
        const rig = new Rig({ integrity: { profile: { ...profileDebian61, evmAddXattrs: true } } });
        for (const [path, t] of writes) {
          const before = snapshot(rig);
          const fd = rig.sys.open(path, O_WRONLY);
          const r = attempt(() => rig.sys.write(fd, utf8(t)));
          rig.sys.close(fd);
          expect(["ok", "EPERM", "EINVAL", "ENOENT", "EEXIST", "E2BIG", "ERANGE"]).toContain(r);
          if (r !== "ok") expect(snapshot(rig)).toBe(before);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

it("a disk with any label on it: what opens is as its label says, and the kernel stands", () => {
  const good = concatBytes([Uint8Array.of(4, 4), nobleCrypto.digest(HASH_ALGO_SHA256, utf8("A"))]);
  const labels = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .tuple(fc.nat(8), fc.nat(30), fc.uint8Array({ maxLength: 70 }))
      .map(([type, algo, rest]) => concatBytes([Uint8Array.of(type, algo), rest])),
    fc
      .tuple(fc.constantFrom(3, 5, 6), fc.nat(4), fc.nat(24), fc.nat(300), fc.uint8Array({ maxLength: 80 }))
      .map(([t, v, algo, n, rest]) => concatBytes([Uint8Array.of(t, v, algo, 1, 2, 3, 4, n >> 8, n & 255), rest])),
    fc.constant(good),
  );
  fc.assert(
    fc.property(labels, labels, fc.boolean(), (ima, seal, evm) => {
      const first = new Rig({});
      first.write("/mnt/a", "A");
      const disk = first.takeDisk();
      disk.get("/mnt/a")?.xattrs.set("security.ima", ima).set("security.evm", seal);
      const rig = new Rig({ cmdline: "ima_policy=tcb ima_appraise_tcb", disk });
      if (evm) rig.evm(utf8("key"));
      const r = rig.open("/mnt/a");
      expect(["ok", "EACCES"]).toContain(r);
      if (r === "ok") {
        // Types 01 and 04 with the right digest, of whatever algorithm; a longer label is fine.
        const algo = ima[0] === 1 ? 2 : ima[1];
        const at = ima[0] === 1 ? 1 : 2;
        const digest = nobleCrypto.digest(algo, utf8("A"));
        expect(toHex(ima, at, at + digest.length)).toBe(toHex(digest));
        expect(evm).toBe(false);
      }
      expect(() => rig.write("/mnt/b", "B")).not.toThrow();
    }),
    { numRuns: RUNS },
  );
});
