/** Orders and positions are as Linux 6.18's tmpfs gave them. */
import { expect, test } from "vitest";
import { O_CREAT, O_RDONLY, O_RDWR, RENAME_EXCHANGE, SEEK_CUR, SEEK_END, SEEK_SET } from "../abi/constants.js";
import { errnoOf, type Sys, vfsKernel } from "./testKernel.js";

const END = 2147483647;

function setup(names: string): { sys: Sys; list: (fd?: number, count?: number) => (string | number)[][] } {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  for (const n of names) sys.close(sys.open(`/mnt/${n}`, O_RDWR | O_CREAT, 0o644));
  const list = (fd?: number, count = 32768): (string | number)[][] => {
    const f = fd ?? sys.open("/mnt", O_RDONLY);
    const r = sys.getdents64(f, count).map((e) => [e.name, e.off]);
    if (fd === undefined) sys.close(f);
    return r;
  };
  return { sys, list };
}

test("a directory lists its newest name first; an entry's offset is where the next one is", () => {
  const { sys, list } = setup("abcde");
  const at = (...r: (string | number)[]): (string | number)[][] => {
    const out: (string | number)[][] = [];
    for (let i = 0; i < r.length; i += 2) out.push([r[i], r[i + 1]]);
    return out;
  };
  expect(list()).toEqual(at(".", 1, "..", 7, "e", 6, "d", 5, "c", 4, "b", 3, "a", END));
  sys.unlink("/mnt/b");
  sys.close(sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644));
  sys.close(sys.open("/mnt/b", O_RDWR | O_CREAT, 0o644));
  expect(list()).toEqual(at(".", 1, "..", 9, "b", 8, "f", 7, "e", 6, "d", 5, "c", 3, "a", END));
  sys.rename("/mnt/a", "/mnt/z");
  expect(list()).toEqual(at(".", 1, "..", 10, "z", 9, "b", 8, "f", 7, "e", 6, "d", 5, "c", END));
  // who replaces another takes its place's number
  sys.rename("/mnt/z", "/mnt/c");
  expect(list()).toEqual(at(".", 1, "..", 5, "c", 9, "b", 8, "f", 7, "e", 6, "d", END));
  sys.close(sys.open("/mnt/new", O_RDWR | O_CREAT, 0o644));
  sys.renameat2(-100, "/mnt/d", -100, "/mnt/e", RENAME_EXCHANGE);
  expect(list()).toEqual(at(".", 1, "..", 7, "e", 6, "d", 11, "new", 5, "c", 9, "b", 8, "f", END));
});

test("reading goes on behind names that were removed or renamed meanwhile", () => {
  const { sys, list } = setup("abcdefgh");
  const fd = sys.open("/mnt", O_RDONLY);
  expect(list(fd, 96).map((e) => e[0])).toEqual([".", "..", "h", "g"]);
  sys.unlink("/mnt/f");
  expect(list(fd, 48)).toEqual([
    ["e", 6],
    ["d", 5],
  ]);
  for (const n of "bcd") sys.unlink(`/mnt/${n}`);
  expect(list(fd, 1000)).toEqual([["a", END]]);
  expect(list(fd)).toEqual([]);
  expect(sys.lseek(fd, 0, SEEK_CUR)).toBe(END);
});

test("a directory is sought by position: any that exists or existed, never from the end", () => {
  const { sys, list } = setup("abc");
  const fd = sys.open("/mnt", O_RDONLY);
  expect(sys.lseek(fd, 4, SEEK_SET)).toBe(4);
  expect(list(fd).map((e) => e[0])).toEqual(["b", "a"]);
  expect(sys.lseek(fd, 100, SEEK_SET)).toBe(100);
  expect(list(fd).map((e) => e[0])).toEqual(["c", "b", "a"]);
  expect(sys.lseek(fd, 1, SEEK_SET)).toBe(1);
  expect(list(fd).map((e) => e[0])).toEqual(["..", "c", "b", "a"]);
  expect(errnoOf(() => sys.lseek(fd, 0, SEEK_END))).toBe("EINVAL");
  expect(errnoOf(() => sys.lseek(fd, -1, SEEK_SET))).toBe("EINVAL");
});

test("100 000 names are made, listed and removed in linear time", () => {
  const { sys } = setup("");
  const n = 100_000;
  for (let i = 0; i < n; i++) sys.mknod(`/mnt/f${i}`, 0o644);
  expect(sys.stat("/mnt").size).toBe(40 + 20 * n);
  expect(sys.readdir("/mnt").length).toBe(n);
  for (let i = 0; i < n; i++) sys.unlink(`/mnt/f${i}`);
  expect(sys.readdir("/mnt")).toEqual([]);
}, 60_000);
