import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EINVAL, errnoName } from "../abi/errno.js";
import { Errno, orFail } from "../abi/errors.js";
import {
  type Base,
  kstrtobool,
  kstrtoint,
  kstrtol,
  kstrtou8,
  kstrtou16,
  kstrtouint,
  kstrtoul,
  matchString,
  memparse,
  scanNumber,
  simpleStrtol,
  simpleStrtoull,
  skipSpaces,
  sysfsMatchString,
  sysfsStreq,
} from "./numberParsers.js";

/** A value, or the name of the errno. */
function shown(v: number | bigint | boolean | Errno): string {
  return v instanceof Errno ? errnoName(v.nr) : String(v);
}

// What writes to int, unsigned int and unsigned long module parameters answered on 6.18.
const observed: [text: string, int: string, uint: string, ulong: string][] = [
  ["5", "5", "5", "5"],
  ["5\n", "5", "5", "5"],
  ["5\n\n", "EINVAL", "EINVAL", "EINVAL"],
  [" 5", "EINVAL", "EINVAL", "EINVAL"],
  ["+5", "5", "5", "5"],
  ["-5", "-5", "EINVAL", "EINVAL"],
  ["--5", "EINVAL", "EINVAL", "EINVAL"],
  ["+-5", "EINVAL", "EINVAL", "EINVAL"],
  ["-+5", "EINVAL", "EINVAL", "EINVAL"],
  ["0x1f", "31", "31", "31"],
  ["0X1F", "31", "31", "31"],
  ["0x", "EINVAL", "EINVAL", "EINVAL"],
  ["0xg", "EINVAL", "EINVAL", "EINVAL"],
  ["010", "8", "8", "8"],
  ["08", "EINVAL", "EINVAL", "EINVAL"],
  ["0b1", "EINVAL", "EINVAL", "EINVAL"],
  ["\n", "EINVAL", "EINVAL", "EINVAL"],
  ["5 ", "EINVAL", "EINVAL", "EINVAL"],
  ["2147483647", "2147483647", "2147483647", "2147483647"],
  ["2147483648", "ERANGE", "2147483648", "2147483648"],
  ["-2147483648", "-2147483648", "EINVAL", "EINVAL"],
  ["-2147483649", "ERANGE", "EINVAL", "EINVAL"],
  ["4294967296", "ERANGE", "ERANGE", "4294967296"],
  ["18446744073709551615", "ERANGE", "ERANGE", "18446744073709551615"],
  ["18446744073709551616", "ERANGE", "ERANGE", "ERANGE"],
  ["99999999999999999999x", "ERANGE", "ERANGE", "ERANGE"],
  ["-0", "0", "EINVAL", "EINVAL"],
  ["5\u00006", "5", "5", "5"],
  ["\u00005", "EINVAL", "EINVAL", "EINVAL"],
  ["", "EINVAL", "EINVAL", "EINVAL"],
];

describe("kstrto*", () => {
  it.each(observed)("%j is read as Linux reads it", (text, int, uint, ulong) => {
    expect([shown(kstrtoint(text, 0)), shown(kstrtouint(text, 0)), shown(kstrtoul(text, 0))]).toEqual([
      int,
      uint,
      ulong,
    ]);
  });
  it("narrower types refuse with ERANGE", () => {
    expect(shown(kstrtou16("65535", 10))).toBe("65535");
    expect(shown(kstrtou16("65536", 10))).toBe("ERANGE");
    expect(shown(kstrtou8("255\n", 10))).toBe("255");
    expect(shown(kstrtou8("256", 10))).toBe("ERANGE");
  });
  it("base 10 takes no prefix, base 16 takes an optional one, base 8 leading zeros", () => {
    expect(shown(kstrtouint("010", 10))).toBe("10");
    expect(shown(kstrtouint("0x10", 10))).toBe("EINVAL");
    expect(shown(kstrtouint("0x10", 16))).toBe("16");
    expect(shown(kstrtouint("ff", 16))).toBe("255");
    expect(shown(kstrtouint("0x", 16))).toBe("EINVAL");
    expect(shown(kstrtouint("755", 8))).toBe("493");
    expect(shown(kstrtouint("789", 8))).toBe("EINVAL");
  });
  it("the ends of a signed long are reached and not passed", () => {
    expect(shown(kstrtol("-9223372036854775808", 10))).toBe("-9223372036854775808");
    expect(shown(kstrtol("9223372036854775807", 10))).toBe("9223372036854775807");
    expect(shown(kstrtol("9223372036854775808", 10))).toBe("ERANGE");
    expect(shown(kstrtol("-9223372036854775809", 10))).toBe("ERANGE");
  });
  it("every int survives being printed and read, in every base", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom<Base>(8, 10, 16), (n, base) => {
        expect(kstrtoint(n.toString(base), base)).toBe(n);
      }),
    );
  });
  it("orFail throws the Errno and passes values through", () => {
    expect(orFail(kstrtoint("7", 0))).toBe(7);
    expect(() => orFail(kstrtoint("x", 0))).toThrow();
  });
});

