import { createKernel } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { printkSyslog } from "./printkSyslog.js";
import { printTainted, printTaintedVerbose } from "./taint.js";

const file = "/proc/sys/kernel/tainted";

describe("taint", () => {
  it("is shown by position: a letter where set, G or a blank where not", () => {
    expect(printTainted(0)).toBe("Not tainted");
    expect(printTainted((1 << 6) | (1 << 9) | (1 << 12) | (1 << 13))).toMatch(/^Tainted: G {5}U {2}W {2}OE {5}/);
    expect(printTainted(1)).toMatch(/^Tainted: P/);
    expect(printTaintedVerbose(0)).toBe("");
    expect(printTaintedVerbose((1 << 6) | (1 << 9))).toBe("Tainted: [U]=USER, [W]=WARN");
  });

  it("is added to by writing a number, ignores unknown bits and is cleared by nothing", () => {
    const kernel = createKernel().use(printkSyslog()).boot();
    const sys = kernel.sys(kernel.init);
    sys.writeFile(file, "64");
    sys.writeFile(file, "0x8000000001");
    sys.writeFile(file, "0\n");
    expect(new TextDecoder().decode(sys.readFile(file))).toBe("65\n");
    expect(() => sys.writeFile(file, "-1")).toThrow("EINVAL");
    expect(() => sys.writeFile(file, "much")).toThrow("EINVAL");
  });

  it("of user space with a bit of panic_on_taint panics, once, with the bit in the header", () => {
    const kernel = createKernel({ cmdline: "panic_on_taint=0x40" }).use(printkSyslog()).boot();
    kernel.sys(kernel.init).writeFile(file, "64");
    expect(kernel.printk.trouble.panicked).toBe(true);
    expect(kernel.printk.dmesg()).toMatch(/Kernel panic - not syncing: panic_on_taint set \.\.\.\n.*Tainted: G {5}U/);
  });

  it("of user space is refused with nousertaint, and nothing is set", () => {
    const kernel = createKernel({ cmdline: "panic_on_taint=0x40,nousertaint" }).use(printkSyslog()).boot();
    expect(() => kernel.sys(kernel.init).writeFile(file, "65")).toThrow("EINVAL");
    expect(kernel.printk.trouble.taint).toBe(0);
  });

  it("by an oops is not yet in the header of that oops", () => {
    const kernel = createKernel().use(printkSyslog()).boot();
    kernel.printk.trouble.oops("kernel NULL pointer dereference");
    expect(kernel.printk.dmesg()).toContain("Not tainted");
    expect(kernel.printk.trouble.taint).toBe(1 << 7);
  });
});
