/** The command line, as its users type it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "./main.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "kernelkit-cli-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function run(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  let stdout = "";
  let stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((t) => {
    stdout += String(t);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((t) => {
    stderr += String(t);
    return true;
  });
  process.exitCode = 0;
  await main(["node", "kernelkit", ...args]);
  vi.restoreAllMocks();
  return { stdout, stderr, code: Number(process.exitCode) };
}

describe("kernelkit boot", () => {
  it("runs a script, gives its output and exit code", async () => {
    expect(await run("boot", "--machine", "2cpu,512M", "-c", "nproc; echo no >&2; exit 7")).toEqual({
      stdout: "2\n",
      stderr: "no\n",
      code: 7,
    });
  });

  it("runs a file with arguments", async () => {
    writeFileSync(join(dir, "s.sh"), 'echo "$1-$2" $#\n');
    expect((await run("boot", join(dir, "s.sh"), "a b", "c")).stdout).toBe("a b-c 2\n");
  });

  it("is the same for the same seed, and says so as JSON", async () => {
    const args = [
      "boot",
      "--machine",
      "2cpu,512M",
      "--json",
      "-c",
      "stress -c 1 -t 1 -q; cat /proc/sys/kernel/random/uuid",
    ];
    const first = JSON.parse((await run(...args)).stdout) as { digest: string; nowNs: number; exitCode: number };
    expect(first).toMatchObject({ exitCode: 0, nowNs: 1e9 });
    expect((JSON.parse((await run(...args)).stdout) as { digest: string }).digest).toBe(first.digest);
    expect((JSON.parse((await run(...args, "--seed", "2")).stdout) as { digest: string }).digest).not.toBe(
      first.digest,
    );
  });

  it("takes the kernel's command line, a profile, packages' options and disks", async () => {
    const r = await run(
      "boot",
      "--cmdline",
      "loglevel=4 quiet",
      "--profile",
      "6.1",
      "--option",
      "powerclamp.packages=2",
      "--disk",
      "sda:writeBps=4M",
      "-c",
      "uname -r; cat /proc/cmdline; cat /sys/class/thermal/thermal_zone*/type | grep -c x86; mount -t ext4 /dev/sda /mnt; mountpoint /mnt",
    );
    expect(r).toEqual({ stdout: "6.1.0\nloglevel=4 quiet\n2\n/mnt is a mountpoint\n", stderr: "", code: 0 });
  });

  it("writes a trace that trace viewers open, or ftrace's text", async () => {
    const json = join(dir, "t.json");
    await run(
      "boot",
      "--machine",
      "2cpu,512M",
      "--trace",
      json,
      "--trace-events",
      "sched:*",
      "-c",
      "stress -c 2 -t 1 -q",
    );
    const trace = JSON.parse(readFileSync(json, "utf8")) as {
      traceEvents: { ph: string; name: string; ts: number; dur?: number }[];
    };
    const runs = trace.traceEvents.filter((e) => e.ph === "X" && e.name.startsWith("stress-cpu-"));
    expect(runs.reduce((s, e) => s + (e.dur ?? 0), 0)).toBeGreaterThan(1.5e6);
    expect(new Set(trace.traceEvents.map((e) => e.ph))).toEqual(new Set(["X", "i", "M"]));
    const text = join(dir, "t.txt");
    await run("boot", "--trace", text, "--trace-events", "sched:sched_process_fork", "-c", "sleep 1 & wait");
    expect(readFileSync(text, "utf8")).toMatch(
      /^# tracer: nop[\s\S]* sched_process_fork: comm=sh pid=\d+ child_comm=sh child_pid=\d+\n/,
    );
  });
});

describe("what is wrong on the command line", () => {
  it("is one line on stderr, and exit code 2", async () => {
    for (const [args, says] of [
      [["boot", "--machine", "4cows", "-c", "true"], /'4cows'; allowed are/],
      [["boot", "--option", "powerclamp.driver=9.9", "-c", "true"], /^kernelkit: .*driver/],
      [["boot", "--option", "sound.x=1", "-c", "true"], /no package 'sound'/],
      [["boot", "--profile", "1.0", "-c", "true"], /profile: '1.0'; there are 6.18/],
      [["boot", join(dir, "none.sh")], /ENOENT/],
      [["bot"], /unknown command 'bot'[\s\S]*Did you mean boot/],
      [["export", dir, "--layout", "nowhere"], /'nowhere' is invalid. Allowed choices are bare-v2/],
      [["tour", "nothing"], /no 'nothing'/],
    ] as const) {
      const r = await run(...args);
      expect(r.stderr, args.join(" ")).toMatch(says);
      expect(r.code, args.join(" ")).toBe(2);
    }
  });
});

describe("help", () => {
  it("has examples, exits with 0, and has no colour", async () => {
    const r = await run("--help");
    expect(r.code).toBe(0);
    expect(r.stdout).toMatch(/Examples:\n {2}\$ kernelkit boot/);
    expect(r.stdout).not.toContain("\u001b");
    expect((await run("run", "--help")).stdout).toMatch(/as-pid[\s\S]*kubernetes-v2/);
  });
});

describe("readers", () => {
  it("replay: a trace of this kernel agrees with its rules", async () => {
    const trace = join(dir, "wb.txt");
    await run(
      "boot",
      "--machine",
      "2cpu,512M",
      "--disk",
      "sda:writeBps=4M",
      "--trace",
      trace,
      "--trace-events",
      "writeback:*",
      "-c",
      "mount -t ext4 /dev/sda /mnt; cd /mnt; sysctl -q vm.dirty_bytes=8388608 vm.dirty_background_bytes=4194304; timeout 6 stress -d 1 --hdd-bytes 12M -q",
    );
    const r = await run("replay", trace, "--json");
    const json = JSON.parse(r.stdout) as { agreement: number; byEvent: Record<string, { checked: number }> };
    expect(Object.values(json.byEvent).reduce((s, e) => s + e.checked, 0)).toBeGreaterThan(10);
    expect(json.agreement).toBeGreaterThan(0.95);
    expect((await run("replay", trace, "--min", "100.1")).code).toBe(1);
  });

  it("dmesg: the forms that tools read", async () => {
    expect((await run("dmesg", "--raw-syslog", "-c", "logger -p kern.err x")).stdout).toMatch(
      /^<\d>\[ +\d+\.\d{6}\] Linux version[\s\S]*<11>\[.*\] root: x\n|root: x\n$/,
    );
    expect(JSON.parse((await run("dmesg", "--json")).stdout)).toHaveProperty("dmesg");
  });
});
