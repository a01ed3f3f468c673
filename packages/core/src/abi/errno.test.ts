import { describe, expect, it } from "vitest";
import * as errno from "./errno.js";
import { errnoByName, errnoName, errnoText } from "./errno.js";

describe("errno(3)", () => {
  it("every constant has its own name, and the name leads back to it", () => {
    const aliases = new Set(["EWOULDBLOCK", "EDEADLOCK", "ENOTSUP"]);
    let n = 0;
    for (const [name, value] of Object.entries(errno)) {
      if (typeof value !== "number") continue;
      n++;
      if (!aliases.has(name)) expect(errnoName(value)).toBe(name);
      expect(errnoByName(name)).toBe(value);
    }
    expect(n).toBe(131 + 3);
  });
  it("numbers are those of x86-64", () => {
    expect([errno.EPERM, errno.EAGAIN, errno.ELOOP, errno.EOPNOTSUPP, errno.EHWPOISON]).toEqual([1, 11, 40, 95, 133]);
  });
  it("41 and 58 are unassigned", () => {
    expect(errnoName(41)).toBe("E41");
    expect(errnoName(58)).toBe("E58");
    expect(errnoByName("E41")).toBeUndefined();
    expect(errnoByName("")).toBeUndefined();
  });
  it("either sign is understood", () => {
    expect(errnoName(-2)).toBe("ENOENT");
    expect(errnoText(-13)).toBe("permission denied");
    expect(errnoText(errno.EHWPOISON)).toMatch(/hardware/);
    expect(errnoText(41)).toBe("unknown error");
  });
});
