import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errnoName } from "../abi/errno.js";
import { Errno } from "../abi/errors.js";
import { bitmapBits, bitmapOf } from "./bitmap.js";
import { bitmapParse, bitmapParselist, formatList, formatMask } from "./bitmapText.js";

function list(r: Uint32Array | Errno): string {
  return r instanceof Errno ? errnoName(r.nr) : formatList(r);
}

describe("cpu lists", () => {
  // What cpuset.cpus answered on 6.18 with two CPUs.
  it.each([
    ["0", "0"],
    ["0-1", "0-1"],
    ["1,0", "0-1"],
    ["0 1", "0-1"],
    ["0\t1\n", "0-1"],
    ["0\n1", "0"],
    ["0 \n1", "0-1"],
    ["0, ,1", "0-1"],
    [",0", "0"],
    ["0,", "0"],
    ["all", "0-1"],
    ["ALL", "0-1"],
    ["allx", "EINVAL"],
    ["all,0", "0-1"],
    ["N", "1"],
    ["0-N", "0-1"],
    ["N-0", "EINVAL"],
    ["n", "EINVAL"],
    ["0-1:1/2", "0"],
    ["0-1:1/1", "0-1"],
    ["0-1:2/1", "EINVAL"],
    ["0-1:0/1", ""],
    ["0-1:1/0", "EINVAL"],
    ["0-1:1", "EINVAL"],
    ["0-1:", "EINVAL"],
    ["0-1:1/", "EINVAL"],
    ["all:1/2", "0"],
    ["1-0", "EINVAL"],
    ["2", "ERANGE"],
    ["0-2", "ERANGE"],
    ["0-", "EINVAL"],
    ["-1", "EINVAL"],
    ["0x1", "EINVAL"],
    ["4294967296", "EOVERFLOW"],
    ["4294967295", "EINVAL"],
    ["99999999999999999999", "EOVERFLOW"],
    ["", ""],
    ["\n", ""],
    ["0-1:1/2x", "EINVAL"],
    ["0--1", "EINVAL"],
    ["0-1-2", "EINVAL"],
    ["01", "1"],
    ["0 - 1", "EINVAL"],
    ["0-1:5/9", "0-1"],
  ])("%j gives %j", (text, want) => {
    expect(list(bitmapParselist(text, 2))).toBe(want);
  });
  it("groups take the first of every so many", () => {
    expect(list(bitmapParselist("0-31:2/8,63", 64))).toBe("0-1,8-9,16-17,24-25,63");
  });
});

describe("cpu masks", () => {
  // What /proc/irq/default_smp_affinity answered on 6.18 with two CPUs (an empty set is refused by the file, not the parser).
  it.each([
    ["1", "0"],
    ["3", "0-1"],
    ["0", ""],
    ["4", "EOVERFLOW"],
    ["001", "0"],
    ["00000001", "0"],
    ["100000001", "EOVERFLOW"],
    ["000000001", "EOVERFLOW"],
    ["0,1", "EOVERFLOW"],
    [",1", "0"],
    ["1,\n", "0"],
    [" 1 ", "0"],
    ["", ""],
    ["x", "EINVAL"],
    ["0x1", "EINVAL"],
    ["x00000001", "0"],
    ["1\n2", "0"],
    ["A", "EOVERFLOW"],
  ])("%j gives %j", (text, want) => {
    expect(list(bitmapParse(text, 2))).toBe(want);
  });
  it("words of 32 bits stand highest first", () => {
    expect(list(bitmapParse("1,00000000,ff", 80))).toBe("0-7,64");
    expect(formatMask(bitmapOf(80, [0, 64]), 80)).toBe("0001,00000000,00000001");
    expect(formatMask(bitmapOf(5, [0, 1]), 5)).toBe("03");
    expect(formatMask(bitmapOf(32, [31]), 32)).toBe("80000000");
    expect(formatMask(bitmapOf(33, [32]), 33)).toBe("1,00000000");
  });
});

describe("bitmaps and their text", () => {
  it("survive being printed and read in both forms", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 130 }), fc.array(fc.nat(129)), (nbits, some) => {
        const bits = [...new Set(some.filter((b) => b < nbits))].sort((a, b) => a - b);
        const map = bitmapOf(nbits, bits);
        expect(bitmapBits(map)).toEqual(bits);
        expect(bitmapParselist(`${formatList(map)}\n`, nbits)).toEqual(map);
        expect(bitmapParse(`${formatMask(map, nbits)}\n`, nbits)).toEqual(map);
      }),
    );
  });
});
