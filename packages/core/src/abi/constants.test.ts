import { describe, expect, it } from "vitest";
import * as c from "./constants.js";

describe("Linux's constants on x86-64", () => {
  it("open flags have the octal values of the x86 ABI", () => {
    expect(c.O_CREAT).toBe(0o100);
    expect(c.O_SYNC & c.O_DSYNC).toBe(c.O_DSYNC);
    expect(c.O_TMPFILE & c.O_DIRECTORY).toBe(c.O_DIRECTORY);
    expect(c.O_CLOEXEC).toBe(0o2000000);
  });
  it("the namespace flags of clone share no bit", () => {
    const ns = [
      c.CLONE_NEWTIME,
      c.CLONE_NEWNS,
      c.CLONE_NEWCGROUP,
      c.CLONE_NEWUTS,
      c.CLONE_NEWIPC,
      c.CLONE_NEWUSER,
      c.CLONE_NEWPID,
      c.CLONE_NEWNET,
    ];
    expect(ns.reduce((a, b) => a + b)).toBe(ns.reduce((a, b) => a | b));
    expect(c.CLONE_IO).toBe(2 ** 31);
    expect(c.CLONE_CLEAR_SIGHAND).toBe(2 ** 32);
  });
  it("there are 41 capabilities and their names lead both ways", () => {
    expect(c.capabilityNames.length).toBe(c.CAP_LAST_CAP + 1);
    expect(c.CAP_LAST_CAP).toBe(40);
    for (let i = 0; i <= c.CAP_LAST_CAP; i++) {
      const upper = c.capabilityName(i).toUpperCase();
      expect((c as Record<string, unknown>)[upper]).toBe(i);
      expect(c.capabilityByName(upper)).toBe(i);
      expect(c.capabilityByName(c.capabilityNames[i])).toBe(i);
    }
    expect(c.capabilityByName("CAP_NONE")).toBeUndefined();
    expect(c.capabilityName(99)).toBe("cap_99");
    expect(c.cap_valid(41)).toBe(false);
    expect(c.cap_valid(-1)).toBe(false);
    expect(c.cap_valid(0)).toBe(true);
    let lo = 0;
    let hi = 0;
    for (let i = 0; i <= 40; i++) {
      if (c.CAP_TO_INDEX(i) === 0) lo |= c.CAP_TO_MASK(i);
      else hi |= c.CAP_TO_MASK(i);
    }
    expect([lo >>> 0, hi]).toEqual([c.CAP_FULL_LO, c.CAP_FULL_HI]);
  });
  it("signals are named as kill -l does, real-time ones from SIGRTMIN", () => {
    expect(c.signalName(9)).toBe("SIGKILL");
    expect(c.signalName(31)).toBe("SIGSYS");
    expect(c.signalName(32)).toBe("SIGRTMIN");
    expect(c.signalName(64)).toBe("SIGRTMIN+32");
    expect(c.signalName(0)).toBe("0");
    expect(c.signalName(65)).toBe("65");
    for (const [name, v] of Object.entries(c))
      if (/^SIG[A-Z]/.test(name) && typeof v === "number" && v < 32 && !/^SIG(IOT|POLL|UNUSED|_|RT|EV)/.test(name))
        expect(c.signalName(v)).toBe(name);
  });
  it("a wait status says how the child ended", () => {
    expect(c.WIFEXITED(3 << 8) && c.WEXITSTATUS(3 << 8)).toBe(3);
    expect(c.WIFSIGNALED(9) && c.WTERMSIG(9)).toBe(9);
    expect(c.WIFSIGNALED(0x8b) && c.WCOREDUMP(0x8b) && c.WTERMSIG(0x8b)).toBe(11);
    expect(c.WIFSTOPPED(0x137f) && c.WSTOPSIG(0x137f)).toBe(19);
    expect(c.WIFCONTINUED(0xffff)).toBe(true);
    for (const s of [0, 3 << 8, 9, 0x8b, 0x137f, 0xffff]) {
      const kinds = [c.WIFEXITED(s), c.WIFSIGNALED(s), c.WIFSTOPPED(s), c.WIFCONTINUED(s)];
      expect(kinds.filter((k) => k).length, String(s)).toBe(1);
    }
  });
  it("a device number holds 12 bits of major and 20 of minor", () => {
    for (const [ma, mi] of [
      [1, 3],
      [8, 0],
      [253, 300],
      [4095, 1048575],
      [0, 0],
    ]) {
      const dev = c.makedev(ma, mi);
      expect([c.major(dev), c.minor(dev)]).toEqual([ma, mi]);
    }
    expect(c.makedev(1, 3)).toBe(0x103);
    expect(c.makedev(253, 300)).toBe(0x10fd2c);
  });
  it("a mode has one type", () => {
    const tests = [c.S_ISREG, c.S_ISDIR, c.S_ISLNK, c.S_ISCHR, c.S_ISBLK, c.S_ISFIFO, c.S_ISSOCK];
    const types = [c.S_IFREG, c.S_IFDIR, c.S_IFLNK, c.S_IFCHR, c.S_IFBLK, c.S_IFIFO, c.S_IFSOCK];
    types.forEach((t, i) => {
      expect(tests.map((f) => f(t | 0o7777)).indexOf(true)).toBe(i);
      expect(tests.filter((f) => f(t | 0o7777)).length).toBe(1);
    });
  });
  it("a limit beyond 2^53 is a bigint", () => {
    expect(c.RLIM_INFINITY).toBe(2n ** 64n - 1n);
  });
});
