import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from "../abi/sched.js";
import { createKernel } from "../kernel/full.js";
import { nameToInt } from "./proc.js";
import { cat, child, errno, kernelWith, ls, put, type Sys, type TestKernel, user } from "./testProc.js";

const boot = (): TestKernel => kernelWith(() => {});

function thread(k: TestKernel): number {
  return k.sys(k.init).clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD);
}

describe("/proc", () => {
  test("lists its files by length of name, then self and thread-self, then processes in ascending order", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const pids = [sys.fork(), sys.fork()];
    const names = ls(sys, "/proc", 256);
    expect(names.slice(0, 4)).toEqual([".", "..", "fs", "bus"]);
    const files = names.slice(2, names.indexOf("self"));
    expect(files).toEqual([...files].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)));
    const numbers = names.slice(names.indexOf("thread-self") + 1).map(Number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers).toEqual(expect.arrayContaining([1, 2, ...pids]));
    expect(new Set(names).size).toBe(names.length);
  });

  test("many processes are listed completely, whatever the buffer", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const pids = Array.from({ length: 700 }, () => String(sys.fork()));
    expect(ls(sys, "/proc", 400).filter((n) => Number(n) >= 300)).toEqual(pids);
  });

  test("self is the reader's process, thread-self its thread", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const tid = thread(k);
    const t = k.sys(k.tasks.find(tid)!);
    expect(String(t.readlink("/proc/self", 100))).toBe("1");
    expect(String(t.readlink("/proc/thread-self", 100))).toBe(`1/task/${tid}`);
    expect(cat(sys, "/proc/thread-self/stat")).toMatch(/^1 /);
    expect(ls(sys, "/proc/self/task")).toEqual([".", "..", "1", String(tid)]);
    // a thread has a directory, which is not listed
    expect(cat(sys, `/proc/${tid}/status`)).toContain(`Tgid:\t1\nNgid:\t0\nPid:\t${tid}\n`);
    expect(ls(sys, "/proc")).not.toContain(String(tid));
    expect(errno(() => sys.open(`/proc/2/task/${tid}/stat`, 0))).toBe("ENOENT");
    expect(sys.stat("/proc/1/task").nlink).toBe(4);
  });

  test("names that are no plain numbers are no processes", () => {
    for (const n of ["01", "+1", "1x", "", "-1", " 1", "99999999999"]) expect(nameToInt(n)).toBe(-1);
    expect(nameToInt("0")).toBe(0);
  });

  test("the loads are averages over 1, 5 and 15 minutes of what runs", () => {
    const k = boot();
    const sys = k.sys(k.init);
    expect(cat(sys, "/proc/loadavg")).toMatch(/^0\.00 0\.00 0\.00 1\/\d+ \d+\n$/);
    const t = child(k);
    const p = k.call(t).compute(60e9);
    k.run("60s");
    expect(p.done).toBe(true);
    const [one, five, fifteen] = cat(sys, "/proc/loadavg").split(" ").map(Number);
    // 1 - e^-1, 1 - e^-0.2, 1 - e^-0.067
    expect(one).toBeGreaterThan(0.55);
    expect(one).toBeLessThan(0.66);
    expect(five).toBeCloseTo(0.18, 1);
    expect(fifteen).toBeLessThan(five);
  });

  test("uptime and the CPU times of stat are what virtual time says", () => {
    const k = boot();
    k.run("12.34s");
    const sys = k.sys(k.init);
    expect(cat(sys, "/proc/uptime")).toBe("12.34 24.68\n");
    expect(cat(sys, "/proc/stat")).toMatch(/^cpu {2}0 0 0 2468 0 0 0 0 0 0\ncpu0 0 0 0 1234 /);
  });

  test("hidepid keeps other users' processes out of sight", () => {
    const k = boot();
    const root = k.sys(k.init);
    const u = user(k, 1000);
    const sys = k.sys(u);
    root.mount("proc", "/proc", "proc", 0x20, "hidepid=invisible");
    expect(ls(sys, "/proc").filter((n) => /^\d/.test(n))).toEqual([String(u.nr)]);
    expect(errno(() => sys.open("/proc/1/stat", 0))).toBe("ENOENT");
    expect(cat(sys, "/proc/self/mounts")).toContain("proc /proc proc rw,relatime,hidepid=invisible 0 0\n");
    root.mount("proc", "/proc", "proc", 0x20, "hidepid=1");
    expect(errno(() => sys.open("/proc/1/stat", 0))).toBe("EPERM");
    expect(errno(() => root.mount("proc", "/proc", "proc", 0x20, "hidepid=9"))).toBe("EINVAL");
  });
});