describe("kstrtobool", () => {
  it.each([
    ["y", true],
    ["Y", true],
    ["1", true],
    ["t", true],
    ["true", true],
    ["on", true],
    ["oN", true],
    ["e", true],
    ["enable", true],
    ["yes please", true],
    ["n", false],
    ["0", false],
    ["F", false],
    ["off", false],
    ["of", false],
    ["d", false],
    ["D", false],
  ] as const)("%j is %s", (text, value) => {
    expect(kstrtobool(text)).toBe(value);
  });
  it.each(["", "\n", "2", "x", " 1", "o", "ox"])("%j is EINVAL", (text) => {
    expect(shown(kstrtobool(text))).toBe("EINVAL");
  });
});

describe("simple_strto* and scanf", () => {
  it("simple_strtoull stops at the first foreign character and never fails", () => {
    expect(simpleStrtoull("12x", 10)).toEqual({ value: 12n, end: 2 });
    expect(simpleStrtoull("x", 10)).toEqual({ value: 0n, end: 0 });
    expect(simpleStrtoull("-1", 10)).toEqual({ value: 0n, end: 0 });
    expect(simpleStrtoull("a=0x1fz", 0, 2)).toEqual({ value: 31n, end: 6 });
    expect(simpleStrtoull("18446744073709551617", 10).value).toBe(1n);
  });
  it("simple_strtol takes a minus and wraps", () => {
    expect(simpleStrtol("-12:", 10)).toEqual({ value: -12n, end: 3 });
    expect(simpleStrtol("9223372036854775808", 10).value).toBe(-(2n ** 63n));
  });
  it("%ld skips blanks, is decimal, refuses a plus and text without digits", () => {
    expect(scanNumber("  12x")).toEqual({ value: 12n, end: 4 });
    expect(scanNumber("1.9")).toEqual({ value: 1n, end: 1 });
    expect(scanNumber("0x10")).toEqual({ value: 0n, end: 1 });
    expect(scanNumber("-3")).toEqual({ value: -3n, end: 2 });
    expect(scanNumber("+5")).toBeNull();
    expect(scanNumber("- 5")).toBeNull();
    expect(scanNumber("")).toBeNull();
    expect(scanNumber("-5", 0, "u")).toBeNull();
  });
  it("%i follows the prefix, %x takes one, %o is octal", () => {
    expect(scanNumber("0x10 ", 0, "i")).toEqual({ value: 16n, end: 4 });
    expect(scanNumber("-010", 0, "i")).toEqual({ value: -8n, end: 4 });
    expect(scanNumber("ff,", 0, "x")).toEqual({ value: 255n, end: 2 });
    expect(scanNumber("0xff,", 0, "x")).toEqual({ value: 255n, end: 4 });
    expect(scanNumber("778", 0, "o")).toEqual({ value: 63n, end: 2 });
    expect(scanNumber("8", 0, "o")).toBeNull();
  });
  it("a no-break space is a blank to the kernel", () => {
    expect(skipSpaces("\u00a0 \t\v\f\r\nx")).toBe(7);
    expect(skipSpaces("")).toBe(0);
  });
});

describe("memparse", () => {
  it("takes one binary suffix in either case", () => {
    expect(memparse("4k")).toEqual({ value: 4096n, end: 2 });
    expect(memparse("1G")).toEqual({ value: 2n ** 30n, end: 2 });
    expect(memparse("0x10M,")).toEqual({ value: 16n << 20n, end: 5 });
    expect(memparse("010")).toEqual({ value: 8n, end: 3 });
    expect(memparse("2e")).toEqual({ value: 2n ** 61n, end: 2 });
    expect(memparse("1kb")).toEqual({ value: 1024n, end: 2 });
  });
  it("leaves what it does not know to the caller", () => {
    expect(memparse("12 k")).toEqual({ value: 12n, end: 2 });
    expect(memparse("-1")).toEqual({ value: 0n, end: 0 });
    expect(memparse("max")).toEqual({ value: 0n, end: 0 + 1 });
    expect(memparse("")).toEqual({ value: 0n, end: 0 });
  });
  it("wraps at 2^64, as an unsigned long does", () => {
    expect(memparse("16E").value).toBe(0n);
    expect(memparse("18446744073709551615").value).toBe(2n ** 64n - 1n);
  });
});

describe("words", () => {
  it("sysfs_streq forgives one newline at the end of either", () => {
    expect(sysfsStreq("on\n", "on")).toBe(true);
    expect(sysfsStreq("on", "on\n")).toBe(true);
    expect(sysfsStreq("on\n", "on\n")).toBe(true);
    expect(sysfsStreq("on\n\n", "on")).toBe(false);
    expect(sysfsStreq("on ", "on")).toBe(false);
    expect(sysfsStreq("on\0x", "on")).toBe(true);
  });
  it("match_string is exact, sysfs_match_string is not", () => {
    const words = ["always", "madvise", "never"];
    expect(matchString(words, "never")).toBe(2);
    expect(matchString(words, "never\n")).toBe(-EINVAL);
    expect(sysfsMatchString(words, "never\n")).toBe(2);
    expect(sysfsMatchString(words, "Never")).toBe(-EINVAL);
  });
});
