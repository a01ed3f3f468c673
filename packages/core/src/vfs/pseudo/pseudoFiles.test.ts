import { describe, expect, test } from "vitest";
import { EPERM } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { cat, child, errno, kernelWith, ls, put, type TestKernel, user } from "../../proc/testProc.js";
import { mkdev } from "../dev.js";
import { FileOps } from "../file.js";
import { intSysctl, stringSysctl, uintSysctl, ulongSysctl } from "./sysctl.js";

const text = (b: Uint8Array): string => new TextDecoder().decode(b);

/** A kernel with a file of each kind over one object, as a package makes them. */
function withFiles(o: { n: number; shows: number; written: string[] }): TestKernel {
  return kernelWith((k) => {
    k.state.root("test.o", o);
    const show = (): string => {
      o.shows++;
      return `value ${o.n}\n`;
    };
    const store = (_c: unknown, _o: unknown, t: string): void => {
      o.written.push(t);
    };
    k.proc.file("/proc/test/rw", { show, store });
    k.proc.file("/proc/test/ro", { show });
    k.sysfs.file("/sys/kernel/test/rw", { show, store });
    k.sysfs.file("/sys/kernel/test/ro", { show });
    k.sysfs.file("/sys/kernel/test/wo", { store });
    k.debugfs.file("/sys/kernel/debug/test/ro", { show });
  });
}
const fresh = (): { n: number; shows: number; written: string[] } => ({ n: 1, shows: 0, written: [] });

describe("files of /proc", () => {
  test("the text is made by the read at 0 and kept while reading goes on", () => {
    const o = fresh();
    const k = withFiles(o);
    const sys = k.sys(k.init);
    const fd = sys.open("/proc/test/ro", 0);
    expect(text(sys.read(fd, 4))).toBe("valu");
    o.n = 22;
    expect(text(sys.read(fd, 100))).toBe("e 1\n");
    expect(sys.read(fd, 100).length).toBe(0);
    expect(o.shows).toBe(1);
    expect(text(sys.pread64(fd, 100, 6))).toBe("22\n");
    sys.lseek(fd, 0, 0);
    expect(text(sys.read(fd, 100))).toBe("value 22\n");
    expect(sys.lseek(fd, 3, 0)).toBe(3);
    expect(text(sys.read(fd, 2))).toBe("ue");
    expect(errno(() => sys.lseek(fd, 0, 2))).toBe("EINVAL");
  });

  test("root may open a read-only file for writing, and the write is EIO; others cannot open it", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    const fd = sys.open("/proc/test/ro", 1);
    expect(errno(() => sys.write(fd, "x"))).toBe("EIO");
    expect(errno(() => k.sys(user(k, 1000)).open("/proc/test/ro", 1))).toBe("EACCES");
    expect(sys.stat("/proc/test/ro")).toMatchObject({ mode: 0o100444, size: 0, nlink: 1 });
    expect(sys.stat("/proc/test").mode).toBe(0o40555);
  });

  test("a write does not move the offset, there is no pwrite, no O_DIRECT, and directories end at 0", () => {
    const o = fresh();
    const k = withFiles(o);
    const sys = k.sys(k.init);
    const fd = sys.open("/proc/test/rw", 2);
    expect(sys.write(fd, "abc")).toBe(3);
    expect(sys.lseek(fd, 0, 1)).toBe(0);
    expect(text(sys.read(fd, 3))).toBe("val");
    expect(sys.write(fd, "d")).toBe(1);
    expect(text(sys.read(fd, 9))).toBe("ue 1\n");
    expect(errno(() => sys.pwrite64(fd, "x", 0))).toBe("ESPIPE");
    expect(o.written).toEqual(["abc", "d"]);
    for (const p of ["/proc/test/rw", "/proc/self/status", "/sys/kernel/test/ro", "/proc/sys/kernel/ostype"])
      expect([p, errno(() => sys.open(p, 0o40000))]).toEqual([p, "EINVAL"]);
    for (const p of ["/proc", "/proc/self", "/proc/self/fd", "/proc/sys/kernel"])
      expect(sys.lseek(sys.open(p, 0o200000), 0, 2)).toBe(0);
    expect(errno(() => sys.open("/proc/self/ns/uts", 1))).toBe("EPERM");
  });

  test("nothing can be made, renamed or removed", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    expect(errno(() => sys.mkdir("/proc/x", 0o755))).toBe("ENOENT");
    expect(errno(() => sys.open("/proc/x", 0o101, 0o644))).toBe("ENOENT");
    expect(errno(() => sys.unlink("/proc/test/ro"))).toBe("EPERM");
    expect(errno(() => sys.rename("/proc/test/ro", "/proc/test/b"))).toBe("ENOENT");
  });

  test("a removed file is gone from its directory, and reading it through an open descriptor is EIO", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    const fd = sys.open("/proc/test/ro", 0);
    const { proc } = k.core;
    proc.remove(proc.find("/proc/test/ro")!);
    expect(ls(sys, "/proc/test")).toEqual([".", "..", "rw"]);
    expect(errno(() => sys.open("/proc/test/ro", 0))).toBe("ENOENT");
    expect(errno(() => sys.read(fd, 10))).toBe("EIO");
  });
});

