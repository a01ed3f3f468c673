import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  escapeOctal,
  hex,
  latin1Bytes,
  latin1Into,
  latin1Text,
  octal,
  padLeft,
  padRight,
  unescapeOctal,
  utf8Bytes,
  utf8Into,
  utf8Text,
  zeroPad,
} from "./text.js";

describe("Latin-1", () => {
  it("any bytes survive as text, whatever they are and however many", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ max: 127, maxLength: 60 })), (bytes) => {
        const s = latin1Text(bytes);
        expect(s.length).toBe(bytes.length);
        for (let i = 0; i < s.length; i++) expect(s.charCodeAt(i)).toBe(bytes[i]);
        expect(latin1Bytes(s)).toEqual(bytes);
      }),
    );
    const big = Uint8Array.from({ length: 20000 }, (_, i) => i & 255);
    expect(latin1Bytes(latin1Text(big))).toEqual(big);
  });
  it("valid UTF-8, lone bytes and byte order marks are not mistaken for ASCII", () => {
    for (const s of ["é".repeat(30), `${"x".repeat(30)}\u00ff`, `\u00ef\u00bb\u00bf${"x".repeat(30)}`]) {
      expect(latin1Text(latin1Bytes(s))).toBe(s);
    }
    const utf8 = utf8Bytes("é".repeat(30));
    expect(latin1Text(utf8)).toBe("Ã©".repeat(30));
  });
  it("what does not fit is cut, at any offset", () => {
    const dst = new Uint8Array(30);
    expect(latin1Into("x".repeat(40), dst, 5)).toBe(25);
    expect(dst[4]).toBe(0);
    expect(dst[29]).toBe(120);
    expect(latin1Into(`${"y".repeat(24)}é`, dst, 5)).toBe(25);
    expect(dst[29]).toBe(0xe9);
    expect(latin1Text(dst, 28, 30)).toBe("yé");
  });
});

describe("UTF-8", () => {
  it("survives on both sides of the crossover", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 40 })), (s) => {
        const bytes = utf8Bytes(s);
        expect(utf8Text(bytes)).toBe(new TextDecoder().decode(bytes.slice()));
        const dst = new Uint8Array(bytes.length + 3);
        expect(utf8Into(s, dst, 3)).toBe(bytes.length);
        expect(dst.subarray(3)).toEqual(bytes);
        expect(utf8Text(dst, 3)).toBe(utf8Text(bytes));
      }),
    );
  });
  it("only whole characters are written when the room ends", () => {
    const dst = new Uint8Array(5);
    expect(utf8Into("aéé€", dst)).toBe(5);
    expect(utf8Into("aaaaaaaaa", dst, 2)).toBe(3);
    expect(utf8Into("a€€", dst)).toBe(4);
  });
  it("malformed bytes are replaced, a byte order mark stays", () => {
    expect(utf8Text(Uint8Array.of(0x61, 0xff))).toBe("a\ufffd");
    expect(utf8Text(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });
});

describe("small formats", () => {
  it("mountinfo writes blank, tab, newline and backslash in octal", () => {
    expect(escapeOctal("/a b\tc\nd\\e")).toBe("/a\\040b\\011c\\012d\\134e");
    expect(escapeOctal("/plain")).toBe("/plain");
    expect(escapeOctal("a b\n", "\n")).toBe("a b\\012");
    expect(unescapeOctal("/a\\040b\\134040\\9")).toBe("/a b\\040\\9");
  });
  it("every path survives the escapes", () => {
    fc.assert(
      fc.property(fc.string(), (s) => {
        expect(unescapeOctal(escapeOctal(s))).toBe(s);
      }),
    );
  });
  it("numbers are aligned as printf does", () => {
    expect(padLeft(42, 5)).toBe("   42");
    expect(padRight("ab", 4)).toBe("ab  ");
    expect(padLeft("abcdef", 3)).toBe("abcdef");
    expect(zeroPad(7, 3)).toBe("007");
    expect(hex(255, 4)).toBe("00ff");
    expect(hex(-1)).toBe("ffffffff");
    expect(hex(2n ** 64n - 1n)).toBe("ffffffffffffffff");
    expect(octal(0o644, 4)).toBe("0644");
  });
});
