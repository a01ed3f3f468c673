import { expect, test } from "vitest";
import { stalls } from "./stalls.js";

test("with stable pages a rewrite waits for the disk, without it breaks checksums", () => {
  const { numbers } = stalls.run({ mib: 16 });
  for (const design of ["always", "bdi-flag", "pg-stable", "modern"]) {
    expect(numbers[`${design}.total`]).toBeGreaterThan(1.5);
    expect(numbers[`${design}.total`]).toBeLessThan(4.3);
    expect(numbers[`${design}.errors`]).toBe(0);
  }
  expect(numbers["none.total"]).toBeLessThan(0.1);
  // the device has read the first page before anybody can change it
  expect(numbers["none.errors"]).toBe(4095);
  expect(() => stalls.run({ mib: 0 })).toThrow(/mib/);
});
