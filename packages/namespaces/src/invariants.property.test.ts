import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  IPC_CREAT,
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  type Namespace,
  O_RDONLY,
  SIGCHLD,
  SIGKILL,
  TASK_DEAD,
  TASK_ZOMBIE,
  type Task,
  UtsNamespace,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IpcNamespace } from "./ipc/ipcNamespace.js";
import { errnoOf } from "./stories/rig.js";
import { checkNamespaces } from "./testing/checkNamespaces.js";
import { type Rig, rig } from "./testing/rig.js";

/** Sequences, and operations in each; the environment raises the first (200 is what a release is held to). */
const RUNS = Number(process.env["KERNELKIT_PROPERTY_RUNS"] ?? 40);
const OPS = 100;

const FLAGS = [CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME];
const TYPES = ["user", "mnt", "uts", "ipc", "pid", "cgroup", "time"];
const PROPAGATION = [MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE];
const DIRS = ["/mnt", "/mnt/a", "/mnt/b", "/tmp"];

interface Op {
  readonly kind: number;
  readonly who: number;
  readonly other: number;
  readonly n: number;
  readonly m: number;
}

const arbOp: fc.Arbitrary<Op> = fc.record({
  kind: fc.nat(13),
  who: fc.nat(19),
  other: fc.nat(19),
  n: fc.nat(127),
  m: fc.nat(31),
});

/** Not even on its way out: the init of a pid namespace may wait there for those it has killed. */
const alive = (t: Task): boolean => !t.exiting && t.state !== TASK_ZOMBIE && t.state !== TASK_DEAD;
const links = ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];

/** What a task sees of itself. */
function view(r: Rig, t: Task): string {
  const s = r.sys(t);
  const of = (what: () => unknown): string => {
    let text = "";
    const e = errnoOf(() => {
      text = String(what());
    });
    return `${e}:${text}`;
  };
  return [
    ...links.map((l) => of(() => s.readlink(`/proc/self/ns/${l}`))),
    of(() => s.uname().nodename),
    of(() => s.readText("/proc/self/mountinfo")),
    of(() => s.readText("/proc/sysvipc/msg")),
    of(() => `${s.getpid()} ${s.getuid()} ${s.getgid()}`),
  ].join("\n");
}

/** A pid that nobody has. */
const NOBODY = 4_000_000;

/** What a task would see in a uts or ipc namespace. */
function inside(ns: Namespace): string {
  if (ns instanceof UtsNamespace) return `${ns.nodename} ${ns.domainname}`;
  const { msg } = ns as IpcNamespace;
  return msg
    .sorted()
    .map((q) => `${q.key}:${q.messages.length}`)
    .join();
}

class World {
  readonly r: Rig = rig();
  readonly tasks: Task[] = [];

  constructor() {
    const s = this.r.sys(this.r.kernel.init);
    s.mkdir("/mnt/a", 0o777);
    s.mkdir("/mnt/b", 0o777);
    for (let i = 0; i < 4; i++) this.tasks.push(this.r.child());
  }

  pick(n: number): Task | null {
    const live = this.tasks.filter(alive);
    return live.length === 0 ? null : live[n % live.length];
  }

  /** Carry one operation out: "ok" or the errno. What is outside the actor's namespaces is as before, and nobody there has died. */
  do(op: Op): string {
    const actor = this.pick(op.who);
    const outside = actor === null ? [] : this.outside(actor);
    const living = this.tasks.filter(alive);
    const active = actor?.pid.ns[actor.pid.level];
    const result = this.step(op);
    this.r.kernel.run("20us");
    const live = new Set(this.r.kernel.namespaces.live());
    for (const [ns, before] of outside) if (live.has(ns)) expect(inside(ns)).toBe(before);
    for (const t of living) if (!alive(t)) expect(t.pid.ns).toContain(active);
    return result;
  }

  /** The namespaces that the task is not in and what is in them. */
  private outside(t: Task): [ns: Namespace, what: string][] {
    const own = new Set<Namespace>(t.nsproxy.ns);
    return ["uts", "ipc"].flatMap((type) =>
      this.r.kernel.namespaces
        .live(type)
        .filter((ns) => !own.has(ns))
        .map((ns): [Namespace, string] => [ns, inside(ns)]),
    );
  }

