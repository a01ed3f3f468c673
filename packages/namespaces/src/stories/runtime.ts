/**
 * The story "A container runtime's calls": the sequences of system calls that bubblewrap and runc (with a plugin that wires its network) make to set a container up, as
 * strace shows them, made here by a task - on the kernel of each profile. The first call that a kernel cannot do yet is named.
 */
import {
  AF_INET,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SLAVE,
  MSG_DONTWAIT,
  SIGCHLD,
  SOCK_DGRAM,
  type Task,
} from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import type { RtnetlinkAttributes } from "../net/rtnetlink.js";
import { type Profile, profiles } from "../profiles.js";
import { boot, childOf, errnoOf, type NsCalls, type NsKernel, PR_SET_DUMPABLE, user } from "./rig.js";

type Knobs = { readonly tool: string };
const knobs: Story<Knobs>["knobs"] = {
  tool: { kind: "choice", default: "bubblewrap", choices: ["bubblewrap", "runc"] },
};

const UID = 1000;
const PR_SET_NO_NEW_PRIVS = 38;

/** Makes calls until one fails. */
class Steps {
  readonly done: [call: string, result: string][] = [];
  failed = "";

  do(call: string, run: () => unknown): void {
    if (this.failed !== "") return;
    const result = errnoOf(run);
    this.done.push([call, result]);
    if (result !== "ok") this.failed = `${call}: ${result}`;
  }
}

function bubblewrap(kernel: NsKernel, t: Task, st: Steps, cgroup: boolean): Task {
  let inner = t;
  const flags =
    CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (cgroup ? CLONE_NEWCGROUP : 0);
  st.do("clone(NEWNS|NEWUSER|NEWPID|NEWIPC|NEWUTS|NEWCGROUP)", () => {
    inner = childOf(kernel, t, kernel.sys(t).clone(flags | SIGCHLD));
  });
  if (st.failed !== "") return inner;
  const s = kernel.sys(inner);
  st.do("write /proc/self/uid_map", () => s.writeFile("/proc/self/uid_map", `${UID} ${UID} 1`));
  st.do("write /proc/self/setgroups deny", () => s.writeFile("/proc/self/setgroups", "deny"));
  st.do("write /proc/self/gid_map", () => s.writeFile("/proc/self/gid_map", `${UID} ${UID} 1`));
  st.do("mount / MS_SLAVE|MS_REC", () => s.mount(null, "/", null, MS_SILENT | MS_SLAVE | MS_REC));
  st.do("mount tmpfs /tmp", () => s.mount("tmpfs", "/tmp", "tmpfs", MS_NODEV | MS_NOSUID));
  st.do("mkdir newroot, oldroot", () => {
    s.mkdir("/tmp/newroot", 0o755);
    s.mkdir("/tmp/oldroot", 0o755);
  });
  st.do("bind newroot on itself", () => s.mount("/tmp/newroot", "/tmp/newroot", null, MS_BIND | MS_REC));
  st.do("pivot_root(/tmp, oldroot)", () => s.pivot_root("/tmp", "/tmp/oldroot"));
  st.do("chdir /", () => s.chdir("/"));
  fill(st, s, "/newroot", "/oldroot");
  st.do("umount2(oldroot, MNT_DETACH)", () => s.umount2("/oldroot", MNT_DETACH));
  st.do("pivot_root(/newroot, .)", () => {
    s.chdir("/newroot");
    s.pivot_root(".", ".");
    s.umount2(".", MNT_DETACH);
    s.chdir("/");
  });
  st.do("sethostname", () => s.sethostname("box"));
  st.do("prctl(PR_SET_NO_NEW_PRIVS)", () => s.prctl(PR_SET_NO_NEW_PRIVS, 1));
  return inner;
}

const MS_SILENT = 0x8000;

