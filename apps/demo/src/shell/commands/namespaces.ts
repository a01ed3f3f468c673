/** Namespaces from the shell: unshare, nsenter, lsns. util-linux 2.38; namespaces(7). */
import * as k from "@kernelkit/core";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, type Output } from "../command.js";
import { columns, getopt, type Options, timeArg } from "../getopt.js";
import type { Shell } from "../shell.js";
import { propagationOf } from "./mounts.js";

/** Name of the option, of the file in /proc/PID/ns, and the flag. */
const TYPES = [
  ["user", "user", k.CLONE_NEWUSER],
  ["mount", "mnt", k.CLONE_NEWNS],
  ["uts", "uts", k.CLONE_NEWUTS],
  ["ipc", "ipc", k.CLONE_NEWIPC],
  ["net", "net", k.CLONE_NEWNET],
  ["pid", "pid", k.CLONE_NEWPID],
  ["cgroup", "cgroup", k.CLONE_NEWCGROUP],
  ["time", "time", k.CLONE_NEWTIME],
] as const;

type Sys = CommandEnv["sys"];

/** `--map-users outer,inner,count` (2.38's order). */
function mapLine(text: string): string {
  const m = /^(\d+),(\d+),(\d+)$/.exec(text);
  if (m === null) throw new CommandFailed(`invalid mapping '${text}'`);
  return `${m[2]} ${m[1]} ${m[3]}`;
}

function writeMaps(sys: Sys, o: Options, uid: number, gid: number): void {
  const put = (file: string, text: string): void =>
    void attempt(`write failed /proc/self/${file}`, () => sys.writeFile(`/proc/self/${file}`, text));
  const root = o.has("map-root-user");
  const mapped = (name: "user" | "group", own: number): string | null => {
    const lines = o.given.filter(([n]) => n === `map-${name}s`).map(([, v]) => mapLine(v));
    const single = o.get(`map-${name}`) ?? (o.has("map-current-user") ? String(own) : root ? "0" : undefined);
    if (single !== undefined) lines.push(`${single} ${own} 1`);
    return lines.length === 0 ? null : lines.join("\n");
  };
  const users = mapped("user", uid);
  const groups = mapped("group", gid);
  if (users !== null) put("uid_map", users);
  if (groups !== null) {
    put("setgroups", o.get("setgroups") ?? "deny");
    put("gid_map", groups);
  } else if (o.has("setgroups")) put("setgroups", o.get("setgroups") as string);
  if (root) {
    sys.setgid(0);
    sys.setuid(0);
  }
}

/** What follows: a command, or a shell of its own when somebody types. */
async function enter(env: CommandEnv, task: k.Task, argv: readonly string[], cwd: string): Promise<Output> {
  const { jobs } = env.shell;
  if (argv.length > 0) {
    env.kernel.sys(task).prctl(k.PR_SET_NAME, argv[0].split("/").pop() as string);
    return jobs.runAs(task, argv, { stdin: env.stdin, signal: env.signal, cwd });
  }
  if (!env.shell.interactive) return jobs.runAs(task, ["sh", "-c", env.stdin], { signal: env.signal, cwd });
  const inner: Shell = env.shell.child(task, { cwd });
  env.shell.nested = inner;
  return "";
}

/** A child for a new pid namespace (`--fork`): the first task in it. Its end is the outer's end. */
function forked(env: CommandEnv, child: k.Task): k.Task {
  return env.shell.jobs.fork(child.comm, child);
}

/** Ends a task that failed before its command ran. */
function give<T>(env: CommandEnv, task: k.Task, fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    env.kernel.sys(task).exit_group(1);
    env.shell.jobs.reap(task);
    throw e;
  }
}

