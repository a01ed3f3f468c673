import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CLOSE_RANGE_CLOEXEC, F_DUPFD, F_GETFD, O_CLOEXEC, O_RDONLY } from "../abi/constants.js";
import type { OpenFile } from "./file.js";
import { FilesStruct } from "./filesStruct.js";
import { childTask, errnoOf, vfsKernel } from "./testKernel.js";

test("the lowest free number is given out, whatever was opened and closed before", () => {
  const file = {} as OpenFile;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 200 })), { maxLength: 300, size: "max" }),
      (steps) => {
        const files = new FilesStruct();
        const model = new Set<number>();
        const lowest = (from: number): number => {
          let fd = from;
          while (model.has(fd)) fd++;
          return fd;
        };
        for (const [open, n] of steps) {
          if (open) {
            const start = n % 3 === 0 ? n : 0;
            const fd = files.lowestFree(start, 1000);
            if (fd !== lowest(start)) throw new Error(`got ${fd}, lowest is ${lowest(start)}`);
            files.install(fd, file, n % 2 === 0);
            model.add(fd);
            if (files.isCloexec(fd) !== (n % 2 === 0)) throw new Error(`close-on-exec of ${fd}`);
          } else if ((files.remove(n) !== null) !== model.delete(n)) throw new Error(`removing ${n}`);
          if (files.count !== model.size) throw new Error(`count ${files.count}, not ${model.size}`);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("a table has 64 slots and grows to the next power of two", () => {
  const file = {} as OpenFile;
  const files = new FilesStruct();
  const sizes = [63, 64, 127, 128, 255, 256].map((fd) => {
    files.install(fd, file, false);
    return files.size;
  });
  expect(sizes).toEqual([64, 128, 128, 256, 256, 512]);
  expect(files.lowestFree(64, 129)).toBe(65);
  expect(files.lowestFree(127, 129)).toBe(-1);
});

test("a forked table is a copy with its own close-on-exec bits; the descriptions are shared", () => {
  const k = vfsKernel();
  const a = childTask(k);
  const sys = k.sys(a);
  sys.writeFile("/mnt/f", "0123456789");
  const fd = sys.open("/mnt/f", O_RDONLY | O_CLOEXEC);
  const child = k.sys(childTask(k, a));
  expect(child.fcntl(fd, F_GETFD)).toBe(1);
  expect(new TextDecoder().decode(child.read(fd, 4))).toBe("0123");
  expect(sys.lseek(fd, 0, 1)).toBe(4);
  child.close_range(fd, fd, CLOSE_RANGE_CLOEXEC);
  child.close(fd);
  expect(sys.fcntl(fd, F_DUPFD, 100)).toBe(100);
  expect(errnoOf(() => child.read(fd, 1))).toBe("EBADF");
});

test("numbers that are no descriptors are misuse of the interface, not a bad descriptor", () => {
  const k = vfsKernel();
  const sys = k.sys(k.init);
  expect(() => sys.close(1.5)).toThrow(TypeError);
  expect(() => sys.close(Number.NaN)).toThrow(TypeError);
  expect(() => sys.close(-0)).toThrow(TypeError);
  expect(() => sys.read("3" as never, 1)).toThrow(TypeError);
  expect(() => sys.open(7 as never, 0)).toThrow(TypeError);
  // an int of 2^32 - 1 is -1
  expect(errnoOf(() => sys.close(0xffffffff))).toBe("EBADF");
});
