/** The tree of files: mount, umount, mountpoint, pivot_root, chroot. util-linux 2.38. */
import * as k from "@kernelkit/core";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, strerror } from "../command.js";
import { getopt } from "../getopt.js";
import { runChild } from "./process.js";

/** Words of `-o` that are flags of mount(2): value to set, value to clear. */
const FLAGS: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [k.MS_RDONLY, 0],
  rw: [0, k.MS_RDONLY],
  nosuid: [k.MS_NOSUID, 0],
  suid: [0, k.MS_NOSUID],
  nodev: [k.MS_NODEV, 0],
  dev: [0, k.MS_NODEV],
  noexec: [k.MS_NOEXEC, 0],
  exec: [0, k.MS_NOEXEC],
  sync: [k.MS_SYNCHRONOUS, 0],
  async: [0, k.MS_SYNCHRONOUS],
  dirsync: [k.MS_DIRSYNC, 0],
  remount: [k.MS_REMOUNT, 0],
  bind: [k.MS_BIND, 0],
  rbind: [k.MS_BIND | k.MS_REC, 0],
  move: [k.MS_MOVE, 0],
  noatime: [k.MS_NOATIME, 0],
  atime: [0, k.MS_NOATIME],
  nodiratime: [k.MS_NODIRATIME, 0],
  relatime: [k.MS_RELATIME, 0],
  strictatime: [k.MS_STRICTATIME, 0],
  lazytime: [k.MS_LAZYTIME, 0],
  iversion: [k.MS_I_VERSION, 0],
  defaults: [0, 0],
};
const PROPAGATION: Readonly<Record<string, number>> = {
  shared: k.MS_SHARED,
  slave: k.MS_SLAVE,
  private: k.MS_PRIVATE,
  unbindable: k.MS_UNBINDABLE,
};

/** What `--make-rprivate` and `-o rslave` mean; 0: no such word. */
export function propagationOf(word: string): number {
  if (Object.hasOwn(PROPAGATION, word)) return PROPAGATION[word];
  return word.startsWith("r") && Object.hasOwn(PROPAGATION, word.slice(1)) ? PROPAGATION[word.slice(1)] | k.MS_REC : 0;
}

function listMounts(env: CommandEnv, type: string | undefined): string {
  return env.sys
    .readText("/proc/self/mounts")
    .split("\n")
    .filter(Boolean)
    .map((l) =>
      l.split(" ").map((w) => w.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)))),
    )
    .filter(([, , t]) => type === undefined || type.split(",").includes(t))
    .map(([src, dir, t, options]) => `${src} on ${dir} type ${t} (${options})\n`)
    .join("");
}