describe("files of sysfs", () => {
  test("every write is one store, wherever the offset is; more than a page is cut", () => {
    const o = fresh();
    const k = withFiles(o);
    const sys = k.sys(k.init);
    const fd = sys.open("/sys/kernel/test/rw", 1);
    expect(sys.write(fd, "one\n")).toBe(4);
    expect(sys.write(fd, "two")).toBe(3);
    expect(sys.pwrite64(fd, "three", 100)).toBe(5);
    expect(o.written).toEqual(["one\n", "two", "three"]);
    expect(sys.write(fd, "x".repeat(5000))).toBe(4096);
  });

  test("a file is 4096 bytes long, and mode bits count at open even for root", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    expect(sys.stat("/sys/kernel/test/ro").size).toBe(4096);
    expect(errno(() => sys.open("/sys/kernel/test/ro", 1))).toBe("EACCES");
    expect(errno(() => sys.open("/sys/kernel/test/wo", 0))).toBe("EACCES");
    sys.chmod("/sys/kernel/test/ro", 0o400);
    expect(sys.stat("/sys/kernel/test/ro").mode).toBe(0o100400);
    expect(errno(() => k.sys(user(k, 5)).open("/sys/kernel/test/ro", 0))).toBe("EACCES");
  });

  test("directories of one kind share their files, which show the directory's object", () => {
    const seen: string[] = [];
    const k = kernelWith((c) => {
      const g = c.sysfs.group<{ name: string; big: boolean }>("test.thing", {
        name: { show: (_c, o) => `${o.name}\n` },
        big: { show: () => "1\n", visible: (o) => o.big },
        set: {
          store(_c, o, t) {
            seen.push(`${o.name}=${t}`);
          },
        },
      });
      const a = c.sysfs.dir("/sys/devices/things/a", { group: g, owner: { name: "a", big: true } });
      c.sysfs.dir("/sys/devices/things/b", { group: g, owner: { name: "b", big: false } });
      c.sysfs.link("/sys/class/things/a", a);
    });
    const sys = k.sys(k.init);
    expect(cat(sys, "/sys/devices/things/a/name")).toBe("a\n");
    expect(ls(sys, "/sys/devices/things/a")).toEqual([".", "..", "name", "big", "set"]);
    expect(ls(sys, "/sys/devices/things/b")).toEqual([".", "..", "name", "set"]);
    expect(errno(() => sys.open("/sys/devices/things/b/big", 0))).toBe("ENOENT");
    put(sys, "/sys/devices/things/b/set", "7");
    expect(seen).toEqual(["b=7"]);
    expect(String(sys.readlink("/sys/class/things/a", 4096))).toBe("../../devices/things/a");
    expect(cat(sys, "/sys/class/things/a/name")).toBe("a\n");
    const names = sys.getdents64(sys.open("/sys/devices/things/a", 0o200000), 4096);
    for (const e of names.slice(2)) expect(sys.stat(`/sys/devices/things/a/${e.name}`).ino).toBe(e.ino);
  });

  test("poll says PRI and ERR until the file is read after a notification", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    const fd = sys.open("/sys/kernel/test/ro", 0);
    const ready = (): number => sys.poll([{ fd, events: 2 | 8 }], 0)[0].revents;
    expect(ready()).toBe(2 | 8);
    sys.read(fd, 100);
    expect(ready()).toBe(0);
    k.core.sysfs.notify(k.core.sysfs.find("kernel/test")!, "ro");
    expect(ready()).toBe(2 | 8);
    sys.pread64(fd, 100, 0);
    expect(ready()).toBe(0);
    const waiter = child(k);
    const p = k.call(waiter).poll([{ fd, events: 2 }], -1);
    k.run("1ms");
    expect(p.done).toBe(false);
    k.core.sysfs.notify(k.core.sysfs.find("kernel/test/ro")!);
    k.run("1ms");
    expect(p.value[0].revents).toBe(2 | 8);
  });

  test("a removed directory takes its files along: ENODEV through open descriptors", () => {
    const k = withFiles(fresh());
    const sys = k.sys(k.init);
    const fd = sys.open("/sys/kernel/test/rw", 2);
    k.core.sysfs.remove(k.core.sysfs.find("/sys/kernel/test")!);
    expect(errno(() => sys.read(fd, 10))).toBe("ENODEV");
    expect(errno(() => sys.write(fd, "1"))).toBe("ENODEV");
    expect(errno(() => sys.stat("/sys/kernel/test"))).toBe("ENOENT");
  });
});

