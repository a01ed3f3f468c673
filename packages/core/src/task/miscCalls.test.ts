import { describe, expect, it } from "vitest";
import { GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM } from "../abi/random.js";
import {
  LINUX_REBOOT_CMD_CAD_ON,
  LINUX_REBOOT_CMD_KEXEC,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_MAGIC2C,
} from "../abi/reboot.js";
import { createMachine } from "../kernel/createKernel.js";
import { createKernel } from "../kernel/full.js";
import { program } from "../kernel/program.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import type { Task } from "./task.js";

function machine(o = {}) {
  const kernel = createMachine(o).boot();
  const a = kernel.tasks.forkDriven();
  const user = () => {
    const s = kernel.sys(kernel.tasks.find(kernel.sys(a).fork()) as Task);
    s.setresuid(1000, 1000, 1000);
    return s;
  };
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), user };
}

describe("uname", () => {
  it("shows the machine's names; host and domain name are set with CAP_SYS_ADMIN, 64 bytes at most", () => {
    const { sys, user } = machine({ machine: { release: "6.1.0", hostname: "box" } });
    expect(sys.uname()).toEqual({
      sysname: "Linux",
      nodename: "box",
      release: "6.1.0",
      version: "#1 SMP PREEMPT_DYNAMIC",
      machine: "x86_64",
      domainname: "(none)",
    });
    sys.sethostname("n".repeat(64));
    expect(sys.uname().nodename.length).toBe(64);
    expect(() => sys.sethostname("n".repeat(65))).toThrow("EINVAL");
    expect(() => sys.sethostname("x", -1)).toThrow("EINVAL");
    sys.setdomainname("example.org", 7);
    expect(sys.uname().domainname).toBe("example");
    expect(() => user().sethostname("n".repeat(65))).toThrow("EPERM");
  });
});

describe("getrandom", () => {
  it("gives any size whole, differently each time, and the same for the same seed", () => {
    const a = machine({ seed: 5 }).sys;
    const b = machine({ seed: 5 }).sys;
    const c = machine({ seed: 6 }).sys;
    const x = a.getrandom(16);
    expect(x.length).toBe(16);
    expect(a.getrandom(16)).not.toEqual(x);
    expect(b.getrandom(16)).toEqual(x);
    expect(c.getrandom(16)).not.toEqual(x);
    expect(a.getrandom(300, GRND_INSECURE).length).toBe(300);
    expect(a.getrandom(0).length).toBe(0);
  });

  it("checks its flags, then the buffer", () => {
    const { sys } = machine();
    expect(() => sys.getrandom(10, GRND_RANDOM | GRND_INSECURE)).toThrow("EINVAL");
    expect(() => sys.getrandom(10, 8, null)).toThrow("EINVAL");
    expect(() => sys.getrandom(10, 0, null)).toThrow("EFAULT");
  });

  it("of a machine that is not seeded yet waits, or is EAGAIN", () => {
    const { kernel, a, sys } = machine({ cmdline: "random.seeded=0" });
    expect(() => sys.getrandom(1, GRND_NONBLOCK)).toThrow("EAGAIN");
    expect(sys.getrandom(1, GRND_INSECURE).length).toBe(1);
    const p = kernel.call(a).getrandom(4);
    expect(p.done).toBe(false);
  });
});

describe("sysinfo", () => {
  it("tells uptime, memory in bytes and the number of threads", () => {
    const { kernel, sys } = machine({ machine: { memory: "2G" } });
    kernel.run("90s");
    expect(sys.sysinfo()).toMatchObject({ uptime: 90, totalram: 2 ** 31, mem_unit: 1, procs: 3 });
  });

  it("of a full kernel tells the load of /proc/loadavg, with 16 bits of fraction", () => {
    const kernel = createKernel({ machine: { cpus: 1 } }).boot();
    const hog = program("hog", function* (sys: Program<CoreSys>, _: object) {
      yield* sys.compute(120e9);
    });
    kernel.spawn(hog, {});
    kernel.run("60s");
    const { loads } = kernel.sys(kernel.init).sysinfo();
    expect(loads[0]).toBeGreaterThan(0);
    expect(loads).toEqual(kernel.core.proc.loadavg.now().map((load) => load * 32));
  });
});

describe("reboot", () => {
  it("checks the privilege, the magic numbers, then the command; listeners decide what happens", () => {
    const { k, sys, user } = machine();
    const seen: number[] = [];
    expect(() => user().reboot(0, 0, 0)).toThrow("EPERM");
    expect(() => sys.reboot(0, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF)).toThrow("EINVAL");
    expect(() => sys.reboot(LINUX_REBOOT_MAGIC1, 1, LINUX_REBOOT_CMD_POWER_OFF)).toThrow("EINVAL");
    expect(() => sys.reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 77)).toThrow("EINVAL");
    expect(() => sys.reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC)).toThrow("EINVAL");
    expect(sys.reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2C, LINUX_REBOOT_CMD_CAD_ON)).toBe(0);
    k.hooks.reboot.tap(900, "test", (cmd) => void seen.push(cmd));
    sys.reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF);
    expect(seen).toEqual([LINUX_REBOOT_CMD_POWER_OFF]);
    expect(k.takeEarlyLog().at(-1)?.text).toBe("reboot: Power down");
  });
});

describe("modules", () => {
  it("take parameters from the command line, then from who loads them", () => {
    const { k } = machine({ cmdline: "my-mod.level=3 my_mod.nonsense=1" });
    let level = "0";
    const did: string[] = [];
    k.tasks.modules.register({
      name: "my_mod",
      params: {
        level: {
          mode: 0o644,
          get: () => level,
          set: (s) => {
            level = s;
          },
        },
      },
      init: () => void did.push(`init ${level}`),
      exit: () => void did.push("exit"),
    });
    expect(() => k.tasks.modules.load("other")).toThrow();
    k.tasks.modules.load("my-mod", ["level=4"]);
    expect(() => k.tasks.modules.load("my_mod")).toThrow();
    expect(k.tasks.modules.isLoaded("my_mod")).toBe(true);
    k.tasks.modules.unload("my_mod");
    expect(() => k.tasks.modules.unload("my_mod")).toThrow();
    expect(did).toEqual(["init 4", "exit"]);
    expect(k.takeEarlyLog().some((l) => l.text === "my_mod: unknown parameter 'nonsense' ignored")).toBe(true);
    expect(() => k.tasks.modules.register({ name: "my_mod" })).toThrow("registered twice");
  });

  it("that are built in are there and stay; watchers hear of all", () => {
    const { k } = machine();
    const heard: string[] = [];
    k.tasks.modules.register({ name: "builtin", builtin: true });
    k.tasks.modules.watch((m, on) => void heard.push(`${m.name} ${on}`));
    expect(() => k.tasks.modules.unload("builtin")).toThrow();
    expect(heard).toEqual(["builtin true"]);
  });
});

describe("keyrings", () => {
  it("are lists of keys by name; a key of the same type and description is replaced", () => {
    const { k } = machine();
    const key = (n: number) => ({ type: "user", desc: "d", payload: Uint8Array.of(n) });
    k.tasks.keyrings.add(".ima", key(1));
    k.tasks.keyrings.add(".ima", key(2));
    expect(k.tasks.keyrings.keys(".ima").length).toBe(1);
    expect(k.tasks.keyrings.find(".ima", "user", "d")?.payload[0]).toBe(2);
    expect(k.tasks.keyrings.keys(".none")).toEqual([]);
  });
});