async function unshare(args: string[], env: CommandEnv): Promise<Output> {
  const o = getopt(
    "unshare",
    args,
    "mount,m=? uts,u=? ipc,i=? net,n=? pid,p=? user,U=? cgroup,C=? time,T=? fork,f kill-child=? mount-proc=? map-root-user,r " +
      "map-current-user,c map-user= map-group= map-users= map-groups= propagation= setgroups= root,R= wd,w= setuid,S= setgid,G= " +
      "monotonic= boottime= keep-caps",
    { command: true },
  );
  let flags = 0;
  for (const [name, , flag] of TYPES) if (o.has(name)) flags |= flag;
  if (["map-root-user", "map-current-user", "map-user", "map-group", "map-users", "map-groups"].some((n) => o.has(n)))
    flags |= k.CLONE_NEWUSER;
  if (o.has("mount-proc")) flags |= k.CLONE_NEWNS;
  if (o.has("monotonic") || o.has("boottime")) flags |= k.CLONE_NEWTIME;
  const kept = TYPES.filter(([name]) => (o.get(name) ?? "") !== "");
  const child = env.shell.jobs.fork("unshare");
  const sys = env.kernel.sys(child);
  const [uid, gid] = [sys.geteuid(), sys.getegid()];
  const task = give(env, child, () => {
    attempt("unshare failed", () => sys.unshare(flags));
    if (o.has("boottime") || o.has("monotonic"))
      for (const clock of ["monotonic", "boottime"] as const)
        if (o.has(clock))
          attempt("write failed /proc/self/timens_offsets", () =>
            sys.writeFile(
              "/proc/self/timens_offsets",
              `${clock} ${o.get(clock)?.startsWith("-") ? -timeArg((o.get(clock) as string).slice(1)) / 1e9 : timeArg(o.get(clock) as string) / 1e9} 0`,
            ),
          );
    writeMaps(sys, o, uid, gid);
    if ((flags & k.CLONE_NEWNS) !== 0 && o.get("propagation") !== "unchanged") {
      const word = o.get("propagation") ?? "private";
      if (propagationOf(word) === 0) throw new CommandFailed(`unsupported propagation mode: ${word}`);
      attempt("cannot change root filesystem propagation", () =>
        sys.mount("none", "/", "", k.MS_REC | propagationOf(word), null),
      );
    }
    // a namespace in a file lives without a task
    for (const [name, file] of kept)
      attempt(`mount /proc/${child.nr}/ns/${file} on ${o.get(name)} failed`, () =>
        env.sys.mount(`/proc/${env.shell.numberOf(child)}/ns/${file}`, o.get(name) as string, "", k.MS_BIND, null),
      );
    const last = o.has("fork") || (flags & k.CLONE_NEWTIME) !== 0 ? forked(env, child) : child;
    const inside = env.kernel.sys(last);
    if (o.has("mount-proc")) {
      const at = o.get("mount-proc") || "/proc";
      attempt(`cannot change ${at} filesystem propagation`, () =>
        inside.mount("none", at, "", k.MS_PRIVATE | k.MS_REC, null),
      );
      attempt("mount proc failed", () =>
        inside.mount("proc", at, "proc", k.MS_NOSUID | k.MS_NOEXEC | k.MS_NODEV, null),
      );
    }
    if (o.has("root"))
      attempt(`cannot change root directory to '${o.get("root")}'`, () => inside.chroot(o.get("root") as string));
    if (o.has("root") || o.has("wd"))
      attempt(`cannot chdir to '${o.get("wd") ?? "/"}'`, () => inside.chdir(o.get("wd") ?? "/"));
    if (o.has("setgid")) attempt("setgid failed", () => inside.setgid(Number(o.get("setgid"))));
    if (o.has("setuid")) attempt("setuid failed", () => inside.setuid(Number(o.get("setuid"))));
    return last;
  });
  const cwd = o.get("wd") ?? (o.has("root") ? "/" : env.cwd);
  const r = await enter(env, task, o.rest, cwd);
  return task === child ? r : endOuter(env, child, r);
}

/** The parent of a forked command ends as its child did. */
function endOuter(env: CommandEnv, outer: k.Task, r: Output): Output {
  if (env.shell.nested !== null) return r;
  const exitCode = typeof r === "string" ? 0 : r.exitCode;
  if (outer.state !== k.TASK_ZOMBIE && outer.state !== k.TASK_DEAD) env.kernel.sys(outer).exit_group(exitCode);
  env.shell.jobs.reap(outer);
  return r;
}

async function nsenter(args: string[], env: CommandEnv): Promise<Output> {
  const o = getopt(
    "nsenter",
    args,
    "all,a target,t= mount,m=? uts,u=? ipc,i=? net,n=? pid,p=? cgroup,C=? user,U=? time,T=? setuid,S= setgid,G= preserve-credentials " +
      "root,r=? wd,w=? no-fork,F",
    { command: true },
  );
  const target = o.get("target");
  const child = env.shell.jobs.fork("nsenter");
  const sys = env.kernel.sys(child);
  let cwd = env.cwd;
  const task = give(env, child, () => {
    const files: [name: string, path: string, flag: number][] = [];
    for (const [name, file, flag] of TYPES) {
      if (!o.has(name) && !o.has("all")) continue;
      const given = o.get(name) ?? "";
      if (given === "" && target === undefined)
        throw new CommandFailed(`no target PID specified for --${o.has("all") ? "all" : name}`);
      files.push([name, given !== "" ? given : `/proc/${target}/ns/${file}`, flag]);
    }
    // --all leaves out the user namespace one is in already
    const own = (file: string): string => sys.readlink(`/proc/self/ns/${file}`);
    const entered = files.filter(
      ([name, path]) =>
        !(o.has("all") && name === "user" && own("user") === attempt(`cannot open ${path}`, () => sys.readlink(path))),
    );
    const fds = entered.map(([name, path, flag]) => ({
      name,
      flag,
      fd: attempt(`cannot open ${path}`, () => sys.open(path, k.O_RDONLY | k.O_CLOEXEC)),
    }));
    const rootFd = o.has("root")
      ? attempt("cannot open root", () => sys.open(o.get("root") || `/proc/${target}/root`, k.O_RDONLY))
      : -1;
    const wdFd = o.has("wd")
      ? attempt("cannot open wd", () => sys.open(o.get("wd") || `/proc/${target}/cwd`, k.O_RDONLY))
      : -1;
    for (const { name, fd, flag } of fds)
      attempt(`reassociate to namespace '${name === "mount" ? "ns/mnt" : `ns/${name}`}' failed`, () =>
        sys.setns(fd, flag),
      );
    for (const { fd } of fds) sys.close(fd);
    if (rootFd >= 0) {
      sys.fchdir(rootFd);
      sys.chroot(".");
      sys.close(rootFd);
      cwd = "/";
    }
    if (wdFd >= 0) {
      sys.fchdir(wdFd);
      sys.close(wdFd);
    }
    if (fds.some((f) => f.name === "mount") && wdFd < 0) sys.chdir("/");
    cwd = sys.getcwd();
    if (fds.some((f) => f.name === "user") && !o.has("preserve-credentials")) {
      attempt("setgroups failed", () => {
        try {
          sys.setgroups([]);
        } catch (e) {
          if (!(e instanceof k.KernelError) || e.code !== "EPERM") throw e;
        }
      });
      attempt("setgid() failed", () => sys.setgid(Number(o.get("setgid") ?? 0)));
      attempt("setuid() failed", () => sys.setuid(Number(o.get("setuid") ?? 0)));
    }
    return fds.some((f) => f.name === "pid" || f.name === "time") && !o.has("no-fork") ? forked(env, child) : child;
  });
  const r = await enter(env, task, o.rest, cwd);
  return task === child ? r : endOuter(env, child, r);
}

