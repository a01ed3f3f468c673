import { O_RDONLY, O_RDWR, O_WRONLY } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { signV2 } from "../digsig/digsigVerify.js";
import { profileDebian61 } from "../profile.js";
import { attempt, DISK_UUID, Rig, type RigOptions } from "../stories/rig.js";

const POLICY = "/sys/kernel/security/ima/policy";
const old = { profile: "debian-6.1" } as const;
const appendable = { profile: { ...profileDebian61, writePolicy: true, readPolicy: true } };
const RULE = `measure func=FILE_CHECK mask=MAY_READ fsuuid=${DISK_UUID}\n`;

/** Writes each text to the policy file in one session: what the writes returned. */
function session(rig: Rig, ...texts: string[]): (number | string)[] {
  const fd = rig.sys.open(POLICY, O_WRONLY);
  const got = texts.map((text) => {
    let n = -1;
    const e = attempt(() => {
      n = rig.sys.write(fd, utf8(text));
    });
    return e === "ok" ? n : e;
  });
  rig.sys.close(fd);
  return got;
}

const policyLog = (rig: Rig): string[] => rig.takeLog().filter((l) => l.startsWith("ima: "));

describe("the policy file", () => {
  it("takes a rule a write and goes away when a good policy is in force", () => {
    const rig = new Rig({ integrity: old });
    expect(session(rig, "# mine\n", RULE)).toEqual([7, RULE.length]);
    expect(policyLog(rig)).toEqual(["ima: policy update completed"]);
    expect(rig.open(POLICY, O_WRONLY)).toBe("ENOENT");
    rig.write("/mnt/a", "a");
    rig.open("/mnt/a");
    expect(rig.newLines().length).toBe(1);
  });

  it("forgets a whole session for one bad rule, and stays for another try", () => {
    const rig = new Rig({ integrity: old });
    expect(session(rig, RULE, "bogus\n", RULE)).toEqual([RULE.length, "EINVAL", RULE.length]);
    expect(policyLog(rig)).toEqual(["ima: policy update failed"]);
    rig.write("/mnt/a", "a");
    rig.open("/mnt/a");
    expect(rig.newLines()).toEqual([]);
    expect(session(rig, RULE)).toEqual([RULE.length]);
  });

  it("reads one line of a write: the length up to its end comes back", () => {
    const rig = new Rig({ integrity: old });
    const two = session(rig, "measure func=FILE_CHECK\nmeasure func=BPRM_CHECK\n", "", "\n\n", "x");
    expect(two).toEqual([24, 1, 1, "EINVAL"]);
  });

  it("fails for a session without a rule", () => {
    const rig = new Rig({ integrity: old });
    session(rig, "# nothing\n");
    expect(policyLog(rig)).toEqual(["ima: policy update failed"]);
  });

  it("is for one administrator at a time, and for writing only", () => {
    const rig = new Rig({ integrity: old });
    const fd = rig.sys.open(POLICY, O_WRONLY);
    expect(rig.open(POLICY, O_WRONLY)).toBe("EBUSY");
    rig.sys.close(fd);
    for (const flags of [O_RDONLY, O_RDWR]) expect(rig.open(POLICY, flags)).toBe("EACCES");
    expect(attempt(() => rig.user(1).open(POLICY, O_WRONLY))).toBe("EACCES");
    // Only the file's mode stands in the way: no capability is asked for.
    const user = rig.user(0);
    user.capset({ effective: [], permitted: [], inheritable: [] });
    user.close(user.open(POLICY, O_WRONLY));
  });

  it("with CONFIG_IMA_WRITE_POLICY takes rules again and again, and with IMA_READ_POLICY shows them", () => {
    const rig = new Rig({ integrity: appendable });
    session(rig, RULE);
    session(rig, "audit func=BPRM_CHECK\n");
    expect(rig.read(POLICY)).toBe(
      `measure func=FILE_CHECK mask=MAY_READ fsuuid=${DISK_UUID} \naudit func=BPRM_CHECK \n`,
    );
    expect(rig.api.policy()).toBe(rig.read(POLICY));
  });

  it("takes the place of the builtin policy, and leaves what was measured in the list and in the caches", () => {
    const rig = new Rig({ cmdline: "ima_policy=tcb", integrity: old });
    rig.write("/mnt/a", "a");
    rig.open("/mnt/a");
    rig.newLines();
    rig.api.loadPolicy(RULE);
    rig.open("/mnt/a");
    rig.open("/proc/version");
    expect(rig.newLines()).toEqual([]);
  });

  it("loads a file named by its absolute path, measured before it is in force", () => {
    const rig = new Rig({ cmdline: "ima_policy=tcb", integrity: old });
    rig.write("/mnt/policy", `# from a file\n${RULE}audit func=BPRM_CHECK\n`);
    expect(session(rig, "/mnt/nothing\n")).toEqual(["ENOENT"]);
    expect(session(rig, "/mnt/policy\n")).toEqual([12]);
    expect(rig.newLines().map((l) => l.split(" ")[4])).toEqual(["/mnt/policy"]);
    expect(rig.open(POLICY, O_WRONLY)).toBe("ENOENT");
  });

  it("under the policy secure_boot takes a signed file only", () => {
    const key = ecKeyFromSeed("vendor", nobleCrypto);
    const certificate = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
    const o: RigOptions = { cmdline: "ima_policy=secure_boot", integrity: { ...old, keys: { ima: [certificate] } } };
    const rig = new Rig(o);
    expect(session(rig, RULE)).toEqual(["EACCES"]);
    expect(policyLog(rig)).toEqual([
      "ima: signed policy file (specified as an absolute pathname) required",
      "ima: policy update failed",
    ]);
    rig.write("/mnt/policy", RULE);
    expect(session(rig, "/mnt/policy\n")).toEqual(["EACCES"]);
    const digest = nobleCrypto.digest(HASH_ALGO_SHA256, utf8(RULE));
    rig.sys.setxattr("/mnt/policy", "security.ima", signV2(key, HASH_ALGO_SHA256, digest, nobleCrypto));
    expect(session(rig, "/mnt/policy\n")).toEqual([12]);
  });
});

