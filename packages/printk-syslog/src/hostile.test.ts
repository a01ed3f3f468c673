/** Whatever a program hands to the log's calls and files: a documented errno comes back, and nothing else happens. */
import { createKernel, KernelError, O_NONBLOCK, O_RDWR } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { printkSyslog } from "./printkSyslog.js";

vi.setConfig({ testTimeout: 120_000 });
const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const CALLS = 50;
/** syslog(2), read(2), write(2), lseek(2) on these files, and of the sysctls. */
const DOCUMENTED = ["EPERM", "EINVAL", "EFAULT", "EAGAIN", "EPIPE", "ESPIPE", "EBADF", "EIO"];
const SYSCTLS = [
  "printk",
  "printk_devkmsg",
  "printk_delay",
  "printk_ratelimit",
  "printk_ratelimit_burst",
  "dmesg_restrict",
  "tainted",
].map((name) => `/proc/sys/kernel/${name}`);
const PARAMETERS = ["time", "ignore_loglevel", "console_suspend"].map((n) => `/sys/module/printk/parameters/${n}`);

function machine() {
  const kernel = createKernel().use(printkSyslog()).boot();
  const sys = kernel.sys(kernel.init);
  const { log, trouble } = kernel.printk;
  return {
    kernel,
    sys,
    /** All that a call could change. */
    state: (): string => {
      const { ring, clearSeq, syslogSeq, syslogPartial, savedConsoleLevel } = log.init;
      const settings = [log.levels, log.devkmsg, log.dmesgRestrict, log.delayMs, log.time, log.ignoreLoglevel];
      const limits = [log.consoleSuspend, log.rsPrintk.interval, log.rsPrintk.burst, trouble.taint];
      return JSON.stringify([ring.headSeq, clearSeq, syslogSeq, syslogPartial, savedConsoleLevel, settings, limits]);
    },
  };
}

const number = fc.oneof(
  fc.integer({ min: -3, max: 14 }),
  fc.integer(),
  fc.constantFrom(0, -1, 2 ** 31, 2 ** 32 + 3, 2 ** 53, 1.5, Number.NaN),
);
const words = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom(
    "",
    "\n",
    "on",
    "on\n",
    "-1\n",
    "1e9\n",
    "0x40",
    "99999999999999999999\n",
    "1 2 3 4 5\n",
    "Y\n",
    "\0",
  ),
);

describe("bad input", () => {
  it("to syslog(2) ends with a documented errno, and changes nothing when it does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, fc.constantFrom("buf", "null", "bad"), number), { maxLength: CALLS }),
        (calls) => {
          const { sys, state } = machine();
          for (const [type, what, len] of calls) {
            // an action that sleeps for a record would wait for ever
            if ((type | 0) === 2 && sys.syslog(9) === 0) continue;
            const before = state();
            const size = Math.min(Math.max(len | 0, 0), 1 << 16);
            const buf = what === "buf" ? new Uint8Array(size) : what === "null" ? null : ("bad" as never);
            try {
              sys.syslog(type, buf, what === "buf" ? Math.min(len, size) : len);
            } catch (e) {
              expect(e).toBeInstanceOf(KernelError);
              expect(DOCUMENTED).toContain((e as KernelError).code);
              expect(state()).toBe(before);
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("to the sysctls and parameters ends with EINVAL, and changes nothing when it does", () => {
    const file = fc.constantFrom(...SYSCTLS, ...PARAMETERS);
    fc.assert(
      fc.property(fc.array(fc.tuple(file, words), { maxLength: CALLS }), (writes) => {
        const { sys, state } = machine();
        for (const [path, value] of writes) {
          const before = state();
          try {
            sys.writeFile(path, value);
          } catch (e) {
            expect(e).toBeInstanceOf(KernelError);
            expect((e as KernelError).code).toBe("EINVAL");
            expect(state()).toBe(before);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("to /dev/kmsg and /proc/kmsg ends with a documented errno", () => {
    const op = fc.constantFrom("read", "write", "lseek");
    fc.assert(
      fc.property(fc.array(fc.tuple(op, fc.boolean(), number, words), { maxLength: CALLS }), (ops) => {
        const { sys } = machine();
        const fds = ["/dev/kmsg", "/proc/kmsg"].map((path) => sys.open(path, O_RDWR | O_NONBLOCK));
        for (const [what, kmsg, n, value] of ops) {
          const fd = fds[kmsg ? 0 : 1];
          try {
            if (what === "read") sys.read(fd, Math.min(Math.abs(n | 0), 1 << 16));
            else if (what === "write") sys.write(fd, value.repeat(Math.abs(n | 0) % 400));
            else sys.lseek(fd, n | 0, (n | 0) & 7);
          } catch (e) {
            expect(e).toBeInstanceOf(KernelError);
            expect(DOCUMENTED).toContain((e as KernelError).code);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("in a flood of a million records costs no more memory than one ring", () => {
    const { kernel } = machine();
    const { ring } = kernel.printk.log.init;
    const size = ring.text.length;
    for (let i = 0; i < 1e6; i++) kernel.printk.printk("\u00016flood\n");
    expect(ring.text.length).toBe(size);
    expect(ring.usedBytes).toBeLessThanOrEqual(ring.size);
    expect(ring.nextSeq - ring.firstSeq).toBeLessThanOrEqual(ring.nDescs);
    expect(ring.dict.size).toBeLessThanOrEqual(ring.nDescs);
  });
});