describe("files of /proc/sys", () => {
  const o = { a: 5, three: [1, 2, 3], u: 7, l: 9 as number | bigint, s: "abc" };
  const k = kernelWith((c) => {
    c.sysctl.registerAll("kernel/test", {
      a: intSysctl({
        min: 0,
        max: 100,
        get: () => o.a,
        set: (_c, v) => {
          o.a = v;
        },
      }),
      three: intSysctl({
        count: 3,
        get: () => o.three,
        set: (_c, v, i) => {
          o.three[i] = v;
        },
      }),
      u: uintSysctl({
        get: () => o.u,
        set: (_c, v) => {
          o.u = v;
        },
      }),
      l: ulongSysctl({
        get: () => o.l,
        set: (_c, v) => {
          o.l = v;
        },
      }),
      s: stringSysctl({
        size: 8,
        get: () => o.s,
        set: (_c, v) => {
          o.s = v;
        },
      }),
      refuses: intSysctl({ get: () => 0, set: () => fail(EPERM) }),
    });
  });
  const sys = k.sys(k.init);
  const at = (name: string): string => `/proc/sys/kernel/test/${name}`;

  test("numbers: syntax, ranges, and how much of a write is taken", () => {
    expect(put(sys, at("a"), "12\n")).toBe(3);
    expect(put(sys, at("a"), " 0x10")).toBe(5);
    expect(o.a).toBe(16);
    expect(put(sys, at("a"), "12 13")).toBe(3);
    expect(o.a).toBe(12);
    for (const bad of ["101", "-1", "x", "\n", "1x", "99999999999999999999999"])
      expect([bad, errno(() => put(sys, at("a"), bad))]).toEqual([bad, "EINVAL"]);
    expect(put(sys, at("a"), "")).toBe(0);
    expect(o.a).toBe(12);
    put(sys, at("three"), "7 8");
    expect(cat(sys, at("three"))).toBe("7\t8\t3\n");
    put(sys, at("l"), "18446744073709551615");
    expect(cat(sys, at("l"))).toBe("18446744073709551615\n");
    expect(errno(() => put(sys, at("u"), "-1"))).toBe("EINVAL");
    expect(errno(() => put(sys, at("refuses"), "1"))).toBe("EPERM");
  });

  test("a write behind the beginning of a number is claimed and ignored; a string goes on there", () => {
    o.a = 1;
    const fd = sys.open(at("a"), 2);
    expect(sys.write(fd, "2")).toBe(1);
    expect(sys.write(fd, "3")).toBe(1);
    expect(o.a).toBe(2);
    expect(sys.pread64(fd, 10, 1).length).toBe(0);
    const s = sys.open(at("s"), 2);
    expect(sys.write(s, "xy")).toBe(2);
    expect(sys.write(s, "z\nrest")).toBe(6);
    expect(o.s).toBe("xyz");
    expect(text(sys.pread64(s, 10, 1))).toBe("yz\n");
    put(sys, at("s"), "0123456789");
    expect(o.s).toBe("0123456");
  });

  test("mode bits are all that counts, and nobody changes them", () => {
    expect(errno(() => sys.open("/proc/sys/kernel/ostype", 1))).toBe("EACCES");
    expect(errno(() => sys.chmod(at("a"), 0o666))).toBe("EPERM");
    expect(errno(() => sys.unlink(at("a")))).toBe("EACCES");
    expect(errno(() => k.sys(user(k, 1000)).open(at("a"), 1))).toBe("EACCES");
    expect(sys.stat("/proc/sys/kernel")).toMatchObject({ mode: 0o40555, nlink: 1 });
  });

  test("boot parameters set values, and say so in the log if they cannot", () => {
    const b = kernelWith(() => {}, {
      cmdline: "sysctl.vm.swappiness=17 sysctl.kernel.nothing=1 sysctl.kernel.panic=x",
    });
    expect(b.core.mm.sysctl.swappiness).toBe(17);
    const log = b.core.takeEarlyLog().map((l) => l.text);
    expect(log).toContain("Failed to set sysctl parameter 'kernel/nothing=1': parameter not found");
    expect(log).toContain("Failed to set sysctl parameter 'kernel/panic=x': invalid value");
  });

  test("a package's file takes the place of core's", () => {
    const b = kernelWith((c) => {
      c.sysctl.register("vm/swappiness", intSysctl({ get: () => 42 }));
    });
    expect(cat(b.sys(b.init), "/proc/sys/vm/swappiness")).toBe("42\n");
  });
});

