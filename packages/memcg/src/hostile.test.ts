/** Whatever is written to the files, and whatever the calls are given: an errno, and nothing has changed. */
import { createKernel, KernelError, Rng } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "./checkMemcg.js";
import { memcg } from "./memcg.js";
import { swapHeader } from "./swap/swapCalls.js";

const WRITES = Number(process.env["KERNELKIT_HOSTILE_CALLS"] ?? 800);
const ERRNOS = new Set([
  "EINVAL",
  "EAGAIN",
  "EBUSY",
  "EBADF",
  "ERANGE",
  "ESRCH",
  "ENOENT",
  "EOPNOTSUPP",
  "EACCES",
  "ENOMEM",
  "E2BIG",
]);

const WORDS: readonly string[] = [
  ...[
    "",
    "0",
    "1",
    "-1",
    "2",
    "max",
    "MAX",
    "4096",
    "1M",
    "1m",
    "1K\n",
    " 8192 ",
    "0x2000",
    "010000",
    "08",
    "0x",
    "1e3",
    "1.5M",
    "+1",
  ],
  ...[
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854771712",
    "99999999999999999999999E",
    "1KB",
    "1 M",
    "max max",
  ],
  ...[
    "some 150000 1000000",
    "full 1 500000",
    "some 0 1000000",
    "some 2 1",
    "low",
    "critical,local",
    "3 4 1M",
    "3 4",
    "3",
    "99 98 x",
  ],
  ...[
    "1M swappiness=60",
    "1M swappiness=201",
    "1M swappiness=",
    "swappiness=1",
    "\0",
    "é",
    "x".repeat(5000),
    "1\n2\n",
    "-4096",
  ],
];

/** Names of the files of a group that can be written, without those that move or kill tasks. */
function writable(files: readonly string[]): string[] {
  return files.filter((f) => f.startsWith("memory.") || f.startsWith("pids.") || f === "cgroup.event_control");
}

function machine(version: "v1" | "v2") {
  const kernel = createKernel({ machine: { cpus: 2, memory: "16M" } })
    .use(memcg({ swap: "4M" }))
    .boot();
  const sys = kernel.sys(kernel.init);
  let root = "/sys/fs/cgroup";
  if (version === "v1") {
    sys.umount2(root, 0);
    sys.mount("tmpfs", root, "tmpfs", 0, "");
    root += "/memory";
    sys.mkdir(root, 0o755);
    sys.mount("cgroup", root, "cgroup", 0, "memory");
  } else sys.writeFile(`${root}/cgroup.subtree_control`, "+memory +pids");
  const g = `${root}/g`;
  sys.mkdir(g, 0o755);
  const task = kernel.tasks.find(sys.fork());
  if (task === null) throw new Error("no child");
  sys.writeFile(`${g}/cgroup.procs`, String(task.nr));
  return { kernel, sys, g, task };
}

const text = (read: () => string): string => {
  try {
    return read();
  } catch (e) {
    return (e as KernelError).code;
  }
};

describe("hostile input", () => {
  for (const version of ["v1", "v2"] as const) {
    it(`to any file of ${version} is refused with a documented errno and changes nothing`, () => {
      const { kernel, sys, g } = machine(version);
      const rng = new Rng(7);
      const names = writable(sys.readdir(g));
      expect(names.length).toBeGreaterThan(15);
      const state = (): string => names.map((f) => `${f} ${text(() => sys.readText(`${g}/${f}`))}`).join("\n");
      let refused = 0;
      for (let i = 0; i < WRITES; i++) {
        const file = names[rng.below(names.length)];
        const word = WORDS[rng.below(WORDS.length)];
        const before = state();
        try {
          sys.writeFile(`${g}/${file}`, word);
        } catch (e) {
          if (!(e instanceof KernelError)) throw e;
          expect(ERRNOS, `${file} ${JSON.stringify(word)}`).toContain(e.code);
          refused++;
          // what was asked to be freed is free, even if it was less
          if (file !== "memory.reclaim") expect(state(), `${file} ${JSON.stringify(word)}`).toBe(before);
        }
      }
      expect(refused).toBeGreaterThan(WRITES / 4);
      checkMemcg(kernel.memcg.system);
    });
  }

  it("to swapon and swapoff is refused, and whoever may not do it learns nothing else", () => {
    const { kernel, sys, task } = machine("v2");
    const child = kernel.sys(task);
    const code = (f: () => unknown): string => text(() => String(f()));
    sys.writeFile("/tmp/none", new Uint8Array(40960));
    sys.writeFile("/tmp/area", swapHeader(16));
    sys.truncate("/tmp/area", 16 * 4096);
    expect(code(() => sys.swapon("/tmp/none"))).toBe("EINVAL");
    expect(code(() => sys.swapon("/tmp"))).toBe("EINVAL");
    expect(code(() => sys.swapon("/no/such"))).toBe("ENOENT");
    expect(code(() => sys.swapon("/tmp/area", 1 << 30))).toBe("EINVAL");
    expect(code(() => sys.swapoff("/tmp/area"))).toBe("EINVAL");
    expect(code(() => sys.swapon("/tmp/area", 0x8005))).toBe("0");
    expect(code(() => sys.swapon("/tmp/area"))).toBe("EBUSY");
    expect(sys.readText("/proc/swaps")).toMatch(/^\/tmp\/area +file\t\t60\t\t0\t\t5$/m);
    expect(code(() => sys.pwrite64(sys.open("/tmp/area", 1), "x", 0))).toBe("ETXTBSY");
    child.setresuid(1000, 1000, 1000);
    expect(code(() => child.swapon("/tmp/none"))).toBe("EPERM");
    expect(code(() => child.swapoff("/tmp/area"))).toBe("EPERM");
    expect(code(() => sys.swapoff("/tmp/area"))).toBe("0");
  });
});