export const mountCommands: CommandTable = {
  mount(args, env) {
    const makes = Object.keys(PROPAGATION).flatMap((p) => [`make-${p}`, `make-r${p}`]);
    const o = getopt(
      "mount",
      args,
      `types,t= options,o= bind,B rbind,R move,M read-only,r rw,w verbose,v no-mtab,n source= target= ${makes.join(" ")}`,
    );
    const words = (
      o.given
        .filter(([n]) => n === "options")
        .map(([, v]) => v)
        .join(",") || ""
    )
      .split(",")
      .filter(Boolean);
    for (const flag of ["bind", "rbind", "move"]) if (o.has(flag)) words.push(flag);
    if (o.has("read-only")) words.push("ro");
    let flags = 0;
    let spread = 0;
    const data: string[] = [];
    for (const w of words) {
      if (Object.hasOwn(FLAGS, w)) flags = (flags & ~FLAGS[w][1]) | FLAGS[w][0];
      else if (propagationOf(w) !== 0) spread = propagationOf(w);
      else data.push(w);
    }
    for (const m of makes) if (o.has(m)) spread = propagationOf(m.slice("make-".length));
    const rest = [o.get("source"), o.get("target"), ...o.rest].filter((x): x is string => x !== undefined);
    if (rest.length === 0 && flags === 0 && spread === 0) return listMounts(env, o.get("types"));
    // a change of what is mounted needs the place alone
    const alone = rest.length === 1 && ((flags & k.MS_REMOUNT) !== 0 || spread !== 0);
    if (rest.length !== 2 && !alone)
      throw new CommandFailed(
        rest.length === 1
          ? `${rest[0]}: can't find in /etc/fstab.`
          : "bad usage\nTry 'mount --help' for more information.",
      );
    const [source, target] = alone ? ["none", rest[0]] : rest;
    try {
      if (!(alone && flags === 0)) {
        // a bind mount is made first and changed then, as mount(8) does
        const change = flags & ~(k.MS_BIND | k.MS_REC);
        env.sys.mount(
          source,
          target,
          o.get("types") ?? "",
          (flags & k.MS_BIND) !== 0 && (flags & k.MS_REMOUNT) === 0 ? flags & (k.MS_BIND | k.MS_REC) : flags,
          data.join(","),
        );
        if ((flags & k.MS_BIND) !== 0 && (flags & k.MS_REMOUNT) === 0 && change !== 0)
          env.sys.mount("none", target, "", change | k.MS_REMOUNT | k.MS_BIND, null);
      }
      if (spread !== 0) env.sys.mount("none", target, "", spread, null);
    } catch (e) {
      if (!(e instanceof k.KernelError)) throw e;
      const type = o.get("types");
      const why: Readonly<Record<string, string>> = {
        ENODEV: `unknown filesystem type '${type}'.`,
        ENOENT:
          env.shell.kernel.sys(env.task) && !exists(env, target)
            ? "mount point does not exist."
            : `special device ${source} does not exist.`,
        EBUSY: `${source} already mounted or mount point busy.`,
        EINVAL: `wrong fs type, bad option, bad superblock on ${source}, missing codepage or helper program, or other error.`,
        EPERM: "permission denied.",
        ENOTBLK: `${source} is not a block device.`,
        EACCES: `cannot mount ${source} read-only.`,
      };
      throw new CommandFailed(`${target}: ${why[e.code] ?? `mount(2) system call failed: ${strerror(e)}.`}`, 32);
    }
    return "";
  },

  umount(args, env) {
    const o = getopt("umount", args, "lazy,l force,f recursive,R verbose,v all-targets,A");
    if (o.rest.length === 0) throw new CommandFailed("bad usage\nTry 'umount --help' for more information.");
    const flags = (o.has("lazy") ? k.MNT_DETACH : 0) | (o.has("force") ? k.MNT_FORCE : 0);
    let stderr = "";
    const one = (target: string): void => {
      try {
        env.sys.umount2(target, flags);
      } catch (e) {
        if (!(e instanceof k.KernelError)) throw e;
        const why: Readonly<Record<string, string>> = {
          EINVAL: "not mounted.",
          EBUSY: "target is busy.",
          ENOENT: "no mount point specified.",
          EPERM: "must be superuser to unmount.",
        };
        stderr += `umount: ${target}: ${why[e.code] ?? `umount failed: ${strerror(e)}.`}\n`;
      }
    };
    for (const target of o.rest) {
      if (o.has("recursive")) {
        const below = env.sys
          .readText("/proc/self/mounts")
          .split("\n")
          .map((l) => l.split(" ")[1] ?? "")
          .filter((d) => d.startsWith(`${target.replace(/\/$/, "")}/`));
        for (const d of below.reverse()) one(d);
      }
      one(target);
    }
    return { exitCode: stderr === "" ? 0 : 32, stderr };
  },

  mountpoint(args, env) {
    const o = getopt("mountpoint", args, "quiet,q fs-devno,d");
    const path = o.rest[0];
    if (path === undefined) throw new CommandFailed("bad usage\nTry 'mountpoint --help' for more information.");
    const st = attempt(path, () => env.sys.stat(path));
    const up = env.sys.stat(`${path}/..`);
    const is = st.dev !== up.dev || st.ino === up.ino;
    const said = o.has("quiet") ? "" : `${path} is ${is ? "" : "not "}a mountpoint\n`;
    return { exitCode: is ? 0 : 32, stdout: said };
  },

  pivot_root(args, env) {
    if (args.length !== 2) throw new CommandFailed("bad usage\nTry 'pivot_root --help' for more information.");
    attempt(`failed to change root from \`${args[0]}' to \`${args[1]}'`, () => env.sys.pivot_root(args[0], args[1]));
    return "";
  },

  chroot(args, env) {
    const o = getopt("chroot", args, "userspec= groups= skip-chdir", { command: true, exitCode: 125 });
    if (o.rest.length === 0) throw new CommandFailed("missing operand\nTry 'chroot --help' for more information.", 125);
    const argv = o.rest.length > 1 ? o.rest.slice(1) : ["sh", "-i"];
    return runChild({ ...env, cwd: "/" }, "chroot", argv, (sys) => {
      attempt(`cannot change root directory to '${o.rest[0]}'`, () => sys.chroot(o.rest[0]), 125);
      sys.chdir("/");
      const [uid, gid] = (o.get("userspec") ?? "").split(":");
      if (gid !== undefined && gid !== "") sys.setgid(Number(gid));
      if (uid !== "") sys.setuid(Number(uid));
    });
  },
};

function exists(env: CommandEnv, path: string): boolean {
  try {
    env.sys.stat(path);
    return true;
  } catch {
    return false;
  }
}
