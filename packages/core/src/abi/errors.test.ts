import { describe, expect, it } from "vitest";
import { EINTR, ENOENT } from "./errno.js";
import { ERESTART_RESTARTBLOCK, ERESTARTSYS, Errno, errnoOf, fail, isRestart, KernelError } from "./errors.js";

function caught(f: () => never): unknown {
  try {
    f();
  } catch (e) {
    return e;
  }
}

describe("errors", () => {
  it("fail throws one shared object per errno, of either sign", () => {
    const e = caught(() => fail(ENOENT));
    expect(e).toBeInstanceOf(Errno);
    expect((e as Errno).nr).toBe(2);
    expect(caught(() => fail(-ENOENT))).toBe(e);
    expect(errnoOf(2)).toBe(e);
    expect(String(e)).toBe("Errno ENOENT");
    expect((caught(() => fail(ERESTARTSYS)) as Errno).nr).toBe(512);
  });
  it("fail refuses what is no errno", () => {
    expect(() => fail(0)).toThrow(RangeError);
    expect(() => fail(4096)).toThrow(RangeError);
    expect(() => fail(Number.NaN)).toThrow(RangeError);
  });
  it("a KernelError reads like Node's system errors", () => {
    const e = new KernelError(ENOENT, "open", "/x");
    expect(e.message).toBe("ENOENT: no such file or directory, open '/x'");
    expect(e).toMatchObject({ name: "KernelError", code: "ENOENT", errno: -2, syscall: "open", path: "/x" });
    expect(new KernelError(-ENOENT, "rename", "/a", "/b").message).toBe(
      "ENOENT: no such file or directory, rename '/a' -> '/b'",
    );
    expect(new KernelError(EINTR).message).toBe("EINTR: interrupted system call");
  });
  it("restart codes are told apart from errors a caller may see", () => {
    expect(isRestart(-ERESTARTSYS)).toBe(true);
    expect(isRestart(ERESTART_RESTARTBLOCK)).toBe(true);
    expect(isRestart(515)).toBe(false);
    expect(isRestart(EINTR)).toBe(false);
  });
});
