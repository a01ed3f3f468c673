import { describe, expect, it } from "vitest";
import { LOG_CONT, LOG_NEWLINE, PrintkRing, RECORD_MAX } from "./ringBuffer.js";

const KERNEL = 0;
const CALLER = 1;
const text = (r: PrintkRing, seq: number): string => new TextDecoder().decode(r.bytes(seq));
const put = (r: PrintkRing, s: string | Uint8Array, flags = LOG_NEWLINE, caller = CALLER): number =>
  r.store(s, KERNEL, 6, flags, 0, caller, "");

describe("the ring of records", () => {
  it("numbers records from 0 and keeps their bytes", () => {
    const r = new PrintkRing(4096);
    put(r, "a");
    put(r, "größer");
    expect([r.firstSeq, r.nextSeq]).toEqual([0, 2]);
    expect([text(r, 0), text(r, 1)]).toEqual(["a", "größer"]);
    expect(r.textLen[r.index(1)]).toBe(8);
  });

  it("gives up the oldest records when descriptors run out: 4096 empty ones in 128 KiB", () => {
    const r = new PrintkRing(1 << 17);
    for (let i = 0; i < 5000; i++) put(r, "");
    expect(r.nextSeq - r.firstSeq).toBe(4096);
    expect(r.nextSeq).toBe(5000);
  });

  it("gives up the oldest records, whole, when text runs out: 140 to 144 of 900 bytes in 128 KiB", () => {
    const r = new PrintkRing(1 << 17);
    for (let i = 0; i < 1000; i++) put(r, String(i).padEnd(900, "x"));
    const kept = r.nextSeq - r.firstSeq;
    expect(kept).toBeGreaterThanOrEqual(140);
    expect(kept).toBeLessThanOrEqual(144);
    for (let seq = r.firstSeq; seq < r.nextSeq; seq++) expect(text(r, seq)).toBe(String(seq).padEnd(900, "x"));
  });

  it("forgets the dictionary of a record that has gone", () => {
    const r = new PrintkRing(1024);
    r.store("dev", 0, 6, LOG_NEWLINE, 0, 1, "SUBSYSTEM=net");
    expect(r.dict.size).toBe(1);
    for (let i = 0; i < 40; i++) put(r, "x");
    expect(r.dict.size).toBe(0);
  });

  it("cuts a record that an almost-too-small ring cannot take to a quarter of it and says so", () => {
    const r = new PrintkRing(1024);
    put(r, "y".repeat(900));
    expect(text(r, 0)).toMatch(/^y+<truncated>$/);
    expect(r.bytes(0).length).toBeLessThanOrEqual(256 + 11);
  });

  it("hides an open record from readers until the next one is reserved", () => {
    const r = new PrintkRing(4096);
    put(r, "open", 0);
    expect(r.nextSeq).toBe(0);
    put(r, "next");
    expect(r.nextSeq).toBe(2);
    expect(text(r, 0)).toBe("open");
  });

  it("extends an open record of the same caller only, and while there is room", () => {
    const r = new PrintkRing(4096);
    put(r, "a", 0, 1);
    expect(r.extend("b", LOG_CONT, 2)).toBe(-1);
    expect(r.extend("b", LOG_CONT, 1)).toBe(1);
    expect(r.extend("x".repeat(RECORD_MAX), LOG_CONT, 1)).toBe(-1);
    expect(r.extend("c", LOG_CONT | LOG_NEWLINE, 1)).toBe(1);
    expect(r.nextSeq).toBe(1);
    expect(text(r, 0)).toBe("abc");
    expect(r.extend("d", LOG_CONT, 1)).toBe(-1);
  });

  it("moves an open record that no longer fits behind the end of the ring to its start", () => {
    const r = new PrintkRing(4096);
    for (let i = 0; i < 4; i++) put(r, "z".repeat(980));
    put(r, "tail", 0);
    expect(r.extend("+".repeat(400), LOG_CONT | LOG_NEWLINE, CALLER)).toBe(400);
    expect(text(r, r.nextSeq - 1)).toBe(`tail${"+".repeat(400)}`);
    for (let seq = r.firstSeq; seq < r.nextSeq - 1; seq++) expect(text(r, seq)).toBe("z".repeat(980));
  });
});

