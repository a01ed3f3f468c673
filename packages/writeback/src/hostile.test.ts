/** Random and adversarial arguments: calls and writable files give documented errnos and nothing else, and a failed one changes nothing. */
import { createKernel, KernelError, O_CREAT, O_RDWR } from "@kernelkit/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkModel } from "./device/model.js";
import { type DeviceModel, parseTrace, replayTrace, writeback } from "./index.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);

const number = fc.oneof(
  fc.integer({ min: -2, max: 5000 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 2 ** 53 - 1, 2 ** 63, 4095, 4097, 0x7fffffff),
);
const text = fc.oneof(
  fc.constantFrom(
    "",
    "\n",
    "0",
    "-1",
    "1 2",
    "0x10",
    "010",
    "99999999999999999999",
    " 7",
    "7 ",
    "+7",
    "abc",
    "1e9",
    "\0",
  ),
  fc.string({ maxLength: 12 }),
  fc.integer({ min: -10, max: 2_000_000 }).map(String),
);

const FILES = [
  ...["dirty_ratio", "dirty_bytes", "dirty_background_ratio", "dirty_background_bytes", "dirty_expire_centisecs"].map(
    (n) => `/proc/sys/vm/${n}`,
  ),
  ...["dirty_writeback_centisecs", "dirtytime_expire_seconds", "laptop_mode"].map((n) => `/proc/sys/vm/${n}`),
  ...[
    "min_ratio",
    "max_ratio",
    "min_ratio_fine",
    "max_ratio_fine",
    "min_bytes",
    "max_bytes",
    "strict_limit",
    "read_ahead_kb",
    "stable_pages_required",
  ].map((n) => `/sys/class/bdi/254:0/${n}`),
  "/sys/block/sda/queue/stable_writes",
];

const CALL_ERRORS = ["EBADF", "EINVAL", "ESPIPE", "EOPNOTSUPP", "EFBIG", "ENOSPC", "ENODEV", "EPERM", "EIO"];
const FILE_ERRORS = ["EINVAL", "ERANGE", "EACCES"];

function rig() {
  const kernel = createKernel({ machine: { memory: "64M" } })
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { size: 2 ** 20 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
  sys.pwrite64(fd, new Uint8Array(8192).fill(1), 0);
  return { kernel, sys, fd };
}

test("system calls with any arguments fail only as documented", () => {
  const { sys, fd } = rig();
  const call = fc.record({
    name: fc.constantFrom("sync_file_range", "fallocate", "syncfs", "fsync", "fdatasync", "ftruncate", "lseek"),
    fd: fc.constantFrom(fd, -1, 99, 2 ** 31 - 1),
    a: number,
    b: number,
    c: fc.integer({ min: -1, max: 512 }),
  });
  fc.assert(
    fc.property(call, ({ name, fd: n, a, b, c }) => {
      const size = sys.fstat(fd).size;
      try {
        if (name === "sync_file_range") sys.sync_file_range(n, a, b, c);
        else if (name === "fallocate") sys.fallocate(n, c, a, Math.min(b, 2 ** 21));
        else if (name === "ftruncate") sys.ftruncate(n, Math.min(a, 2 ** 30));
        else if (name === "lseek") sys.lseek(n, a, c);
        else sys[name as "fsync"](n);
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        expect([...CALL_ERRORS, "ENXIO"]).toContain(e.code);
        // only a preallocation that ran out of space leaves something behind
        if (e.code !== "ENOSPC") expect(sys.fstat(fd).size).toBe(size);
      }
    }),
    { numRuns: RUNS * 5 },
  );
});

test("files of /proc/sys and /sys with any text fail only as documented and then show what they showed", () => {
  const { sys } = rig();
  fc.assert(
    fc.property(fc.constantFrom(...FILES), text, (path, t) => {
      const before = FILES.map((f) => sys.readText(f));
      try {
        sys.writeFile(path, t);
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        expect(FILE_ERRORS).toContain(e.code);
        expect(FILES.map((f) => sys.readText(f))).toEqual(before);
      }
      for (const f of FILES) expect(sys.readText(f)).toMatch(/^-?\d+\n$/);
    }),
    { numRuns: RUNS },
  );
});

test("a device that is stalled forever holds writers and sync, and SIGKILL still ends them", () => {
  const kernel = createKernel({ machine: { memory: "64M" } })
    .use(writeback())
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps: 0 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_bytes", "1048576");
  const t = kernel.tasks.find(sys.fork());
  if (t === null) throw new Error("no task");
  const fd = kernel.sys(t).open("/mnt/f", O_RDWR | O_CREAT, 0o644);
  const call = kernel.call(t).write(fd, new Uint8Array(4 * 2 ** 20));
  kernel.run("60s");
  expect(call.done).toBe(false);
  sys.kill(t.nr, 9);
  kernel.run("1s");
  expect(kernel.tasks.find(t.nr)?.exiting ?? true).toBe(true);
});

test("models and traces that cannot be are refused by name, never taken", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("writeBps", "size", "queueDepth", "raid1", "integrity", "speed"), fc.anything()),
      (m) => {
        try {
          checkModel(m as DeviceModel);
        } catch (e) {
          if (!(e instanceof TypeError || e instanceof RangeError)) throw e;
          expect(e.message).toMatch(/^device: /);
        }
      },
    ),
    { numRuns: RUNS },
  );
  const line = fc.tuple(
    fc.constantFrom("balance_dirty_pages", "bdi_dirty_ratelimit", "writeback_written", "global_dirty_state"),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          "limit",
          "setpoint",
          "dirty",
          "dirtied",
          "think",
          "pause",
          "task_ratelimit",
          "dirty_ratelimit",
          "nr_pages",
          "thresh",
          "bg_thresh",
          "awrite_bw",
          "write_bw",
          "dirty_rate",
        ),
        number,
      ),
    ),
  );
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const trace = lines
        .map(([name, f]) => `x-1 [000] ..... 1.5: ${name}: bdi 8:0: ${f.map(([n, v]) => `${n}=${v}`).join(" ")}`)
        .join("\n");
      expect(parseTrace(trace)).toHaveLength(lines.length);
      expect(replayTrace(trace).events).toHaveLength(lines.length);
    }),
    { numRuns: RUNS },
  );
});