/** The mounts that both make below the new root. */
function fill(st: Steps, s: NsCalls, root: string, old: string): void {
  st.do("mkdir proc dev run", () => {
    for (const d of ["proc", "dev", "run"]) s.mkdir(`${root}/${d}`, 0o755);
  });
  st.do("mount proc", () => s.mount("proc", `${root}/proc`, "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV));
  st.do("mount tmpfs /dev", () => s.mount("tmpfs", `${root}/dev`, "tmpfs", MS_NOSUID | 0, "mode=755"));
  st.do("bind /dev/null", () => {
    s.writeFile(`${root}/dev/null`, "");
    s.mount(`${old}/dev/null`, `${root}/dev/null`, null, MS_BIND);
  });
  st.do("mount devpts", () => {
    s.mkdir(`${root}/dev/pts`, 0o755);
    s.mount("devpts", `${root}/dev/pts`, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
  });
  st.do("mount mqueue", () => {
    s.mkdir(`${root}/dev/mqueue`, 0o755);
    s.mount("mqueue", `${root}/dev/mqueue`, "mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV);
  });
  st.do("remount /dev read-only", () =>
    s.mount(null, `${root}/dev`, null, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_RDONLY),
  );
}

const HOST_IP = "10.200.0.1";
const INNER_IP = "10.200.0.2";

/** What a CNI plugin does between the two: a cable into the new network namespace, addresses at both ends, a default route. */
function wire(kernel: NsKernel, st: Steps, host: Task, inner: Task, name: string): void {
  const rtnl = (t: Task, request: string, attributes: RtnetlinkAttributes): unknown =>
    kernel.namespaces.rtnetlink(t, request, attributes);
  const outer = `veth${name}`;
  st.do("RTM_NEWLINK veth, its peer in the container", () =>
    rtnl(host, "RTM_NEWLINK", { ifname: outer, kind: "veth", peer: "eth0", peer_netns_pid: inner.nr }),
  );
  st.do("host: address, up", () => {
    rtnl(host, "RTM_NEWADDR", { ifname: outer, addr: `${HOST_IP}/24` });
    rtnl(host, "RTM_SETLINK", { ifname: outer, up: true });
  });
  st.do("container: lo up, address, up", () => {
    rtnl(inner, "RTM_SETLINK", { ifname: "lo", up: true });
    rtnl(inner, "RTM_NEWADDR", { ifname: "eth0", addr: `${INNER_IP}/24` });
    rtnl(inner, "RTM_SETLINK", { ifname: "eth0", up: true });
  });
  st.do("container: default route", () => rtnl(inner, "RTM_NEWROUTE", { dst: "default", via: HOST_IP }));
}

/** A datagram from the container arrives at the host's end: its text, or the errno. */
export function reach(kernel: NsKernel, host: Task, inner: Task): string {
  const port = 7;
  const [h, s] = [kernel.sys(host), kernel.sys(inner)];
  let text = "";
  const failed = errnoOf(() => {
    const at = h.socket(AF_INET, SOCK_DGRAM);
    h.bind(at, { family: AF_INET, addr: HOST_IP, port });
    const from = s.socket(AF_INET, SOCK_DGRAM);
    s.sendto(from, new TextEncoder().encode("hello"), 0, { family: AF_INET, addr: HOST_IP, port });
    text = new TextDecoder().decode(h.recv(at, 64, MSG_DONTWAIT));
    h.close(at);
  });
  return failed === "ok" ? text : failed;
}

function runc(kernel: NsKernel, t: Task, st: Steps, cgroup: boolean): Task {
  // stage 0 (the parent, root here) writes the maps of stage 1; stage 2 is the container's init
  const stage1 = childOf(kernel, t, kernel.sys(t).fork());
  const one = kernel.sys(stage1);
  let init = stage1;
  st.do("unshare(NEWUSER)", () => one.unshare(CLONE_NEWUSER));
  st.do("parent writes uid_map, gid_map", () => {
    const root = kernel.sys(kernel.init);
    root.writeFile(`/proc/${stage1.nr}/uid_map`, "0 100000 65536");
    root.writeFile(`/proc/${stage1.nr}/gid_map`, "0 100000 65536");
  });
  st.do("setresuid(0, 0, 0)", () => {
    one.setresgid(0, 0, 0);
    one.setresuid(0, 0, 0);
    one.prctl(PR_SET_DUMPABLE, 1);
  });
  st.do("unshare(NEWNS|NEWUTS|NEWIPC|NEWPID|NEWNET)", () =>
    one.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET),
  );
  st.do("clone()", () => {
    init = childOf(kernel, stage1, one.clone(SIGCHLD));
  });
  if (st.failed !== "") return init;
  wire(kernel, st, t, init, "1");
  const s = kernel.sys(init);
  st.do("setsid", () => s.setsid());
  st.do("setgroups([])", () => s.setgroups([]));
  if (cgroup) st.do("unshare(NEWCGROUP)", () => s.unshare(CLONE_NEWCGROUP));
  st.do("mount / MS_SLAVE|MS_REC", () => s.mount("", "/", "", MS_SLAVE | MS_REC));
  st.do("the root file system, bound to itself", () => {
    s.mount("tmpfs", "/mnt", "tmpfs", 0);
    s.mkdir("/mnt/rootfs", 0o755);
    s.mount("/mnt/rootfs", "/mnt/rootfs", "bind", MS_BIND | MS_REC);
  });
  fill(st, s, "/mnt/rootfs", "");
  st.do("pivot_root(., .)", () => {
    s.chdir("/mnt/rootfs");
    s.pivot_root(".", ".");
  });
  st.do("umount2(., MNT_DETACH)", () => {
    s.umount2(".", MNT_DETACH);
    s.chdir("/");
  });
  st.do("sethostname", () => s.sethostname("box"));
  st.do("prctl(PR_SET_NO_NEW_PRIVS)", () => s.prctl(PR_SET_NO_NEW_PRIVS, 1));
  return init;
}

export const runtime: Story<Knobs> = {
  id: "container-runtime",
  question: "On which kernels do the calls of a container runtime work, and where do they stop?",
  source: "bubblewrap(1), runc's documentation, as strace shows them; namespaces(7), notes on versions",
  claim:
    "all steps on 3.19 and later; on 3.8 bubblewrap's write to /proc/self/setgroups is the first that is not there",
  assumes: [
    "every profile has the file systems of the present kernel, and a cgroup namespace is asked for only where there is one",
  ],
  knobs,
  run(given) {
    const { tool } = knobsOf(knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const profile of profiles) {
      const { steps, inner, kernel } = container(tool, profile);
      const mounts = steps.failed === "" ? kernel.sys(inner).readText("/proc/self/mountinfo").trim().split("\n") : [];
      rows.push([profile, steps.done.length, steps.failed === "" ? "all work" : steps.failed, mounts.length]);
      numbers[`steps_${profile}`] = steps.done.length;
      numbers[`works_${profile}`] = steps.failed === "" ? 1 : 0;
      numbers[`mounts_${profile}`] = mounts.length;
      numbers[`pid_${profile}`] = kernel.sys(inner).getpid();
      if (tool === "runc") numbers[`reaches_host_${profile}`] = reach(kernel, kernel.init, inner) === "hello" ? 1 : 0;
    }
    return {
      series: [],
      table: { columns: ["kernel", "steps made", "ends with", "mounts seen inside"], rows },
      numbers,
    };
  },
};

/** One container on one kernel. */
export function container(tool: string, profile: Profile): { steps: Steps; inner: Task; kernel: NsKernel } {
  const kernel = boot({ profile });
  const steps = new Steps();
  const { CGROUP_NS } = kernel.namespaces.options.features;
  const inner =
    tool === "runc"
      ? runc(kernel, kernel.init, steps, CGROUP_NS)
      : bubblewrap(kernel, user(kernel, UID), steps, CGROUP_NS);
  return { steps, inner, kernel };
}
