/**
 * The story "Root inside": an ordinary user makes namespaces, is root in them, does there what root does - and tries everything to get
 * out. Each attempt is made once by that root, and once by root itself, for whom it works.
 */
import {
  CAP_SYS_ADMIN,
  CLOCK_REALTIME,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  IPC_RMID,
  nsCapable,
  O_RDONLY,
  S_IFCHR,
  SIGKILL,
} from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { boot, childOf, errnoOf, forked, mapSelf, type NsCalls, user } from "./rig.js";

type Knobs = { readonly uid: number };
const knobs: Story<Knobs>["knobs"] = { uid: { kind: "number", default: 1000, min: 1, max: 60000, unit: "user id" } };

interface World {
  /** Of init's process, as the caller sees it; 0: it does not. */
  readonly victim: number;
  /** A message queue of the initial ipc namespace. */
  readonly queue: number;
  readonly uid: number;
}

type Attempt = readonly [what: string, run: (s: NsCalls, w: World) => unknown];

/** What root may do inside: all of it works. */
const INSIDE: readonly Attempt[] = [
  ["name the machine", (s) => s.sethostname("inner")],
  ["mount a file system", (s) => s.mount("t", "/mnt", "tmpfs", 0)],
  ["make a directory of root's", (s) => s.mkdir("/mnt/d", 0o700)],
  ["mount its own /proc", (s) => s.mount("proc", "/mnt/d", "proc", 0)],
  ["make a message queue", (s) => s.msgget(7, 0o1600)],
  ["set its namespace's limits", (s) => s.writeFile("/proc/sys/kernel/msgmni", "5")],
  ["change its root directory", (s) => s.chroot("/mnt")],
];

/** Every way out. */
const ESCAPES: readonly Attempt[] = [
  ["kill a process of root's", (s, w) => s.kill(w.victim, SIGKILL)],
  ["read root's private file", (s) => s.readText("/tmp/secret")],
  ["replace a file of root's", (s) => s.writeFile("/tmp/public", "mine")],
  ["take a file by chown", (s, w) => s.chown("/tmp/public", w.uid === 0 ? 0 : 0, 0)],
  ["remove root's message queue", (s, w) => s.msgctl(w.queue, IPC_RMID)],
  ["make a device node", (s) => s.mknod("/tmp/mem", S_IFCHR | 0o666, 0x101)],
  ["set the clock", (s) => s.clock_settime(CLOCK_REALTIME, { sec: 1, nsec: 0 })],
  ["name the real machine by its file", (s) => s.writeFile("/proc/sys/kernel/hostname", "taken")],
  ["change a setting of the whole kernel", (s) => s.writeFile("/proc/sys/kernel/pid_max", "301")],
  ["raise its limits", (s) => s.prlimit64(0, 7, { cur: 500000, max: 500000 })],
  ["become a user who is not mapped", (s) => s.setresuid(5, 5, 5)],
  ["see the namespaces of init", (s, w) => s.readlink(`/proc/${w.victim}/ns/uts`)],
  ["join init's mount namespace", (s, w) => s.setns(s.open(`/proc/${w.victim}/ns/mnt`, O_RDONLY), 0)],
  ["mount a disk", (s) => s.mount("/dev/vda", "/tmp", "ext4", 0)],
  ["uncover what is mounted", (s) => s.umount2("/sys", 0)],
  ["restart the machine", (s) => s.reboot(0xfee1dead, 672274793, 0x1234567)],
];

export const rootInside: Story<Knobs> = {
  id: "root-inside",
  question: "What can the root of an ordinary user's namespaces do, and what stops it from doing more?",
  source: "user_namespaces(7); Kernel Log: Coming in 3.8 (Part 2)",
  claim: "everything inside works, every attempt outside fails, and each fails for root only where root is not asked",
  assumes: [],
  knobs,
  run(given) {
    const { uid } = knobsOf(knobs, given);
    const kernel = boot();
    const { init } = kernel;
    const root = kernel.sys(init);
    kernel.vfs.addDisk({ name: "vda", type: "ext4", size: 2 ** 22 });
    root.writeFile("/tmp/secret", "s", 0o600);
    root.writeFile("/tmp/public", "p", 0o644);
    const queue = root.msgget(7, 0o1600);
    const outer = user(kernel, uid);
    kernel.sys(outer).unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC);
    mapSelf(kernel.sys(outer), 0, uid);
    const rows: (string | number)[][] = [];
    let refused = 0;
    for (const [what, run] of ESCAPES) {
      const victim = forked(kernel, init);
      const inside = errnoOf(() => run(kernel.sys(outer), { victim: victim.nr, queue, uid }));
      if (inside !== "ok") refused++;
      rows.push([what, inside]);
    }
    const inner = childOf(kernel, outer, kernel.sys(outer).clone(CLONE_NEWPID | CLONE_NEWNS | 17));
    const sys = kernel.sys(inner);
    let works = 0;
    for (const [what, run] of INSIDE) {
      const result = errnoOf(() => run(sys, { victim: 0, queue: -1, uid }));
      if (result === "ok") works++;
      rows.push([what, result]);
    }
    const caps = nsCapable(kernel.core, inner, kernel.tasks.initUserNs, CAP_SYS_ADMIN) ? 1 : 0;
    return {
      series: [],
      table: { columns: ["root inside tries to", "and gets"], rows },
      numbers: {
        attempts: ESCAPES.length,
        refused,
        inside: INSIDE.length,
        works,
        capableOutside: caps,
        hostnameChanged: root.uname().nodename === "inner" ? 1 : 0,
      },
    };
  },
};