describe("devices", () => {
  test("null swallows, zero and full give zeros, full takes nothing, random gives", () => {
    const k = kernelWith(() => {});
    const sys = k.sys(k.init);
    const fd = (name: string): number => sys.open(`/dev/${name}`, 2);
    expect(sys.write(fd("null"), "abc")).toBe(3);
    expect(sys.read(fd("null"), 10).length).toBe(0);
    expect([...sys.read(fd("zero"), 4)]).toEqual([0, 0, 0, 0]);
    expect(errno(() => sys.write(fd("full"), "x"))).toBe("ENOSPC");
    expect(sys.read(fd("urandom"), 64).length).toBe(64);
    expect(errno(() => sys.open("/dev/tty", 0))).toBe("ENXIO");
    expect(sys.stat("/dev/null")).toMatchObject({ mode: 0o20666, rdev: mkdev(1, 3) });
    expect(cat(sys, "/sys/class/mem/null/dev")).toBe("1:3\n");
    expect(cat(sys, "/sys/dev/char/1:5/uevent")).toBe("MAJOR=1\nMINOR=5\nDEVNAME=zero\n");
    sys.mknod("/tmp/n", 0o20666, mkdev(1, 3));
    expect(sys.write(sys.open("/tmp/n", 1), "abc")).toBe(3);
    sys.mknod("/tmp/x", 0o20666, mkdev(99, 3));
    expect(errno(() => sys.open("/tmp/x", 1))).toBe("ENXIO");
  });

  test("a package's driver gets its node, its place in sysfs and what is written", () => {
    const got: string[] = [];
    const k = kernelWith((c) => {
      const ops = new FileOps({
        write(_c, _f, data) {
          got.push(text(data));
          return data.length;
        },
      });
      c.devices.chrdev(mkdev(10, 7), "thing/x", ops, { mode: 0o600 });
    });
    const sys = k.sys(k.init);
    sys.write(sys.open("/dev/thing/x", 1), "hello");
    expect(got).toEqual(["hello"]);
    expect(cat(sys, "/proc/devices")).toContain(" 10 misc\n");
  });

  test("modules show their parameters", () => {
    let n = "1";
    const k = kernelWith((c) => {
      const p = {
        mode: 0o644,
        get: () => n,
        set: (v: string) => {
          n = v;
        },
      };
      c.tasks.modules.register({ name: "mod", params: { n: p }, builtin: true });
    });
    const sys = k.sys(k.init);
    expect(cat(sys, "/sys/module/mod/parameters/n")).toBe("1\n");
    put(sys, "/sys/module/mod/parameters/n", "5\n");
    expect(n).toBe("5");
  });
});

describe("files that are put off until somebody looks", () => {
  test("have the numbers and the order of files made at once, whoever looks first and how", () => {
    const make = (later: boolean): TestKernel =>
      kernelWith((k) => {
        const files = (): void => {
          k.sysfs.file("/sys/put/off/a", { show: () => "a\n" });
          k.sysfs.link("/sys/put/b", k.sysfs.dir("/sys/put/off"));
        };
        if (later) k.sysfs.later(files);
        else files();
        if (later) k.sysfs.later(() => k.sysfs.file("/sys/put/c", { show: () => "c\n" }));
        else k.sysfs.file("/sys/put/c", { show: () => "c\n" });
      });
    const numbers = (k: TestKernel, first: string): unknown[] => {
      const sys = k.sys(k.init);
      if (first === "list") ls(sys, "/sys");
      else if (first === "stat") sys.stat("/sys");
      else if (first === "another") k.core.sysfs.file("/sys/put/later", { show: () => "" });
      else sys.stat(first);
      return [
        ...["/sys/put", "/sys/put/off", "/sys/put/off/a", "/sys/put/c"].map((p) => sys.stat(p).ino),
        sys.stat("/sys").nlink,
        ls(sys, "/sys/put").filter((n) => n !== "later"),
      ];
    };
    const eager = numbers(make(false), "list");
    for (const first of ["list", "stat", "another", "/sys/put/c", "/sys/put/off/a", "/sys/kernel/debug"])
      expect(numbers(make(true), first)).toEqual(eager);
  });

  test("are in a checkpoint whether somebody has looked or not", () => {
    const looked = kernelWith(() => {});
    const { sysfs, proc, sysctl, tracefs, mm } = looked.core;
    expect(sysfs.find("devices/system/cpu/online")).not.toBe(null);
    expect(proc.find("stat")).not.toBe(null);
    expect(sysctl.tree.find("kernel/pid_max")).not.toBe(null);
    expect(tracefs.find("events/enable")).not.toBe(null);
    expect(mm.frames.flags[0]).not.toBe(0);
    expect(JSON.stringify(kernelWith(() => {}).checkpoint())).toBe(JSON.stringify(looked.checkpoint()));
  });
});
