import { O_APPEND, O_DIRECT, O_RDONLY, O_RDWR, O_WRONLY } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { attempt, DISK_UUID, Rig } from "../stories/rig.js";

const TCB = "ima_policy=tcb";
const old = { profile: "debian-6.1" } as const;

/** Path and first digits of the file digest of each new entry. */
const short = (rig: Rig): string[] =>
  rig.newLines().map((l) => {
    const [, , , digest, path] = l.split(" ");
    return `${path} ${digest.split(":")[1]?.slice(0, 8)}`;
  });

const ZERO = "00000000";

describe("IMA measurement", () => {
  it("puts hash and name of what root reads into the list, once", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/a1", "hello\n");
    rig.open("/mnt/a1");
    rig.open("/mnt/a1");
    expect(rig.newLines()).toEqual([
      "10 46fd55e63c0d9a6ffa71fb77f9de1a1771d62d6f ima-sig sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 /mnt/a1 ",
    ]);
    expect(rig.read("/sys/kernel/security/ima/runtime_measurements_count")).toBe("2\n");
  });

  it("does nothing without a policy but for the first entry", () => {
    const rig = new Rig({ integrity: old });
    rig.write("/mnt/a", "x");
    rig.open("/mnt/a");
    expect(rig.lines().map((l) => l.split(" ")[4])).toEqual(["boot_aggregate"]);
  });

  it("measures a changed file again when the last writer has closed, and known content never again", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    for (const text of ["A", "B", "A"]) {
      rig.write("/mnt/f", text);
      rig.open("/mnt/f");
    }
    expect(short(rig)).toEqual(["/mnt/f 559aead0", "/mnt/f df7e70e5"]);
  });

  it("does not measure again for a rename, a second link, another mode, or a writer that wrote nothing", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/f", "A");
    rig.open("/mnt/f");
    rig.newLines();
    rig.sys.rename("/mnt/f", "/mnt/g");
    rig.sys.link("/mnt/g", "/mnt/h");
    rig.sys.chmod("/mnt/h", 0o600);
    rig.open("/mnt/g");
    rig.write("/mnt/w", "W");
    rig.open("/mnt/w");
    rig.newLines();
    rig.open("/mnt/w", O_WRONLY);
    rig.open("/mnt/w");
    expect(rig.newLines()).toEqual([]);
  });

  it("keeps a stale digest after truncate(2), which opens nothing", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/f", "ABC");
    rig.open("/mnt/f");
    rig.newLines();
    rig.sys.truncate("/mnt/f", 1);
    rig.open("/mnt/f");
    expect(rig.newLines()).toEqual([]);
    rig.open("/mnt/f", O_WRONLY);
    rig.open("/mnt/f");
    expect(short(rig)).toEqual(["/mnt/f 559aead0"]);
  });

  it("does not look at tmpfs under tcb, nor at what users read, but at what users execute", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/t", "x");
    rig.open("/t");
    rig.write("/mnt/u", "x");
    rig.user(1000).open("/mnt/u", O_RDONLY);
    expect(rig.newLines()).toEqual([]);
  });

  it("looks at the effective user too, and under the legacy policy only at the real one reading only", () => {
    for (const [policy, count] of [
      ["ima_policy=tcb", 2],
      ["ima_tcb", 1],
    ] as const) {
      const rig = new Rig({ cmdline: policy, integrity: old });
      rig.write("/mnt/a", "a");
      rig.write("/mnt/b", "b");
      rig.open("/mnt/a");
      rig.open("/mnt/b", O_RDWR);
      expect(rig.newLines().length, policy).toBe(count);
    }
  });

  it("adds an entry of zeros for a file opened past the page cache", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/d", "x");
    expect(rig.open("/mnt/d", O_RDONLY | O_DIRECT)).toBe("ok");
    expect(short(rig)).toEqual([`/mnt/d ${ZERO}`]);
    expect(rig.causes()).toEqual(["collect_data failed(directio)"]);
  });

  it("measures once per register when rules name registers and templates of their own", () => {
    const rig = new Rig({ integrity: old });
    rig.write("/mnt/a", "1");
    rig.api.loadPolicy(
      `measure func=FILE_CHECK mask=MAY_READ pcr=11 template=ima-ng fsuuid=${DISK_UUID}\n`,
      `measure func=MMAP_CHECK mask=MAY_EXEC pcr=12 fsuuid=${DISK_UUID}\n`,
    );
    const before = rig.api.pcrRead("sha256", 11);
    const fd = rig.sys.open("/mnt/a", O_RDONLY);
    rig.sys.mmap(0, 1, 5, 2, fd, 0);
    expect(
      rig.newLines().map((l) =>
        l
          .split(" ")
          .slice(0, 3)
          .join(" ")
          .replace(/ [0-9a-f]{40}/, ""),
      ),
    ).toEqual(["11 ima-ng", "12 ima-sig"]);
    expect(rig.api.pcrRead("sha256", 11)).not.toBe(before);
  });

  it("turns blanks in names to underscores before they are hashed", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/c 2 x", "c");
    rig.open("/mnt/c 2 x");
    expect(rig.newLines()[0]).toContain(" /mnt/c_2_x ");
  });

  it("extends every bank, those whose hash the kernel lacks by padded SHA-1", () => {
    const rig = new Rig({ cmdline: TCB, integrity: { ...old, tpm: { banks: ["sha1", "sha256", "sha512"] } } });
    rig.write("/mnt/a", "a");
    rig.open("/mnt/a");
    const last = rig.api.measurements().at(-1);
    const wide = rig.api.binaryMeasurements("sha512");
    const sha1 = last?.templateHash ?? new Uint8Array(0);
    const at = wide.length - (rig.api.binaryMeasurements().length - (last?.offset ?? 0)) - 44 + 4;
    expect(wide.slice(at, at + 20)).toEqual(sha1);
    expect(wide.slice(at + 20, at + 64).every((b) => b === 0)).toBe(true);
  });
});

