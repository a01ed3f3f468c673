import { KernelError, O_WRONLY, Rng, TASK_DEAD, TASK_ZOMBIE, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { boot, forked, type NsKernel } from "./stories/rig.js";
import { checkNamespaces } from "./testing/checkNamespaces.js";

/** Random calls altogether; the environment raises it. */
const CALLS = Number(process.env["KERNELKIT_HOSTILE_CALLS"] ?? 6000);

const CALL_NAMES = [
  "msgget msgsnd msgrcv msgctl semget semop semtimedop semctl shmget shmat shmdt shmctl",
  "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr pivot_root open_tree move_mount mount_setattr unshare setns mount umount2 ioctl",
]
  .join(" ")
  .split(" ");

const FILES = [
  ..."uid_map gid_map projid_map setgroups timens_offsets".split(" ").map((n) => `/proc/self/${n}`),
  ..."msgmax msgmnb msgmni msg_next_id sem sem_next_id shmmax shmall shmmni shm_rmid_forced shm_next_id ns_last_pid pid_max"
    .split(" ")
    .map((n) => `/proc/sys/kernel/${n}`),
  ..."queues_max msg_max msgsize_max msg_default msgsize_default".split(" ").map((n) => `/proc/sys/fs/mqueue/${n}`),
  "/proc/sys/user/max_uts_namespaces",
];

function value(rng: Rng): unknown {
  const pick = <T>(a: readonly T[]): T => a[rng.below(a.length)];
  switch (rng.below(10)) {
    case 0:
    case 1:
      return rng.below(8);
    case 2:
      return pick([0, -1, 1, 512, 0o1600, 4095, 65536, 0x7fffffff, -0x80000000, 0xffffffff, 2 ** 53, 0xb701, 0xff03]);
    case 3:
      return 1 << rng.below(31);
    case 4:
      return pick([
        "/",
        "/mnt",
        "/tmp",
        "",
        ".",
        "q",
        "a/b",
        "x".repeat(300),
        "tmpfs",
        "mqueue",
        "proc",
        "devpts",
        "a\0b",
      ]);
    case 5:
      return null;
    case 6:
      return undefined;
    case 7:
      return new Uint8Array(pick([0, 1, 100, 9000]));
    case 8:
      return pick<unknown>([
        [],
        [{ sem_num: 0, sem_op: 1, sem_flg: 4096 }],
        [{ sem_num: 9, sem_op: -1, sem_flg: 2048 }],
        [1, 2, 3],
        [null],
      ]);
    default:
      return pick<unknown>([
        {},
        { sec: 0, nsec: 1 },
        { sec: -1, nsec: 0 },
        { uid: 0, gid: 0, mode: 0 },
        { maxmsg: 1, msgsize: 1 },
        { notify: 0, signo: 10 },
        { flags: 2048 },
      ]);
  }
}

function text(rng: Rng): string {
  const pick = <T>(a: readonly T[]): T => a[rng.below(a.length)];
  const word = (): string =>
    pick([
      "0",
      "1",
      "-1",
      "4294967295",
      "4294967296",
      "99999999999999999999",
      "x",
      "",
      "+5",
      "0x10",
      "deny",
      "allow",
      "monotonic",
    ]);
  const sep = (): string => pick([" ", "\t", "\n", "  ", "\0"]);
  return pick([
    () => word(),
    () => `${word()}${sep()}${word()}${sep()}${word()}\n`,
    () => Array.from({ length: 1 + rng.below(8) }, () => word() + sep()).join(""),
    () => "0 0 1\n".repeat(1 + rng.below(400)),
    () => "9".repeat(4096),
  ])();
}

/** A misuse of the interface names what is wrong; anything else that is no KernelError is a bug. */
const misuse = (e: unknown): boolean => e instanceof TypeError && /must be|unknown|allowed/.test(e.message);

/** Every so many calls the whole state of namespaces is compared, if the call failed. */
const WATCH_EVERY = 40;

/** What counts calls. */
const COUNTERS = ["digest", "events", "loop"];

/** The whole state as text, but for what a call leaves in its caller and those counters. */
function stateOf(kernel: NsKernel, caller: Task): string {
  caller.call = null;
  caller.args = [];
  caller.result = undefined;
  caller.error = 0;
  caller.frame = null;
  const { nodes, roots } = kernel.core.state.save();
  const counting = new Set<unknown>();
  for (const name of COUNTERS) {
    const { f } = nodes[roots[name]] as { f: Record<string, { o?: number } | null> };
    counting.add(roots[name]);
    for (const field of Object.values(f)) if (field?.o !== undefined) counting.add(field.o);
  }
  return JSON.stringify(nodes.filter((_, i) => !counting.has(i)));
}

/** A descriptor to write to; -1 if it cannot be opened. */
function openFor(kernel: NsKernel, t: Task, path: string): number {
  try {
    return kernel.sys(t).open(path, O_WRONLY);
  } catch {
    return -1;
  }
}

/** Where two texts part, with what is around it. */
function parting(a: string, b: string): string {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return `${a.slice(Math.max(0, i - 200), i + 60)} / ${b.slice(i, i + 60)}`;
}

describe("hostile input", () => {
  it("to the calls and files of namespaces brings an errno or a named misuse; what failed has changed nothing; no rule is broken", () => {
    const kernel = boot();
    const rng = new Rng("hostile");
    const make = (): Task => {
      const t = forked(kernel, kernel.init);
      const s = kernel.sys(t);
      s.unshare([0x10000000, 0x08000000, 0x0c020000, 0][rng.below(4)]);
      s.setrlimit(6, { cur: 60, max: 60 });
      return t;
    };
    const tasks = Array.from({ length: 10 }, make);
    let failed = 0;
    let watched = 0;
    for (let i = 0; i < CALLS; i++) {
      const slot = rng.below(tasks.length);
      const t = tasks[slot];
      if (t.state === TASK_ZOMBIE || t.state === TASK_DEAD || t.phase !== 0) {
        kernel.core.signals.kill(t);
        kernel.run("1ms");
        tasks[slot] = make();
        continue;
      }
      const s = kernel.call(t) as unknown as Record<string, (...a: unknown[]) => { error: Error | null }>;
      const onFile = rng.below(3) === 0;
      const watch = i % WATCH_EVERY === 0;
      const path = FILES[rng.below(FILES.length)];
      // what is compared is one call: the file is open already
      const fd = onFile && watch ? openFor(kernel, t, path) : -1;
      const name = !onFile ? CALL_NAMES[rng.below(CALL_NAMES.length)] : watch ? "write" : "writeFile";
      const args = onFile ? [watch ? fd : path, text(rng)] : Array.from({ length: 1 + rng.below(5) }, () => value(rng));
      const before = watch ? stateOf(kernel, t) : null;
      try {
        const p = s[name](...args);
        if (before !== null && p.error !== null) {
          watched++;
          const after = stateOf(kernel, t);
          if (after !== before)
            throw new Error(`it failed with ${p.error.message} and changed ${parting(before, after)}`);
        }
        kernel.run("10us");
        if (p.error !== null) {
          failed++;
          if (!(p.error instanceof KernelError)) throw p.error;
        }
      } catch (e) {
        if (!misuse(e))
          throw new Error(`${name}(${JSON.stringify(args).slice(0, 200)}): ${String(e)} ${(e as Error).stack}`);
      }
      if (i % 200 === 0) checkNamespaces(kernel);
    }
    expect(failed).toBeGreaterThan(CALLS / 10);
    expect(watched).toBeGreaterThan(CALLS / WATCH_EVERY / 10);
    checkNamespaces(kernel);
  });
});