describe("/proc/PID", () => {
  test("what is left of a zombie: no memory, no descriptors, state Z", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const t = child(k);
    const pid = t.nr;
    const fd = sys.open(`/proc/${pid}/status`, 0);
    const dir = sys.open(`/proc/${pid}`, 0o200000);
    k.sys(t).setresuid(1000, 1000, 1000);
    k.call(t).exit(3);
    expect(cat(sys, `/proc/${pid}/stat`)).toMatch(/^\d+ \(init\) Z 1 /);
    expect(cat(sys, `/proc/${pid}/stat`)).toMatch(/ 768\n$/);
    expect(cat(sys, `/proc/${pid}/statm`)).toBe("0 0 0 0 0 0 0\n");
    for (const f of ["cmdline", "maps", "coredump_filter"]) expect(cat(sys, `/proc/${pid}/${f}`)).toBe("");
    for (const f of ["environ", "mem", "smaps_rollup"])
      expect(errno(() => cat(sys, `/proc/${pid}/${f}`))).toBe("ESRCH");
    expect(cat(sys, `/proc/${pid}/status`)).not.toContain("Vm");
    expect(ls(sys, `/proc/${pid}/fd`)).toEqual([".", ".."]);
    expect(errno(() => sys.readlink(`/proc/${pid}/exe`, 100))).toBe("ENOENT");
    // files of what has no memory are root's, but for directories that all may read
    expect(sys.stat(`/proc/${pid}/status`).uid).toBe(0);
    expect(sys.stat(`/proc/${pid}`).uid).toBe(1000);
    expect(sys.wait4(pid, 0).pid).toBe(pid);
    expect(errno(() => sys.open(`/proc/${pid}/stat`, 0))).toBe("ENOENT");
    expect(errno(() => sys.read(fd, 10))).toBe("ESRCH");
    expect(errno(() => sys.getdents64(dir, 1000))).toBe("ENOENT");
    expect(errno(() => sys.openat(dir, "stat", 0))).toBe("ESRCH");
  });

  test("kernel threads have neither command line nor memory and belong to root", () => {
    const k = boot();
    const sys = k.sys(k.init);
    expect(cat(sys, "/proc/2/cmdline")).toBe("");
    expect(cat(sys, "/proc/2/stat")).toMatch(/^2 \(kthreadd\) I 0 0 0 0 -1 2097152 /);
    expect(cat(sys, "/proc/2/status")).toContain("Kthread:\t1\nThreads:\t1\n");
    expect(errno(() => sys.readlink("/proc/2/exe", 100))).toBe("ENOENT");
  });

  test("a process that is not dumpable belongs to root", () => {
    const k = boot();
    const u = user(k, 1000);
    const sys = k.sys(u);
    expect(sys.stat("/proc/self/status").uid).toBe(0); // it changed its ids
    sys.prctl(4, 1);
    expect(sys.stat("/proc/self/status").uid).toBe(1000);
    expect(sys.stat("/proc/self/fd").mode).toBe(0o40500);
  });

  test("a name with blanks, parentheses and newlines is raw in stat and comm, escaped in status", () => {
    const k = boot();
    const sys = k.sys(k.init);
    expect(put(sys, "/proc/self/comm", "a) b\\\nc")).toBe(7);
    expect(cat(sys, "/proc/self/comm")).toBe("a) b\\\nc\n");
    expect(cat(sys, "/proc/self/stat")).toMatch(/^1 \(a\) b\\\nc\) R /);
    expect(cat(sys, "/proc/self/status")).toContain("Name:\ta) b\\\\\\nc\n");
    const t = child(k);
    expect(errno(() => put(k.sys(t), "/proc/1/comm", "x"))).toBe("EINVAL");
  });

  test("oom_score_adj below what was set with privilege needs CAP_SYS_RESOURCE", () => {
    const k = boot();
    const u = user(k, 1000);
    const sys = k.sys(u);
    sys.prctl(4, 1);
    expect(put(sys, "/proc/self/oom_score_adj", "300")).toBe(3);
    expect(put(sys, "/proc/self/oom_score_adj", "0")).toBe(1);
    expect(errno(() => put(sys, "/proc/self/oom_score_adj", "-1"))).toBe("EACCES");
    expect(put(k.sys(k.init), `/proc/${u.nr}/oom_score_adj`, "-500")).toBe(4);
    expect(cat(sys, "/proc/self/oom_adj")).toBe("-8\n");
  });

  test("coredump_filter and loginuid are inherited by children, and loginuid is set once", () => {
    const k = boot();
    const sys = k.sys(k.init);
    expect(put(sys, "/proc/self/coredump_filter", "1000")).toBe(4);
    expect(cat(sys, "/proc/self/coredump_filter")).toBe("000001e8\n");
    expect(errno(() => put(sys, "/proc/self/coredump_filter", "-1"))).toBe("EINVAL");
    expect(errno(() => put(sys, "/proc/self/loginuid", "-1"))).toBe("EINVAL");
    put(sys, "/proc/self/loginuid", "5");
    expect(cat(sys, "/proc/self/loginuid") + cat(sys, "/proc/self/sessionid")).toBe("51");
    const u = user(k, 1000);
    const other = k.sys(u);
    other.prctl(4, 1);
    expect(cat(other, "/proc/self/coredump_filter")).toBe("000001e8\n");
    expect(cat(other, "/proc/self/loginuid")).toBe("5");
    expect(errno(() => put(other, "/proc/self/loginuid", "6"))).toBe("EPERM");
    expect(errno(() => put(sys, `/proc/${u.nr}/loginuid`, "6"))).toBe("EPERM");
  });

  test("links of descriptors lead to what is open, removed or not, and a new open is checked anew", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const fd = sys.open("/tmp/f", 0o102, 0o600);
    sys.write(fd, "abc");
    sys.unlink("/tmp/f");
    expect(String(sys.readlink(`/proc/self/fd/${fd}`, 100))).toBe("/tmp/f (deleted)");
    const again = sys.open(`/proc/self/fd/${fd}`, 0);
    expect(new TextDecoder().decode(sys.read(again, 10))).toBe("abc");
    expect(sys.lstat(`/proc/self/fd/${fd}`)).toMatchObject({ mode: 0o120700, size: 64 });
    expect(sys.lstat(`/proc/self/fd/${again}`).mode).toBe(0o120500);
    expect(cat(sys, `/proc/self/fdinfo/${fd}`)).toMatch(/^pos:\t3\nflags:\t0100002\nmnt_id:\t\d+\nino:\t\d+\n$/);
    sys.close(fd);
    expect(errno(() => sys.lstat(`/proc/self/fd/${fd}`))).toBe("ENOENT");
    const [r] = sys.pipe2(0);
    expect(String(sys.readlink(`/proc/self/fd/${r}`, 100))).toMatch(/^pipe:\[\d+\]$/);
    expect(ls(sys, "/proc/self/fd").slice(2).map(Number)).toEqual(expect.arrayContaining([again, r, r + 1]));
    const u = user(k, 1000);
    expect(errno(() => ls(k.sys(u), "/proc/1/fd"))).toBe("EACCES");
    expect(errno(() => k.sys(u).readlink("/proc/1/cwd", 100))).toBe("EACCES");
  });

  test("root, cwd and exe lead there", () => {
    const k = boot();
    const sys = k.sys(k.init);
    sys.mkdir("/tmp/d", 0o755);
    sys.chdir("/tmp/d");
    expect(String(sys.readlink("/proc/self/cwd", 100))).toBe("/tmp/d");
    sys.mkdir("/proc/self/cwd/e", 0o755);
    expect(sys.stat("/tmp/d/e").mode).toBe(0o40755);
    expect(String(sys.readlink("/proc/self/root", 100))).toBe("/");
  });

  test("a namespace is a file that keeps its number", () => {
    const k = boot();
    const sys = k.sys(k.init);
    expect(String(sys.readlink("/proc/self/ns/uts", 100))).toBe("uts:[4026531838]");
    expect(sys.stat("/proc/self/ns/uts")).toMatchObject({ ino: 4026531838, mode: 0o100444 });
    const fd = sys.open("/proc/self/ns/pid", 0);
    expect(sys.fstat(fd).ino).toBe(4026531836);
    expect(String(sys.readlink(`/proc/self/fd/${fd}`, 100))).toBe("pid:[4026531836]");
    // nobody has the others any more
    expect([...k.core.proc.nsDentries.keys()].map((n) => n.type.name)).toEqual(["pid"]);
    sys.close(fd);
    expect(k.core.proc.nsDentries.size).toBe(0);
    expect(k.tasks.nsOfFd?.(k.init, sys.open("/proc/self/ns/user", 0))).toBe(k.tasks.initUserNs);
  });

  test("mountinfo shows the mounts below the reader's root, and polls when they change", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const fd = sys.open("/proc/self/mounts", 0);
    expect(sys.poll([{ fd, events: 2 }], 0)[0].revents).toBe(0);
    sys.mkdir("/tmp/a b", 0o755);
    sys.mount("src#1", "/tmp/a b", "tmpfs", 2, "size=4k");
    expect(sys.poll([{ fd, events: 2 }], 0)[0].revents).toBe(2 | 8);
    expect(sys.poll([{ fd, events: 2 }], 0)[0].revents).toBe(0);
    expect(cat(sys, "/proc/self/mounts")).toContain("src\\0431 /tmp/a\\040b tmpfs rw,nosuid,relatime,size=4k 0 0\n");
    expect(cat(sys, "/proc/self/mountinfo")).toMatch(
      /^\d+ \d+ 0:\d+ \/ \/tmp\/a\\040b rw,nosuid,relatime - tmpfs src\\0431 rw,size=4k$/m,
    );
    const t = child(k);
    k.sys(t).chroot("/tmp/a b");
    expect(cat(sys, `/proc/${t.nr}/mounts`)).toBe("src\\0431 / tmpfs rw,nosuid,relatime,size=4k 0 0\n");
  });

  test("limits are columns", () => {
    const k = boot();
    const sys = k.sys(k.init);
    sys.setrlimit(7, { cur: 100, max: 200 });
    const text = cat(sys, "/proc/self/limits");
    expect(text).toContain("Max open files            100                  200                  files     \n");
    expect(text).toContain("Max stack size            8388608              unlimited            bytes     \n");
    expect(text).toContain("Max nice priority         0                    0                    \n");
  });
});

