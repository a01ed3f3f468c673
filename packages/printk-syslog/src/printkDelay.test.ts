import { type CoreSys, createKernel, type Program, program } from "@kernelkit/core";
import { expect, it } from "vitest";
import { printkSyslog } from "./printkSyslog.js";

it("printk_delay keeps the CPU busy for so many milliseconds with each message", () => {
  const kernel = createKernel({ machine: { cpus: 1 } })
    .use(printkSyslog())
    .boot();
  const done: number[] = [];
  const writer = program("writer", function* (sys: Program<CoreSys>, s: { fd: number }) {
    for (let i = 0; i < 3; i++) {
      yield* sys.write(s.fd, "a line\n");
      yield* sys.compute(1000);
      const now = yield* sys.clock_gettime(1);
      done.push(now.sec * 1000 + Math.floor(now.nsec / 1e6));
    }
  });
  const sys = kernel.sys(kernel.init);
  const fd = sys.open("/dev/kmsg", 1);
  sys.writeFile("/proc/sys/kernel/printk_delay", "100");
  expect(() => sys.writeFile("/proc/sys/kernel/printk_delay", "10001")).toThrow("EINVAL");
  kernel.spawn(writer, { fd }, kernel.init);
  kernel.run("1s");
  expect(done).toHaveLength(3);
  expect(done[1] - done[0]).toBe(100);
  expect(done[2] - done[1]).toBe(100);
});
