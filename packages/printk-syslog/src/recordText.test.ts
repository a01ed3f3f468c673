import { describe, expect, it } from "vitest";
import { callerText, devkmsgText, syslogInto, syslogLength, syslogText } from "./recordText.js";
import { LOG_CONT, LOG_NEWLINE, PrintkRing } from "./ringBuffer.js";

const ring = (s: string | Uint8Array, o: { flags?: number; dict?: string; ns?: number; facility?: number } = {}) => {
  const r = new PrintkRing(4096);
  r.store(s, o.facility ?? 0, 6, o.flags ?? LOG_NEWLINE, o.ns ?? 5_747_021_999, 12, o.dict ?? "");
  return r;
};

describe("a record of /dev/kmsg", () => {
  it("has priority, sequence number, microseconds and a flag before its text", () => {
    expect(devkmsgText(ring("hello"), 0)).toBe("6,0,5747021,-;hello\n");
    expect(devkmsgText(ring("hello", { facility: 1 }), 0)).toBe("14,0,5747021,-;hello\n");
    expect(devkmsgText(ring("hello", { flags: LOG_NEWLINE | LOG_CONT }), 0)).toBe("6,0,5747021,c;hello\n");
  });

  it("says who logged it where the kernel was built so: T and the thread, C and the CPU", () => {
    expect(devkmsgText(ring("hello"), 0, true)).toBe("6,0,5747021,-,caller=T12;hello\n");
    expect(callerText(0x80000003)).toBe("C3");
  });

  it("escapes control bytes, bytes above 126 and the backslash as lower-case hex, byte by byte", () => {
    expect(devkmsgText(ring("a\nb\tc\\d~\u007fé"), 0)).toBe("6,0,5747021,-;a\\x0ab\\x09c\\x5cd~\\x7f\\xc3\\xa9\n");
  });

  it("has its dictionary on lines that begin with a blank", () => {
    expect(devkmsgText(ring("x", { dict: "SUBSYSTEM=net\nDEVICE=n1" }), 0)).toBe(
      "6,0,5747021,-;x\n SUBSYSTEM=net\n DEVICE=n1\n",
    );
  });
});

describe("a record of syslog(2)", () => {
  const full = { prefix: true, time: true };

  it("has seconds padded with blanks to five places and microseconds with zeros", () => {
    const timeText = (ns: number): string => syslogText(ring("", { ns }), 0, { prefix: false, time: true });
    expect(timeText(0)).toBe("[    0.000000] \n");
    expect(timeText(1_000_001_999)).toBe("[    1.000001] \n");
    expect(timeText(123_456_000_000_000)).toBe("[123456.000000] \n");
  });

  it("repeats its prefix on each line and leaves bytes as they are", () => {
    expect(syslogText(ring("a\nb\\"), 0, full)).toBe("<6>[    5.747021] a\n<6>[    5.747021] b\\\n");
    expect(syslogText(ring("a"), 0, { prefix: true, time: false })).toBe("<6>a\n");
  });

  it("is as long as its length says, whatever is in it", () => {
    for (const s of ["", "a", "a\nb", "\n", "a\n\n", "é", "x".repeat(1000)])
      for (const f of [full, { prefix: false, time: true }, { prefix: true, time: false }])
        for (const ns of [0, 99_999_000_000_000, 100_000_000_000_000]) {
          const r = ring(s, { ns });
          expect(syslogLength(r, 0, f)).toBe(syslogText(r, 0, f).length);
        }
  });
});

describe("numbers and places", () => {
  it("the tenth record has two digits, a time beyond 2^31 microseconds all of its own", () => {
    const r = new PrintkRing(4096);
    for (let i = 0; i <= 10; i++) r.store("x", 0, 6, LOG_NEWLINE, 3_000_000_123_456_000 + i * 1000, 12, "");
    expect(devkmsgText(r, 10)).toBe("6,10,3000000123466,-;x\n");
    expect(devkmsgText(r, 0)).toBe("6,0,3000000123456,-;x\n");
    expect(devkmsgText(ring("x", { ns: 2_147_483_647_000 }), 0)).toBe("6,0,2147483647,-;x\n");
  });

  it("CPU 0 is C0", () => {
    expect([callerText(0x80000000), callerText(0x7fffffff)]).toEqual(["C0", "T2147483647"]);
  });

  it("a record is written where it is asked for, and the place after it is told", () => {
    const f = { prefix: true, time: false };
    const r = ring("a\nb");
    const out = new Uint8Array(40).fill(0x2e);
    const end = syslogInto(r, 0, f, out, 7);
    expect(end).toBe(7 + syslogLength(r, 0, f));
    expect(String.fromCharCode(...out.subarray(0, end + 1))).toBe(".......<6>a\n<6>b\n.");
  });

  it("what stands behind a record in the ring is no part of it", () => {
    const r = ring("a");
    r.text[r.begin[0] + 1] = 0x0a;
    expect(syslogLength(r, 0, { prefix: true, time: false })).toBe(5);
  });
});