  private step(op: Op): string {
    const t = this.pick(op.who);
    const o = this.pick(op.other);
    if (t === null || o === null) {
      this.tasks.push(this.r.child());
      return "ok";
    }
    const s = this.r.sys(t);
    const flags = FLAGS.reduce((f, bit, i) => ((op.n & (1 << i)) !== 0 ? f | bit : f), 0);
    const dir = DIRS[op.n % DIRS.length];
    switch (op.kind) {
      case 0:
      case 1: {
        if (this.tasks.filter(alive).length >= 20) return "ok";
        return errnoOf(() => {
          const nr = s.clone((op.kind === 0 ? 0 : flags) | SIGCHLD);
          this.tasks.push(this.r.kernel.tasks.findVpid(t, nr)?.task as Task);
        });
      }
      case 2: {
        const others = this.tasks.filter((x) => alive(x) && x !== t);
        const before = others.map((x) => view(this.r, x));
        const own = view(this.r, t);
        const result = errnoOf(() => s.unshare(flags));
        if (result !== "ok") expect(view(this.r, t)).toBe(own);
        expect(others.map((x) => view(this.r, x))).toEqual(before);
        return result;
      }
      case 3:
        return errnoOf(() => {
          const nr = this.seen(t, o);
          const fd = s.open(`/proc/${nr}/ns/${TYPES[op.n % TYPES.length]}`, O_RDONLY);
          const e = errnoOf(() => s.setns(fd, 0));
          s.close(fd);
          return e;
        });
      case 4:
        return errnoOf(() => s.exit(0));
      case 5:
        // who is not seen has no number; 0 would be the process group, which reaches beyond the pid namespace
        return errnoOf(() => s.kill(this.seen(t, o) || NOBODY, SIGKILL));
      case 6:
        return errnoOf(() => s.mount("t", dir, "tmpfs", 0));
      case 7:
        return errnoOf(() => s.umount2(dir, op.m & 2));
      case 8:
        return errnoOf(() => s.mount("", dir, "", PROPAGATION[op.m & 3] | ((op.m & 4) !== 0 ? MS_REC : 0)));
      case 9:
        return errnoOf(() => s.mount(DIRS[op.m & 3], dir, "", MS_BIND | ((op.m & 4) !== 0 ? MS_REC : 0)));
      case 10:
        return errnoOf(() => s.sethostname(`h${op.n}`));
      case 11:
        return errnoOf(() => s.msgget(1 + (op.n & 3), IPC_CREAT | 0o600));
      case 12:
        return errnoOf(() => s.writeFile(`/proc/self/${op.m & 1 ? "gid" : "uid"}_map`, `0 ${op.n & 1 ? 0 : 1000} 1`));
      default:
        return errnoOf(() => s.setresuid(op.n & 1 ? 1000 : 0, op.n & 1 ? 1000 : 0, -1));
    }
  }

  private seen(t: Task, o: Task): number {
    return o.pid.nrNs(this.r.kernel.tasks.pidNsOf(t) as never);
  }

  /** Everybody goes; init reaps. */
  end(): void {
    const { kernel } = this.r;
    for (const t of this.tasks) if (alive(t)) kernel.core.signals.kill(t);
    kernel.run("10ms");
    while (errnoOf(() => this.r.sys(kernel.init).wait4(-1, 1)) === "ok" && kernel.init.signal.childHead !== null) {
      if (this.r.sys(kernel.init).wait4(-1, 1).pid === 0) break;
    }
    kernel.run("10ms");
  }
}

describe("namespaces", () => {
  it("keep their rules whatever tasks in nested namespaces do, and all go with their last holders", () => {
    fc.assert(
      fc.property(fc.array(arbOp, { minLength: 5, maxLength: OPS }), (ops) => {
        const w = new World();
        for (const op of ops) {
          w.do(op);
          checkNamespaces(w.r.kernel);
        }
        w.end();
        const left = w.r.kernel.namespaces.live().map((ns) => ns.type.name);
        expect(left.sort()).toEqual([...new Set(left)].sort());
      }),
      { numRuns: RUNS },
    );
  });

  it("lie the same for the same operations", () => {
    fc.assert(
      fc.property(fc.array(arbOp, { minLength: 5, maxLength: OPS }), (ops) => {
        const digest = (): string => {
          const w = new World();
          const results = ops.map((op) => w.do(op)).join();
          return `${results} ${w.r.kernel.digest()}`;
        };
        expect(digest()).toBe(digest());
      }),
      { numRuns: 8 },
    );
  });
});
