import * as core from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { flagsValue, NAMES, pollNames, signalName, signalNumber } from "./uapi.js";

describe("names of Linux's numbers", () => {
  it("agree with core's wherever both have one", () => {
    const exported = core as unknown as Record<string, unknown>;
    // The kernel counts real-time signals from 32, libc from 34.
    const both = Object.keys(NAMES).filter((name) => typeof exported[name] === "number" && name !== "SIGRTMIN");
    const differ = both.filter((name) => Number(exported[name]) >>> 0 !== NAMES[name] >>> 0);
    expect(differ).toEqual([]);
    expect(both.length).toBeGreaterThan(100);
  });
  it("a text of names is their union, also beyond 31 bits", () => {
    expect(flagsValue("O_RDWR|O_CREAT|O_CLOEXEC")).toBe(0o2000102);
    expect(flagsValue("CLONE_IO|CLONE_VM")).toBe(0x80000100);
    expect(flagsValue("EPOLLET|EPOLLIN")).toBe(0x80000001);
    expect(flagsValue("AT_FDCWD")).toBe(-100);
  });
  it("a text with an unknown name is no flags", () => {
    expect(flagsValue("O_RDWR|O_NOSUCH")).toBeUndefined();
    expect(flagsValue("hello")).toBeUndefined();
    expect(flagsValue("A")).toBeUndefined();
    expect(flagsValue("toString")).toBeUndefined();
  });
  it("signals and poll masks have names", () => {
    expect(signalNumber("SIGCHLD")).toBe(17);
    expect(signalNumber(40)).toBe(40);
    expect(signalName(9)).toBe("SIGKILL");
    expect(signalName(40)).toBe("40");
    expect(pollNames(1 | 16)).toBe("IN|HUP");
    expect(pollNames(0)).toBe("");
  });
});