describe("buffers", () => {
  it("are measured with the name of what they are: keys that came before the policy when it comes, later ones at once", () => {
    const a = makeCertificate({ key: ecKeyFromSeed("a", nobleCrypto), commonName: "a", crypto: nobleCrypto });
    const b = makeCertificate({ key: ecKeyFromSeed("b", nobleCrypto), commonName: "b", crypto: nobleCrypto });
    const rig = new Rig({ integrity: { keys: { builtin: [a] } } });
    rig.api.loadPolicy("measure func=KEY_CHECK keyrings=.builtin_trusted_keys|.ima\n");
    rig.api.addKey(".ima", b, true);
    rig.api.addKey(".platform", b, true);
    const lines = rig.newLines().map((l) => l.split(" "));
    expect(lines.map((l) => [l[2], l[4]])).toEqual([
      ["ima-buf", ".builtin_trusted_keys"],
      ["ima-buf", ".ima"],
    ]);
    expect(lines[1][5]).toBe(Buffer.from(b).toString("hex"));
  });

  it("of critical data are measured by label, also as their digest, once", () => {
    const rig = new Rig({});
    rig.api.loadPolicy("measure func=CRITICAL_DATA label=selinux\n");
    expect(rig.api.measureCriticalData("selinux", "policy", utf8("state"))).toBe(0);
    expect(rig.api.measureCriticalData("selinux", "policy", utf8("state"))).toBe(-17);
    expect(rig.api.measureCriticalData("selinux", "policy", utf8("state"), true)).toBe(0);
    expect(rig.api.measureCriticalData("dm", "table", utf8("state"))).toBe(-2);
    expect(rig.newLines().map((l) => l.split(" ")[5]?.length)).toEqual([10, 64]);
  });
});

it("a trusted keyring takes certificates only that a builtin key has signed", () => {
  const ca = { key: ecKeyFromSeed("ca", nobleCrypto), commonName: "ca", ca: true, crypto: nobleCrypto };
  const root = makeCertificate(ca);
  const good = makeCertificate({
    key: ecKeyFromSeed("x", nobleCrypto),
    commonName: "x",
    issuer: ca,
    crypto: nobleCrypto,
  });
  const stray = makeCertificate({ key: ecKeyFromSeed("y", nobleCrypto), commonName: "y", crypto: nobleCrypto });
  const rig = new Rig({ integrity: { keys: { builtin: [root] } } });
  expect(rig.api.addKey(".ima", good)).toBe(0);
  expect(rig.api.addKey(".ima", stray)).toBe(-126);
  expect(rig.api.addKey(".ima", utf8("no certificate"))).toBe(-74);
  expect(rig.api.keys("ima").length).toBe(1);
  // Kernels without trusted keyrings take any.
  expect(new Rig({ integrity: old }).api.addKey(".ima", stray)).toBe(0);
});
