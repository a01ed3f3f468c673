/** The bytes of the simulated log in programs that were written for the real one: util-linux's dmesg, and dumps of real machines. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createKernel,
  KernelError,
  O_NONBLOCK,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_SIZE_BUFFER,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { formatKmsg, parseKmsg } from "./kmsgDump.js";
import { printkSyslog } from "./printkSyslog.js";

const SEEK_DATA = 3;
/** What dmesg asks for in one read. */
const DMESG_READ = 8191;
const text = (b: Uint8Array): string => Buffer.from(b).toString("latin1");

function busyLog() {
  const kernel = createKernel({ cmdline: "log_buf_len=256k" }).use(printkSyslog()).boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/proc/sys/kernel/printk_devkmsg", "on\n");
  const fd = sys.open("/dev/kmsg", 2 | O_NONBLOCK);
  for (let i = 0; i < 200; i++) {
    kernel.run("7ms");
    kernel.printk.printk(`\u0001${i % 8}unit ${i}: ${i % 3 === 0 ? "100% [done]\\" : "ok"}\n`);
    sys.write(fd, `<${8 + (i % 24)}>daemon[${i}]: tab\there${i % 5 === 0 ? "\nsecond line" : ""}\n`);
  }
  kernel.printk.devPrintk(
    4,
    { name: "eth0", driver: "e1000e", subsystem: "net", number: { type: "n", ifindex: 2 } },
    "link is up",
  );
  return { kernel, sys, fd };
}

/** The records as dmesg reads them: from the clear mark, EPIPE means again, EAGAIN means the end. */
function readAsDmesg(sys: ReturnType<typeof busyLog>["sys"]): string {
  const fd = sys.open("/dev/kmsg", O_NONBLOCK);
  expect(sys.lseek(fd, 0, SEEK_DATA)).toBe(0);
  let out = "";
  for (;;) {
    try {
      out += text(sys.read(fd, DMESG_READ));
    } catch (e) {
      if (!(e instanceof KernelError)) throw e;
      if (e.code === "EPIPE") continue;
      expect(e.code).toBe("EAGAIN");
      return out;
    }
  }
}

const dmesg = spawnSync("dmesg", ["--version"]).status === 0;
if (!dmesg) console.warn("SKIPPED: dmesg (util-linux) is not installed, its reading of our log is not tested");

describe.skipIf(!dmesg)("dmesg of util-linux", () => {
  it("reads what syslog(2) returns: every line, level, facility and time", () => {
    const { kernel, sys } = busyLog();
    const size = (sys.syslog(SYSLOG_ACTION_SIZE_BUFFER) as number) + 8;
    const all = sys.syslog(SYSLOG_ACTION_READ_ALL, new Uint8Array(size), size) as Uint8Array;
    const dir = mkdtempSync(join(tmpdir(), "kernelkit-dmesg-"));
    try {
      const file = join(dir, "log");
      writeFileSync(file, all);
      const out = execFileSync("dmesg", ["--file", file, "--decode", "--color=never"], { encoding: "latin1" });
      const lines = out.trimEnd().split("\n");
      const ours = text(all).trimEnd().split("\n");
      expect(lines).toHaveLength(ours.length);
      const facilities = ["kern", "user", "mail", "daemon"];
      const levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
      ours.forEach((line, i) => {
        const m = /^<(\d+)>(\[ *\d+\.\d{6}\]) (.*)$/.exec(line) as RegExpExecArray;
        const prio = Number(m[1]);
        // dmesg shows a control byte as it came in this format, but for the tab
        const rest = m[3].replace("\t", "\\x09");
        const wanted = `${facilities[prio >> 3].padEnd(6)}:${levels[prio & 7].padEnd(6)}: ${m[2]} ${rest}`;
        expect(lines[i].replace("\t", "\\x09")).toBe(wanted);
      });
      expect(kernel.printk.dmesg().trimEnd().split("\n")).toHaveLength(ours.length);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("the read sequence of dmesg", () => {
  it("gets every record once, and after a clear only the new ones", () => {
    const { kernel, sys } = busyLog();
    const records = parseKmsg(readAsDmesg(sys));
    const { ring } = kernel.printk.log.init;
    expect(records.map((r) => r.seq)).toEqual(
      Array.from({ length: ring.nextSeq - ring.firstSeq }, (_, i) => ring.firstSeq + i),
    );
    sys.syslog(5);
    expect(readAsDmesg(sys)).toBe("");
    kernel.printk.printk("\u00016new\n");
    expect(parseKmsg(readAsDmesg(sys)).map((r) => r.text)).toEqual(["new"]);
  });
});

describe("a dump of /dev/kmsg", () => {
  it("of a real machine goes in and comes out byte for byte", () => {
    const dump = readFileSync(new URL("../testdata/kmsg-6.18.txt", import.meta.url), "latin1");
    const records = parseKmsg(dump);
    expect(records.length).toBe(12);
    expect(records.some((r) => r.dictionary.DEVICE === "+acpi:PNP0A08:00")).toBe(true);
    expect(records.at(-2)?.text).toBe("tab\there, back\\slash, two\nlines, \u00c3\u00a9");
    expect(formatKmsg(records)).toBe(dump);
  });

  it("of our own, with callers, does too", () => {
    const { sys } = busyLog();
    const dump = readAsDmesg(sys);
    expect(formatKmsg(parseKmsg(dump))).toBe(dump);
    const kernel = createKernel()
      .use(printkSyslog({ printkCaller: true }))
      .boot();
    const own = readAsDmesg(kernel.sys(kernel.init));
    expect(parseKmsg(own)[0].extra).toEqual(["caller=T0"]);
    expect(formatKmsg(parseKmsg(own))).toBe(own);
  });

  it("with something else in it names the line", () => {
    expect(() => parseKmsg("6,1,2,-;fine\nnonsense\n")).toThrow(/kmsg, line 2: not a record: "nonsense"/);
    expect(() => parseKmsg(" KEY=1\n")).toThrow(/kmsg, line 1: a key without a record/);
  });
});