interface Ns {
  readonly ns: number;
  readonly type: string;
  nprocs: number;
  pid: number;
  user: string;
  command: string;
}

/** Namespaces that some process is in, by what /proc tells. */
function namespacesIn(env: CommandEnv): Map<string, Ns> {
  const out = new Map<string, Ns>();
  for (const pid of env.sys.readdir("/proc").filter((n) => /^\d+$/.test(n))) {
    for (const [, file] of TYPES) {
      let link: string;
      try {
        link = env.sys.readlink(`/proc/${pid}/ns/${file}`);
      } catch {
        continue;
      }
      const ns = Number(/\[(\d+)\]/.exec(link)?.[1] ?? 0);
      const known = out.get(`${file}:${ns}`);
      if (known !== undefined) {
        known.nprocs++;
        continue;
      }
      const uid = env.sys.stat(`/proc/${pid}`).uid;
      const cmdline = env.sys.readText(`/proc/${pid}/cmdline`).replace(/\0+$/, "").replaceAll("\0", " ");
      out.set(`${file}:${ns}`, {
        ns,
        type: file,
        nprocs: 1,
        pid: Number(pid),
        user: uid === 0 ? "root" : String(uid),
        command: cmdline !== "" ? cmdline : env.sys.readText(`/proc/${pid}/comm`).trim(),
      });
    }
  }
  return out;
}

function lsns(args: string[], env: CommandEnv): Output {
  const o = getopt("lsns", args, "type,t= task,p= json,J noheadings,n list,l raw,r output,o= notruncate,W");
  let list = [...namespacesIn(env).values()].sort((a, b) => a.ns - b.ns);
  if (o.has("type")) list = list.filter((n) => n.type === o.get("type"));
  if (o.has("task")) {
    const mine = new Set(
      TYPES.map(([, file]) => {
        const link = attempt(`cannot read /proc/${o.get("task")}/ns/${file}`, () =>
          env.sys.readlink(`/proc/${o.get("task")}/ns/${file}`),
        );
        return `${file}:${/\[(\d+)\]/.exec(link)?.[1]}`;
      }),
    );
    list = list.filter((n) => mine.has(`${n.type}:${n.ns}`));
  }
  if (o.rest.length > 0) list = list.filter((n) => o.rest.includes(String(n.ns)));
  const all = ["NS", "TYPE", "NPROCS", "PID", "USER", "COMMAND"];
  const wanted = (o.get("output") ?? all.join(",")).toUpperCase().split(",");
  const unknown = wanted.find((c) => !all.includes(c));
  if (unknown !== undefined) throw new CommandFailed(`unknown column: ${unknown}`);
  const value = (n: Ns, c: string): string | number => n[c.toLowerCase() as keyof Ns];
  if (o.has("json")) {
    const namespaces = list.map((n) => Object.fromEntries(wanted.map((c) => [c.toLowerCase(), value(n, c)])));
    return `${JSON.stringify({ namespaces }, null, 3)}\n`;
  }
  const right = wanted.map((c) => (c === "NS" || c === "NPROCS" || c === "PID" ? "r" : "l")).join("");
  const rows = list.map((n) => wanted.map((c) => String(value(n, c))));
  return columns(o.has("noheadings") ? null : wanted, rows, right);
}

export const namespaceCommands: CommandTable = { unshare, nsenter, lsns };