describe("the whole of it", () => {
  test("names of processes that are gone are not kept", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const round = (): void => {
      const t = child(k);
      cat(sys, `/proc/${t.nr}/stat`);
      k.call(t).exit(0);
      sys.wait4(t.nr, 0);
    };
    round();
    const before = k.core.vfs.dcache.count;
    for (let i = 0; i < 20; i++) round();
    expect(k.core.vfs.dcache.count).toBe(before);
    expect(k.core.proc.lookedUp.size).toBeLessThan(3);
  });

  test("a snapshot keeps open files, nodes and values; the digest goes on alike", () => {
    const run = (k: TestKernel): string => {
      const sys = k.sys(k.init);
      put(sys, "/proc/sys/vm/swappiness", "33");
      k.run("1s");
      return cat(sys, "/proc/uptime") + k.digest();
    };
    const a = createKernel({}).boot() as TestKernel;
    const sys = a.sys(a.init);
    put(sys, "/proc/sys/kernel/panic", "9");
    const fd = sys.open("/proc/self/status", 0);
    sys.read(fd, 10);
    sys.chmod("/sys/kernel/address_bits", 0o400);
    sys.open("/proc/self/ns/uts", 0);
    const b = createKernel({}).restore(JSON.parse(JSON.stringify(a.checkpoint()))) as TestKernel;
    for (const k of [a, b]) {
      const s = k.sys(k.init);
      expect(cat(s, "/proc/sys/kernel/panic")).toBe("9\n");
      expect(s.stat("/sys/kernel/address_bits").mode).toBe(0o100400);
      expect(new TextDecoder().decode(s.read(fd, 6))).toBe("\nUmask");
    }
    expect(run(a)).toBe(run(b));
  });

  /** Every file below a directory, links not followed. */
  function files(sys: Sys, dir: string, depth: number, out: string[] = []): string[] {
    for (const n of ls(sys, dir)) {
      if (n === "." || n === "..") continue;
      const p = `${dir}/${n}`;
      const type = errno(() => sys.lstat(p)) === "" ? sys.lstat(p).mode & 0o170000 : 0;
      if (type === 0o040000 && depth > 0) files(sys, p, depth - 1, out);
      else if (type === 0o100000) out.push(p);
    }
    return out;
  }

  test("every file can be read by root in pieces as it is read at once, and nothing but errno comes out", () => {
    const k = boot();
    const sys = k.sys(k.init);
    const all = [...files(sys, "/proc", 4), ...files(sys, "/sys", 7)];
    expect(all.length).toBeGreaterThan(300);
    for (const p of all) {
      if (/pagemap|\/mem$|uuid|clear_refs/.test(p) || (sys.stat(p).mode & 0o444) === 0) continue;
      let whole = "";
      const e = errno(() => {
        whole = cat(sys, p);
      });
      const none = p.includes("/attr/") ? "EINVAL" : /^\/proc\/2\/.*(smaps_rollup|environ|auxv)/.test(p) ? "ESRCH" : "";
      expect([p, e]).toEqual([p, none]);
      // numbers below /proc/sys give nothing behind their beginning
      if (!p.startsWith("/proc/sys/") && whole.length < 2000 && e === "")
        expect([p, cat(sys, p, 7)]).toEqual([p, whole]);
    }
  });

  test("hostile writes fail with an errno or take bytes, by root and by others", () => {
    const k = boot();
    const root = k.sys(k.init);
    const u = k.sys(user(k, 1000));
    const all = [...files(root, "/proc", 4), ...files(root, "/sys", 7)].filter((p) => !/\/online$/.test(p));
    const junk = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom(
        "",
        "\0",
        "-1",
        "99999999999999999999999999",
        "0x",
        " \n",
        "1 2 3 4 5 6 7 8",
        "9".repeat(5000),
        "-\n",
        "\xff\xfe",
      ),
      fc.integer().map(String),
    );
    fc.assert(
      fc.property(fc.constantFrom(...all), junk, fc.nat(5), fc.boolean(), (p, data, pos, asRoot) => {
        const sys = asRoot ? root : u;
        let fd = -1;
        if (errno(() => (fd = sys.open(p, 1))) !== "") return;
        const bytes = new TextEncoder().encode(data);
        let n = 0;
        const e = errno(() => (n = sys.pwrite64(fd, bytes, pos)));
        sys.close(fd);
        if (e === "" && (n < 0 || n > bytes.length)) throw new Error(`${p}: ${n} of ${bytes.length} bytes`);
      }),
      { numRuns: 600, seed: 7 },
    );
  });
});
