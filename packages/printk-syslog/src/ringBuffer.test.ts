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
