/** The shell as somebody at its prompt, or a script, finds it. */
import { beforeEach, describe, expect, it } from "vitest";
import { type AssembledKernel, bootKernel } from "../kernel.js";
import { commandNames, complete } from "./complete.js";
import { createShell, type Shell, shellTask } from "./shell.js";

let kernel: AssembledKernel;
let shell: Shell;
const out = async (script: string): Promise<string> => {
  const r = await shell.exec(script);
  return r.stdout + r.stderr;
};
beforeEach(() => {
  kernel = bootKernel({ machine: { cpus: 4, nodes: 2, memory: "8G" } });
  shell = createShell(kernel, shellTask(kernel));
});

describe("a shell", () => {
  it("keeps directory, variables and functions from one line to the next", async () => {
    await out("cd /proc/sys; x=3; greet() { echo hello $1; }");
    expect(await out("pwd; echo $x; greet you")).toBe("/proc/sys\n3\nhello you\n");
  });

  it("tells $$ and its parent as the kernel does", async () => {
    expect(await out("echo $$ $PPID")).toBe(`${shell.task.nr} 1\n`);
  });

  it("says that exit ended it, with its code", async () => {
    expect(await shell.exec("echo a; exit 3; echo b")).toMatchObject({ stdout: "a\n", exitCode: 3, exited: true });
    expect((await shell.exec("(exit 4); echo $?; echo $(exit 5)$?")).exited).toBe(false);
  });

  it("passes virtual time in sleep, and time measures it", async () => {
    const r = await shell.exec("time sleep 90");
    expect(kernel.now).toBe(90e9);
    expect(r.stderr).toMatch(/\nreal\t1m30\.000s\nuser\t0m0\.000s\nsys\t0m0\.000s\n$/);
    expect((await shell.exec("time -p sleep 1")).stderr).toBe("real 1.00\nuser 0.00\nsys 0.00\n");
  });

  it("ends a command at its timeout", async () => {
    const r = await shell.exec("timeout 5 sleep 100; echo $?; cat /proc/uptime | cut -d' ' -f1");
    expect(r.stdout).toBe("124\n5.00\n");
  });

  it("completes commands, files of the kernel, and variables", async () => {
    expect(complete(shell, "nums")).toEqual([[], "nums"]);
    expect(complete(shell, "numas")).toEqual([["numastat "], "numas"]);
    expect(complete(shell, "cat /proc/sys/ker")[0]).toEqual(["/proc/sys/kernel/"]);
    expect(complete(shell, "cat /proc/self/stat")[0]).toEqual([
      "/proc/self/stat",
      "/proc/self/statm",
      "/proc/self/status",
    ]);
    expect(complete(shell, "x=1; ls | unsh")[0]).toEqual(["unshare "]);
    await out("cd /sys/class; thermometer=1");
    expect(complete(shell, "ls the")[0]).toEqual(["thermal/"]);
    expect(complete(shell, "echo $thermo")[0]).toEqual(["$thermometer"]);
    expect(commandNames()).toEqual(expect.arrayContaining(["cat", "unshare", "stress", "while"]));
  });
});

describe("jobs", () => {
  it("run beside the script while it waits, in the order of time", async () => {
    const script =
      "(sleep 3; echo late >> /tmp/log) & (sleep 1; echo early >> /tmp/log) & sleep 2; echo now >> /tmp/log; wait; cat /tmp/log";
    expect(await out(script)).toBe("early\nnow\nlate\n");
    expect(kernel.now).toBe(3e9);
  });

  it("are tasks: seen by ps, killed by kill, told by wait", async () => {
    const text = await out("sleep 1000 & ps -o pid,ppid,comm; kill $!; wait $!; echo $?; jobs");
    expect(text).toMatch(new RegExp(`PID +PPID COMMAND\n +${shell.task.nr} +1 sh\n +\\d+ +${shell.task.nr} sleep\n`));
    expect(text).toMatch(/\n143\n$/);
  });

  it("end when the kernel kills them, loops and all", async () => {
    expect(await out("while true; do sleep 1; done & sleep 5; kill -9 $!; wait $!; echo $?")).toBe("137\n");
    expect(kernel.now).toBe(5e9);
  });

  it("stop with the interrupt key", async () => {
    const c = new AbortController();
    const done = shell.exec("stress -c 1 & sleep infinity; echo not here", { signal: c.signal });
    setTimeout(() => c.abort(), 5);
    expect((await done).stdout).toBe("");
  });
});