describe("violations", () => {
  it("are recorded when a writer opens what somebody has open and measured", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/v", "v");
    rig.sys.open("/mnt/v", O_RDONLY);
    rig.newLines();
    rig.open("/mnt/v", O_WRONLY | O_APPEND);
    rig.open("/mnt/v", O_WRONLY);
    expect(short(rig)).toEqual([`/mnt/v ${ZERO}`, `/mnt/v ${ZERO}`]);
    expect(rig.read("/sys/kernel/security/ima/violations")).toBe("2\n");
    expect(rig.causes()).toEqual(["invalid_pcr ToMToU", "invalid_pcr ToMToU"]);
  });

  it("are recorded when somebody reads what is open for writing, before its own entry", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/v", "v");
    rig.sys.open("/mnt/v", O_WRONLY);
    rig.open("/mnt/v");
    rig.open("/mnt/v");
    expect(short(rig)).toEqual([`/mnt/v ${ZERO}`, "/mnt/v 4c94485e", `/mnt/v ${ZERO}`]);
  });

  it("are none between opens for reading and writing, which count as writers", () => {
    const rig = new Rig({ cmdline: TCB, integrity: old });
    rig.write("/mnt/v", "v");
    rig.sys.open("/mnt/v", O_RDWR);
    rig.open("/mnt/v", O_RDWR);
    expect(rig.api.state.list.violations).toBe(0);
  });

  it("are once per open writer and once per measured reader since 6.15", () => {
    const rig = new Rig({ cmdline: TCB });
    rig.write("/mnt/v", "v");
    const w = rig.sys.open("/mnt/v", O_WRONLY);
    rig.open("/mnt/v");
    rig.open("/mnt/v");
    expect(rig.api.state.list.violations).toBe(1);
    rig.sys.close(w);
    const r = rig.sys.open("/mnt/v", O_RDONLY);
    rig.open("/mnt/v", O_WRONLY);
    rig.open("/mnt/v", O_WRONLY);
    expect(rig.api.state.list.violations).toBe(2);
    rig.sys.close(r);
  });

  it("extend the default register by ones, also when the rule names another", () => {
    const rig = new Rig({ integrity: old });
    rig.write("/mnt/v", "v");
    rig.api.loadPolicy(`measure func=FILE_CHECK mask=MAY_READ pcr=11 fsuuid=${DISK_UUID}\n`);
    rig.sys.open("/mnt/v", O_WRONLY);
    rig.open("/mnt/v");
    expect(rig.newLines().map((l) => l.slice(0, 2))).toEqual(["10", "11"]);
  });
});

