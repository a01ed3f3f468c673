import { describe, expect, test } from "vitest";
import { KernelError } from "../abi/errors.js";
import { createKernel } from "../kernel/full.js";

const AT = 0x200000000;
const errno = (f: () => unknown): string => {
  try {
    f();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
};

describe("vmsplice", () => {
  const rig = () => {
    const kernel = createKernel({ machine: { memory: "64M" } }).boot();
    const sys = kernel.sys(kernel.init);
    sys.mmap(AT, 8192, 3, 0x32);
    sys.store(AT, "first bytes");
    const [r, w] = sys.pipe2(0);
    return { kernel, sys, r, w };
  };

  test("lends the page itself: what is changed before it is read arrives changed", () => {
    const { sys, r, w } = rig();
    expect(sys.vmsplice(w, [{ addr: AT, length: 11 }], 0)).toBe(11);
    sys.store(AT, "other");
    sys.munmap(AT, 8192);
    expect(new TextDecoder().decode(sys.read(r, 100))).toBe("other bytes");
  });

  test("gives the page back when the pipe goes", () => {
    const { kernel, sys, r, w } = rig();
    sys.vmsplice(w, [{ addr: AT, length: 4096 }], 0);
    sys.munmap(AT, 8192);
    const lent = kernel.mm.sysinfo().freeram;
    sys.close(r);
    sys.close(w);
    expect(kernel.mm.sysinfo().freeram).toBe(lent + 4096);
  });

  test("refuses what is no pipe, no memory or no flag", () => {
    const { sys, w } = rig();
    const fd = sys.open("/tmp/f", 0o102, 0o644);
    expect(errno(() => sys.vmsplice(fd, [{ addr: AT, length: 1 }], 0))).toBe("EBADF");
    expect(errno(() => sys.vmsplice(w, [{ addr: 0x1000, length: 1 }], 0))).toBe("EFAULT");
    expect(errno(() => sys.vmsplice(w, [{ addr: AT, length: 1 }], 16))).toBe("EINVAL");
  });
});