describe("the bytes of the ring", () => {
  it("four records that fill it to the last byte are all kept, and a fifth takes the first's place", () => {
    const r = new PrintkRing(1024);
    for (let i = 0; i < 4; i++) put(r, String(i).repeat(246));
    expect([r.firstSeq, r.usedBytes]).toEqual([0, 1024]);
    put(r, "4".repeat(246));
    expect([r.firstSeq, r.nextSeq, r.usedBytes]).toEqual([1, 5, 1024]);
    for (let seq = 1; seq < 5; seq++) expect(text(r, seq)).toBe(String(seq).repeat(246));
  });

  it("a record of exactly half of it is whole, one byte more is cut", () => {
    const r = new PrintkRing(1024);
    put(r, "h".repeat(502));
    expect(text(r, 0)).toBe("h".repeat(502));
    put(r, "h".repeat(503));
    expect(text(r, 1)).toMatch(/<truncated>$/);
  });

  it("a text longer than a record may be keeps room for its terminator", () => {
    const r = new PrintkRing(1 << 15);
    expect(put(r, "l".repeat(2 * RECORD_MAX))).toBe(RECORD_MAX - 1);
    expect(put(r, new Uint8Array(2 * RECORD_MAX).fill(0x6c))).toBe(RECORD_MAX - 1);
    expect(text(r, 1)).toBe("l".repeat(RECORD_MAX - 1));
  });

  it("text may be bytes, and end before it does", () => {
    const r = new PrintkRing(4096);
    put(r, Uint8Array.of(0x66, 0xff, 0));
    expect([...r.bytes(0)]).toEqual([0x66, 0xff, 0]);
    r.store(Uint8Array.of(0x61, 0x62, 0x0a), KERNEL, 6, LOG_NEWLINE, 0, CALLER, "", 0, 2);
    r.store("b\u00e9\n", KERNEL, 6, LOG_NEWLINE, 0, CALLER, "", 0, 2);
    expect([text(r, 1), text(r, 2)]).toEqual(["ab", "b\u00e9"]);
  });

  it("an open record is extended up to the longest there may be, within its own bytes, and no further", () => {
    const r = new PrintkRing(1 << 15);
    put(r, "a", 0);
    expect(r.extend("x".repeat(RECORD_MAX - 1), LOG_CONT, CALLER)).toBe(-1);
    expect(r.extend("x".repeat(RECORD_MAX - 2), LOG_CONT, CALLER)).toBe(RECORD_MAX - 2);
    expect(r.extend("y", LOG_CONT, CALLER)).toBe(-1);
    put(r, "b", 0);
    expect(r.extend("cdefghij", LOG_CONT | LOG_NEWLINE, CALLER)).toBe(8);
    expect(r.flags[r.index(1)] & LOG_NEWLINE).toBe(LOG_NEWLINE);
    put(r, "ZZZZZZZZ");
    expect(text(r, 1)).toBe("bcdefghij");
  });

  it("what an extended record takes is what it takes, once", () => {
    const once = new PrintkRing(4096);
    put(once, "first");
    put(once, "head and tail...");
    const twice = new PrintkRing(4096);
    put(twice, "first");
    put(twice, "head", 0);
    twice.extend(" and tail...", LOG_CONT | LOG_NEWLINE, CALLER);
    expect(twice.usedBytes).toBe(once.usedBytes);
    expect([text(twice, 0), text(twice, 1)]).toEqual(["first", "head and tail..."]);
  });

  it("a record that takes the place of all others takes its own bytes alone", () => {
    const r = new PrintkRing(1024);
    for (const n of [94, 494, 494]) put(r, "r".repeat(n));
    expect([r.firstSeq, r.nextSeq, r.usedBytes]).toEqual([2, 3, 504]);
  });

  it("a text is cut between characters", () => {
    const r = new PrintkRing(1 << 15);
    expect(put(r, "\u00e9".repeat(RECORD_MAX))).toBe(RECORD_MAX - 2);
    expect(text(r, 0)).toBe("\u00e9".repeat(RECORD_MAX / 2 - 1));
  });

  it("an open record is complete when it is said to be", () => {
    const r = new PrintkRing(4096);
    put(r, "open", 0);
    r.finalize();
    expect(r.nextSeq).toBe(1);
    expect(r.extend("more", LOG_CONT, CALLER)).toBe(-1);
  });

  it("costs 24 bytes a descriptor beside its text", () => {
    expect(new PrintkRing(1 << 17).overheadBytes).toBe(4096 * 24);
  });
});