describe("boot parameters", () => {
  const log = (cmdline: string): string[] => {
    const seen: string[] = [];
    const rig = new Rig({ cmdline, integrity: old });
    for (const line of rig.kernel.core.takeEarlyLog()) if (line.text.startsWith("ima:")) seen.push(line.text);
    return seen;
  };

  it("say what is wrong with them and go on", () => {
    expect(log("ima_template=bogus")).toEqual(["ima: template bogus not found, using ima-sig"]);
    expect(log("ima_template_fmt=d-ng|bogus")).toEqual([
      "ima: field 'bogus' not found",
      "ima: format string 'd-ng|bogus' not valid, using template ima-sig",
    ]);
    expect(log("ima_hash=foo")).toEqual(['ima: invalid hash algorithm "foo"']);
    expect(log("ima_policy=tcb|nonsense")).toEqual(['ima: policy "nonsense" not found']);
    // Once for the parameter, once for the built-in default.
    const bad = 'ima: invalid hash algorithm "sha256" for template "ima"';
    expect(log("ima_template=ima ima_hash=sha256")).toEqual([bad, bad]);
  });

  it("without a TPM start the list with zeros", () => {
    const rig = new Rig({ cmdline: TCB, integrity: { ...old, tpm: "none" } });
    expect(rig.lines()[0]).toMatch(/sha256:0{64} boot_aggregate $/);
    expect(attempt(() => rig.sys.stat("/sys/class/tpm"))).toBe("ENOENT");
  });

  it("ima_hash= and ima_template_fmt= decide what an entry holds", () => {
    const rig = new Rig({
      cmdline: "ima_policy=tcb ima_template_fmt=d-ng|n-ng|iuid|imode ima_hash=sha1",
      integrity: old,
    });
    rig.write("/mnt/f", "x");
    rig.sys.chown("/mnt/f", 7, 8);
    rig.open("/mnt/f");
    expect(rig.newLines()[0]).toMatch(/^10 [0-9a-f]{40} d-ng\|n-ng\|iuid\|imode sha1:[0-9a-f]{40} \/mnt\/f 7 33188$/);
  });
});

it("6.18 shows the list once per bank", () => {
  const rig = new Rig({ cmdline: TCB });
  rig.write("/mnt/a", "a");
  rig.open("/mnt/a");
  const dir = "/sys/kernel/security/integrity/ima";
  expect(rig.read(`${dir}/ascii_runtime_measurements_sha256`)).toMatch(/^10 [0-9a-f]{64} /);
  expect(rig.read(`${dir}/ascii_runtime_measurements`)).toBe(rig.read(`${dir}/ascii_runtime_measurements_sha1`));
  expect(rig.sys.readlink(`${dir}/binary_runtime_measurements`)).toBe("binary_runtime_measurements_sha1");
  expect(attempt(() => rig.user(1).open(`${dir}/ascii_runtime_measurements`, O_RDONLY))).toBe("EACCES");
  expect(rig.read("/sys/class/tpm/tpm0/pcr-sha256/10")).toBe(`${rig.api.pcrRead("sha256", 10).toUpperCase()}\n`);
});
