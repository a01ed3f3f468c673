import { expect, test } from "vitest";
import { O_CREAT, O_RDWR, SEEK_CUR, SEEK_END, SEEK_HOLE, SEEK_SET } from "../abi/constants.js";
import { loffAdd, loffArg, loffHigh, loffJoin, loffLow } from "./loff.js";
import { errnoOf, vfsKernel } from "./testKernel.js";

const MAX = 2n ** 63n - 1n;

test("an offset is a number where it is exact and a bigint where it is not", () => {
  expect(loffArg(5n, "x")).toBe(5);
  expect(loffArg(2 ** 62, "x")).toBe(2 ** 62);
  expect(loffArg(MAX, "x")).toBe(MAX);
  // the double next to it means 2^63-1
  expect(loffArg(2 ** 63, "x")).toBe(MAX);
  expect(loffArg(-1, "x")).toBe(-1);
  expect(() => loffArg(1.5, "offset")).toThrow("offset: must be a whole number or a bigint, not 1.5");
  expect(() => loffArg("1", "offset")).toThrow(TypeError);
  expect(() => loffArg(-0, "offset")).toThrow(TypeError);
  for (const v of [0, 2 ** 53, MAX, 2n ** 62n + 1n, -5]) {
    const a = loffArg(v, "x");
    expect(loffJoin(loffHigh(a), loffLow(a))).toBe(a);
  }
  expect(loffAdd(2 ** 53, 1)).toBe(2n ** 53n + 1n);
  expect(loffAdd(MAX, -5)).toBe(MAX - 5n);
});

test("files may be 2^63-1 bytes long, and offsets are exact up to there", () => {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
  expect(sys.ftruncate(fd, MAX)).toBe(0);
  expect(sys.fstat(fd).size).toBe(MAX);
  expect(sys.lseek(fd, 0, SEEK_END)).toBe(MAX);
  expect(errnoOf(() => sys.lseek(fd, 1, SEEK_CUR))).toBe("EINVAL");
  expect(sys.lseek(fd, -5, SEEK_END)).toBe(MAX - 5n);
  expect(sys.lseek(fd, 0, SEEK_CUR)).toBe(MAX - 5n);
  expect(errnoOf(() => sys.pread64(fd, 10, MAX - 99n))).toBe("");
  expect(errnoOf(() => sys.pread64(fd, 100, MAX - 99n))).toBe("EINVAL");
  expect(errnoOf(() => sys.pwrite64(fd, "abc", MAX - 1n))).toBe("EINVAL");
  expect(sys.lseek(fd, 0, SEEK_HOLE)).toBe(0);
  expect(sys.lseek(fd, 2 ** 62, SEEK_SET)).toBe(2 ** 62);
  expect(sys.write(fd, "x")).toBe(1);
  expect(sys.lseek(fd, 0, SEEK_CUR)).toBe(2n ** 62n + 1n);
});
