/** Random writers and readers: what must hold of the log holds after every step. The numbers are those of the list in the README. */
import { createKernel, KernelError, O_NONBLOCK, O_RDWR } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CON_ENABLED } from "./console.js";
import { printkSyslog } from "./printkSyslog.js";
import { syslogText } from "./recordText.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const STEPS = 100;
const TASKS = 3;
const SIZES = [0, 1, 30, 100, 1000, 8192];

const errnoOf = (f: () => void): string => {
  try {
    f();
    return "";
  } catch (e) {
    if (!(e instanceof KernelError)) throw e;
    return e.code;
  }
};
const latin1 = (b: Uint8Array): string => Array.from(b, (x) => String.fromCharCode(x)).join("");
const unescaped = (s: string): string =>
  s.replace(/\\x([0-9a-f]{2})/g, (_, h: string) => String.fromCharCode(Number.parseInt(h, 16)));

const step = fc.record({
  op: fc.constantFrom(
    "write",
    "write",
    "flood",
    "printk",
    "cont",
    "kmsg",
    "kmsg",
    "seek",
    "readAll",
    "read",
    "clear",
    "taint",
    "level",
  ),
  who: fc.nat(TASKS - 1),
  text: fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("<3>x\n", "<>\n", "<99999999999>y", "<-1>z\n", "a\nb\n", "\0", "<8"),
  ),
  n: fc.nat(0xffff),
});

describe("the log, by random tasks", () => {
  it("keeps its invariants", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: STEPS, size: "max" }), (steps) => {
        const kernel = createKernel().use(printkSyslog()).boot();
        const { log, trouble } = kernel.printk;
        const { ring } = log.init;
        kernel.sys(kernel.init).writeFile("/proc/sys/kernel/printk_devkmsg", "on\n");
        let printed = "";
        kernel.printk.registerConsole("prop", CON_ENABLED, (text) => {
          printed += text;
        });
        let shouldPrint = "";
        let printedSeq = ring.nextSeq;
        printed = "";
        const tasks = Array.from({ length: TASKS }, () => kernel.init.fork());
        const fds = tasks.map((t) => kernel.sys(t).open("/dev/kmsg", O_RDWR | O_NONBLOCK));
        // where each reader must be, and whether an EPIPE is allowed to move it
        const at = tasks.map(() => 0);
        let taint = 0;
        for (const { op, who, text, n } of steps) {
          const sys = kernel.sys(tasks[who]);
          kernel.run(n);
          const size = SIZES[n % SIZES.length];
          switch (op) {
            case "write":
              errnoOf(() => sys.write(fds[who], new TextEncoder().encode(text)));
              break;
            case "flood":
              for (let i = 0; i < 20; i++) sys.write(fds[who], `${text.slice(0, 9)}${"f".repeat(n % 1000)}\n`);
              break;
            case "printk":
              kernel.printk.printk(`\u0001${n % 8}${text}\n`);
              break;
            case "cont":
              kernel.printk.printk(`\u0001c${text}`);
              break;
            case "seek":
              expect(sys.lseek(fds[who], 0, 0)).toBe(0);
              at[who] = ring.firstSeq;
              break;
            case "kmsg": {
              let got = new Uint8Array();
              const first = ring.firstSeq;
              const code = errnoOf(() => {
                got = sys.read(fds[who], size) as typeof got;
              });
              if (at[who] >= ring.nextSeq) expect(code).toBe("EAGAIN");
              else if (at[who] < first) {
                expect(code).toBe("EPIPE");
                at[who] = first;
              } else {
                const seq = at[who]++;
                if (code !== "") {
                  expect(code).toBe("EINVAL");
                  break;
                }
                const m = /^(\d+),(\d+),\d+,[-c];([\x20-\x7e]*)\n$/.exec(latin1(got));
                expect(m, latin1(got)).not.toBeNull();
                expect(Number(m?.[2])).toBe(seq);
                expect(unescaped(m?.[3] ?? "")).toBe(latin1(ring.bytes(seq)));
              }
              break;
            }
            case "readAll": {
              const all = latin1(kernel.sys(kernel.init).syslog(3, new Uint8Array(size), size) as Uint8Array);
              expect(all.length).toBeLessThanOrEqual(size);
              expect(all).toMatch(/^(<\d+>\[ *\d+\.\d{6}\] [^\n]*\n)*$/);
              break;
            }
            case "read": {
              const init = kernel.sys(kernel.init);
              const before = init.syslog(9) as number;
              let sum = 0;
              while (sum < before) sum += (init.syslog(2, new Uint8Array(50 + size), 50 + size) as Uint8Array).length;
              expect(init.syslog(9)).toBe(0);
              expect(sum).toBe(before);
              break;
            }
            case "clear": {
              const init = kernel.sys(kernel.init);
              init.syslog(n % 2 === 0 ? 5 : 4, new Uint8Array(1000), 1000);
              // nothing was logged since: READ_ALL has nothing to show
              expect((init.syslog(3, new Uint8Array(1000), 1000) as Uint8Array).length).toBe(0);
              break;
            }
            case "taint":
              errnoOf(() => sys.writeFile("/proc/sys/kernel/tainted", String(n)));
              expect(trouble.taint & taint).toBe(taint);
              taint = trouble.taint;
              break;
            case "level":
              sys.writeFile("/proc/sys/kernel/printk", String(n % 9));
              break;
          }
          expect(ring.usedBytes).toBeLessThanOrEqual(ring.size);
          expect(ring.headSeq - ring.firstSeq).toBeLessThanOrEqual(ring.nDescs);
          expect(ring.nextSeq).toBeGreaterThan(ring.firstSeq);
          for (printedSeq = Math.max(printedSeq, ring.firstSeq); printedSeq < ring.nextSeq; printedSeq++) {
            const i = ring.index(printedSeq);
            if (ring.level[i] < log.levels[0])
              shouldPrint += syslogText(ring, printedSeq, { prefix: false, time: true });
          }
          // a flood may push records out before the end of its step: what was printed of it is not in the ring any more
          if (op !== "flood") expect(printed).toBe(shouldPrint);
          printed = "";
          shouldPrint = "";
          if (op === "write" && ring.open === 1) expect(ring.facility[ring.index(ring.headSeq - 1)]).toBeGreaterThan(0);
        }
        expect(errnoOf(() => kernel.sys(tasks[0]).syslog(12))).toBe("EINVAL");
      }),
      { numRuns: RUNS },
    );
  });

  it("gives no write of user space the kernel's facility", () => {
    const kernel = createKernel().use(printkSyslog()).boot();
    const sys = kernel.sys(kernel.init);
    sys.writeFile("/proc/sys/kernel/printk_devkmsg", "on\n");
    const fd = sys.open("/dev/kmsg", O_RDWR);
    const { ring } = kernel.printk.log.init;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.nat().map((v) => `<${v}>t`),
        ),
        (text) => {
          const before = ring.headSeq;
          sys.write(fd, `${text}\n`);
          expect(ring.headSeq).toBe(before + 1);
          expect(ring.facility[ring.index(before)]).toBeGreaterThan(0);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
