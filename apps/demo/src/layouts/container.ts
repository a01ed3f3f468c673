/**
 * A container as runtimes make it: a runtime process enters the group, makes the namespaces, builds the root directory, mounts /proc,
 * /sys and the groups, turns the root around, and its child is pid 1. The OCI runtime specification; namespaces(7), pivot_root(2).
 */
import * as k from "@kernelkit/core";
import type { Host, Sys } from "./host.js";

export interface ContainerSpec {
  /** Name of its directory on the host. */
  readonly id: string;
  readonly hostname: string;
  readonly comm: string;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts the runtime, and so all that follows, into its groups. */
  enter(runtime: k.Task): void;
  /** A cgroup namespace of its own. */
  readonly privateCgroup: boolean;
  /** The groups' mounts; `root` is the new root directory, `sys` makes calls inside the new namespaces. */
  mountCgroups(sys: Sys, root: string): void;
  /** Do mounts of the host come in? "slave" shows as `master:N`. */
  readonly propagation?: "private" | "slave";
  /** Files of the image and the runtime: path and text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files of the host that are mounted inside. */
  readonly binds?: readonly (readonly [from: string, to: string])[];
  /** The process that starts it, if not the host's init (a container in a container). */
  readonly parent?: k.Task;
}

/** Flags of a bind mount that is changed to these afterwards. */
export function bind(sys: Sys, from: string, to: string, flags: number = 0): void {
  sys.mount(from, to, "", k.MS_BIND, null);
  if (flags !== 0) sys.mount("none", to, "", flags | k.MS_REMOUNT | k.MS_BIND, null);
}

/** Start it; its pid 1. */
export function container(host: Host, spec: ContainerSpec): k.Task {
  const { kernel } = host;
  const runtime = host.fork("runc:[0:PARENT]", spec.parent === undefined ? {} : { parent: spec.parent });
  spec.enter(runtime);
  const out = kernel.sys(runtime);
  const types = k.CLONE_NEWNS | k.CLONE_NEWUTS | k.CLONE_NEWIPC | k.CLONE_NEWPID | k.CLONE_NEWNET;
  out.unshare(types | (spec.privateCgroup ? k.CLONE_NEWCGROUP : 0));
  out.mount("none", "/", "", k.MS_REC | (spec.propagation === "slave" ? k.MS_SLAVE : k.MS_PRIVATE), null);
  const root = `/run/containers/${spec.id}`;
  host.mkdirs(root, out);
  out.mount("overlay", root, "tmpfs", 0, "mode=755");
  for (const d of ["bin", "dev", "etc", "proc", "run", "sys", "tmp", "var", ".old"]) out.mkdir(`${root}/${d}`, 0o755);
  for (const [path, text] of Object.entries(spec.files ?? {})) {
    host.mkdirs(`${root}${path.slice(0, path.lastIndexOf("/"))}`, out);
    out.writeFile(`${root}${path}`, text, 0o644);
  }
  const init = host.fork(spec.comm, {
    parent: runtime,
    ...(spec.argv !== undefined && { argv: spec.argv }),
    ...(spec.env !== undefined && { env: spec.env }),
  });
  const sys = kernel.sys(init);
  const safe = k.MS_NOSUID | k.MS_NODEV | k.MS_NOEXEC;
  sys.mount("proc", `${root}/proc`, "proc", safe, null);
  sys.mount("tmpfs", `${root}/dev`, "tmpfs", k.MS_NOSUID, "size=65536k,mode=755");
  sys.mkdir(`${root}/dev/shm`, 0o1777);
  sys.mount("shm", `${root}/dev/shm`, "tmpfs", safe, "size=65536k");
  for (const d of ["null", "zero", "full", "random", "urandom"]) {
    sys.writeFile(`${root}/dev/${d}`, "");
    bind(sys, `/dev/${d}`, `${root}/dev/${d}`);
  }
  sys.mount("sysfs", `${root}/sys`, "sysfs", safe | k.MS_RDONLY, null);
  spec.mountCgroups(sys, root);
  for (const [from, to] of spec.binds ?? []) {
    host.mkdirs(`${root}${to.slice(0, to.lastIndexOf("/"))}`, sys);
    sys.writeFile(`${root}${to}`, "");
    bind(sys, from, `${root}${to}`);
  }
  sys.sethostname(spec.hostname);
  sys.pivot_root(root, `${root}/.old`);
  sys.chdir("/");
  sys.umount2("/.old", k.MNT_DETACH);
  sys.rmdir("/.old");
  sys.setsid();
  out.exit_group(0);
  if (spec.parent === undefined) host.sys.wait4(-1, k.WNOHANG);
  else kernel.sys(spec.parent).wait4(-1, k.WNOHANG);
  return init;
}
