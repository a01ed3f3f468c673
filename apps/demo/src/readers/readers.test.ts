import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseKmsg } from "@kernelkit/printk-syslog";
import { describe, expect, it } from "vitest";
import { bootKernel } from "../kernel.js";
import { machineOption } from "../machineOption.js";
import { dmesgText } from "../shell/commands/log.js";
import { imaShow, imaVerify, readPcrs } from "./ima.js";
import { interruptsText, kmsgText } from "./logs.js";
import { printable } from "./printable.js";

const data = (name: string): string =>
  fileURLToPath(new URL(`../../../../packages/integrity/testdata/${name}`, import.meta.url));

describe("measurement lists of real machines", () => {
  it("are shown as the kernel's ascii form, and as JSON", () => {
    expect(imaShow(data("list-tcb.bin"), false)).toBe(readFileSync(data("list-tcb.ascii"), "utf8"));
    const entries = JSON.parse(imaShow(data("list-tcb.bin"), true)) as { pcr: number; path: string }[];
    expect(entries[0]).toMatchObject({ pcr: 10, path: "boot_aggregate" });
  });

  it("verify against registers, and do not against others", () => {
    const good = imaVerify(data("list-tcb.bin"), { pcrs: data("list-tcb.pcrs.json"), json: false });
    expect(good.ok).toBe(true);
    expect(good.text).toMatch(/the registers fit the list\nverified\n$/);
    const bad = imaVerify(data("list-tcb.bin"), { pcrs: data("list-ima.pcrs.json"), json: true });
    expect(bad.ok).toBe(false);
    expect(JSON.parse(bad.text)).toMatchObject({ failure: { kind: "pcr-mismatch" } });
  });

  it("take registers as tpm2_pcrread prints them, and as plain lines", () => {
    const hex = "ab".repeat(20);
    expect(readPcrs(`  sha1:\n    10: 0x${hex.toUpperCase()}\n  sha256:\n`)).toEqual({ sha1: { "10": hex } });
    expect(readPcrs(`sha1 10 ${hex}\nsha1 11 ${hex}\n`)).toEqual({ sha1: { "10": hex, "11": hex } });
  });
});

describe("copies of the kernel log and of /proc/interrupts", () => {
  it("reads records with their keys, and tells what is missing", () => {
    const records = parseKmsg("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n30,341,5690716,-;a\\x09b\n");
    expect(records[0]).toMatchObject({ facility: 0, level: 6, seq: 339, dictionary: { SUBSYSTEM: "net" } });
    expect(records[1]).toMatchObject({ facility: 3, level: 6, text: "a\tb" });
    expect(kmsgText(records)).toBe(
      "[    5.140900] NET: Registered\n... 1 records are missing ...\n[    5.690716] a\tb\n",
    );
    expect(() => parseKmsg("nonsense\n")).toThrow(/line 1: not a record/);
  });

  it("shows letters of every script, and escapes what is none as dmesg does", () => {
    const kernel = bootKernel({ machine: { cpus: 1, memory: "128M" } });
    const sys = kernel.sys(kernel.init);
    sys.writeFile("/dev/kmsg", "<6>h\u00e9llo \u4e16\u754c \u001b[1m\n");
    sys.writeFile("/dev/kmsg", Uint8Array.from([0x3c, 0x36, 0x3e, 0xff, 0xc3, 0x28, 0x0a]));
    const shown = dmesgText({ sys });
    expect(shown).toContain("] h\u00e9llo \u4e16\u754c \\x1b[1m\n");
    expect(shown).toContain("] \\xff\\xc3(\n");
    expect(printable("caf\u00c3\u00a9")).toBe("caf\u00e9");
    expect(printable("\u4e16")).toBe("\u4e16");
  });

  it("reads what the kernel here writes", () => {
    const kernel = bootKernel({ machine: { cpus: 2 } });
    const sys = kernel.sys(kernel.init);
    expect(dmesgText({ sys })).toContain("Linux version");
    kernel.run("1s");
    const shown = JSON.parse(interruptsText(sys.readText("/proc/interrupts"), true)) as {
      cpus: number[];
      rows: { irq: string }[];
    };
    expect(shown.cpus).toEqual([0, 1]);
    expect(shown.rows.map((r) => r.irq)).toContain("LOC");
  });
});

describe("--machine", () => {
  it("takes CPUs, nodes and memory in any order, and names what it does not know", () => {
    expect(machineOption("4cpu,2node,8G")).toEqual({ cpus: 4, nodes: 2, memory: "8G" });
    expect(machineOption("512MiB, 1 cpu, 1000hz")).toEqual({ memory: "512M", cpus: 1, hz: 1000 });
    expect(() => machineOption("4cpu,fast")).toThrow(/'fast'; allowed are/);
    expect(() => machineOption("4cpu,2cpus")).toThrow(/given twice/);
  });
});
