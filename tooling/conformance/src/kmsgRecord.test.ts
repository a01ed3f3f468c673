import { expect, it } from "vitest";
import { parseKmsg } from "./kmsgRecord.js";

it("a /dev/kmsg record has priority, sequence number, time, flags, text and a dictionary", () => {
  expect(parseKmsg("30,12,345678,-,caller=T1;hello; world\n SUBSYSTEM=net\n DEVICE=+net:lo\n")).toEqual({
    prio: 30,
    facility: 3,
    level: 6,
    seq: 12,
    usec: 345678,
    flags: "-",
    extra: ",caller=T1",
    text: "hello; world",
    dict: { SUBSYSTEM: "net", DEVICE: "+net:lo" },
  });
});
it("what is no record stays as it is", () => {
  expect(parseKmsg("hello\n")).toEqual({ raw: "hello\n" });
});
