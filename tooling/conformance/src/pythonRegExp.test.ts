import { describe, expect, it } from "vitest";
import { pythonRegExp } from "./pythonRegExp.js";

const finds = (pattern: string, text: string, multiline = false): boolean =>
  pythonRegExp(pattern, multiline).test(text);

describe("Python's re.search", () => {
  it("$ stands at the end and before a last newline, nowhere else", () => {
    expect(finds("a$", "a")).toBe(true);
    expect(finds("a$", "a\n")).toBe(true);
    expect(finds("a\\n$", "a\n")).toBe(true);
    expect(finds("a$", "a\n\n")).toBe(false);
    expect(finds("a$", "a\nb")).toBe(false);
    expect(finds("a$", "a\r")).toBe(false);
  });
  it("with re.MULTILINE, $ stands before every newline and ^ after it", () => {
    expect(finds("^b$", "a\nb\nc", true)).toBe(true);
    expect(finds("^b$", "a\nb\nc")).toBe(false);
    expect(finds("^b$", "a\r\nb\r\n", true)).toBe(false);
    expect(finds("^b", "a\u2028b", true)).toBe(false);
    expect(finds("a$", "a\n\n", true)).toBe(true);
    expect(finds("^$", "a\n", true)).toBe(true);
  });
  it("\\A and \\Z are the ends of the whole text, also with re.MULTILINE", () => {
    expect(finds("\\A1\\n\\Z", "1\n", true)).toBe(true);
    expect(finds("\\A1\\Z", "1\n", true)).toBe(false);
    expect(finds("\\A2", "1\n2", true)).toBe(false);
  });
  it("(?m), (?s) and (?i) at the beginning are flags", () => {
    expect(finds("(?m)^b$", "a\nb\nc")).toBe(true);
    expect(finds("(?s)a.b", "a\nb")).toBe(true);
    expect(finds("(?im)^B$", "a\nb")).toBe(true);
  });
  it(". is everything but a newline", () => {
    expect(finds("a.b", "a\rb")).toBe(true);
    expect(finds("a.b", "a\u2028b")).toBe(true);
    expect(finds("a.b", "a\nb")).toBe(false);
    expect(finds("(?:.*\\n){3}x", "1\n2\n3\nx")).toBe(true);
  });
  it("classes and escapes are left as they are", () => {
    expect(finds("[.$^]", "a")).toBe(false);
    expect(finds("[.$^]", "$")).toBe(true);
    expect(finds("[]a]+z", "]az")).toBe(true);
    expect(finds("[^]a]", "]a")).toBe(false);
    expect(finds("\\$x\\.", "$x.")).toBe(true);
    expect(finds("^(\\w+) \\1$", "ab ab")).toBe(true);
    expect(finds("a\\ b\\-c\\/d", "a b-c/d")).toBe(true);
  });
  it("named groups are Python's", () => {
    expect(finds("(?P<x>a+)b(?P=x)c", "aabaac")).toBe(true);
    expect(finds("(?P<x>a+)b(?P=x)c", "aabc")).toBe(false);
  });
});