describe("a thermal controller in plain shell", () => {
  it("reads temp, writes cur_state, and keeps a stressed machine below its target", async () => {
    kernel.powerclamp.modprobe();
    const r = await shell.exec(`
      cd /sys/class/thermal
      zone=$(grep -l x86_pkg_temp thermal_zone*/type); zone=\${zone%/type}
      dev=$(grep -l intel_powerclamp cooling_device*/type); dev=\${dev%/type}
      max=$(cat $dev/max_state)
      stress --cpu 4 --timeout 300 -q &
      sleep 60
      hot=$(cat $zone/temp); target=$((hot - 5000)); state=0
      while [ $(cut -d. -f1 /proc/uptime) -lt 296 ]; do
        temp=$(cat $zone/temp)
        if [ $temp -gt $target ] && [ $state -lt $max ]; then state=$((state + 1))
        elif [ $temp -lt $target ] && [ $state -gt 0 ]; then state=$((state - 1)); fi
        echo $state > $dev/cur_state
        sleep 4
      done
      echo $hot $target $(cat $zone/temp) $(cat $dev/cur_state)
      wait
    `);
    expect(r.stderr).toBe("");
    const [hot, target, end, state] = r.stdout.trim().split(" ").map(Number);
    expect(state).toBeGreaterThan(0);
    expect(target).toBe(hot - 5000);
    expect(Math.abs(end - target)).toBeLessThanOrEqual(1000);
    expect(kernel.now).toBe(300e9);
  });
});

describe("what the kernel refuses", () => {
  it("is told with the words of the tools, and fails the command", async () => {
    expect(await out("echo abc > /proc/sys/kernel/pid_max; echo $?")).toBe(
      "1\nbash: echo: write error: Invalid argument\n",
    );
    expect(await out("echo abc > /proc/sys/kernel/pid_max || echo no; { echo a; } >> /tmp/f && cat /tmp/f")).toBe(
      "no\na\nbash: echo: write error: Invalid argument\n",
    );
    expect(await out("echo abc | tee /proc/sys/kernel/pid_max; echo $?")).toBe(
      "abc\n1\ntee: write error: Invalid argument\n",
    );
    await out("mount -t tmpfs -o ro none /mnt");
    expect(await out("touch /mnt/x; mkdir /mnt/d")).toMatch(
      /touch: .*Read-only file system\nmkdir: .*Read-only file system\n/,
    );
    expect(await out("cat /mnt/none; cd /none")).toMatch(
      /cat: \/mnt\/none: No such file or directory\n.*No such file or directory/,
    );
  });
});

describe("a command of its own process", () => {
  it("is the job itself, as after execve: its number, name and namespaces", async () => {
    const text = await out(
      "unshare -u sleep 100 & sleep 1; ps -o pid,ppid,comm; nsenter -t $! -u hostname box; nsenter -t $! -u hostname; hostname; kill $!; wait; ps --no-headers -o comm",
    );
    expect(text).toMatch(new RegExp(`\\n +\\d+ +${shell.task.nr} sleep\\nbox\\nkernelkit\\nsh\\n$`));
  });

  it("has the namespaces it asked for", async () => {
    expect(await out("unshare -Ufrp --mount-proc sh -c 'id -u; ps -o pid,comm; cat /proc/self/uid_map'; id -u")).toBe(
      "0\n    PID COMMAND\n      1 sh\n         0          0          1\n0\n",
    );
    expect(
      await out(
        "unshare -m sh -c 'mount -t tmpfs mine /mnt; grep -c mine /proc/self/mounts'; grep -c mine /proc/self/mounts",
      ),
    ).toBe("1\n0\n");
    expect(await out("unshare -T --boottime 86400 uptime -p")).toBe("up 1 day, 0 minutes\n");
    expect(await out("lsns -t net -n -o NPROCS,TYPE; unshare -n lsns -t net -n -o NPROCS,COMMAND")).toMatch(
      /^\d+ net\n\d+ init\n1 lsns\n$/,
    );
  });
});
