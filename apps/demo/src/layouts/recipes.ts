/**
 * The layouts: what a process sees on hosts and in containers of each kind. A recipe makes groups, namespaces and mounts as that
 * runtime does; every file then follows from the kernel. Its own are only ids, names and marker files.
 */
import { MS_NODEV, MS_NOSUID, MS_RDONLY, MS_RELATIME, type Task } from "@kernelkit/core";
import type { BootOptions } from "../kernel.js";
import { bind, container } from "./container.js";
import { CGROUP_FLAGS, type Host, ROOT, type Sys, V1_MOUNTS } from "./host.js";
import { LXCFS, LXCFS_FILES, mountLxcfs } from "./lxcfs.js";
import type { LayoutOptions, ResolvedOptions } from "./options.js";

/** The first process that is inside: a container's pid 1, or the host's own. */
export type Recipe = (host: Host, o: ResolvedOptions) => Task;

const RO = CGROUP_FLAGS | MS_RDONLY;

/** cgroup2 as runc mounts it, over /sys in the container. */
const mount2 =
  (flags: number, source = "cgroup") =>
  (sys: Sys, root: string): void => {
    sys.mount(source, `${root}${ROOT}`, "cgroup2", flags, null);
  };

/** Each hierarchy's group of the container, bound from the host: root of the mount = path of the group. */
function mount1(path: string) {
  return (sys: Sys, root: string): void => {
    sys.mount("tmpfs", `${root}${ROOT}`, "tmpfs", CGROUP_FLAGS, "mode=755");
    for (const name of V1_MOUNTS) {
      const to = `${root}${ROOT}/${name}`;
      sys.mkdir(to, 0o755);
      bind(sys, `${ROOT}/${name}${path}`, to, RO);
      if (name.includes(",")) for (const part of name.split(",")) sys.symlink(name, `${root}${ROOT}/${part}`);
    }
  };
}

const dockerFiles = (host: Host, id: string, name: string): (readonly [string, string])[] => {
  const dir = `/var/lib/docker/containers/${id}`;
  host.write(`${dir}/resolv.conf`, "nameserver 127.0.0.11\n");
  host.write(`${dir}/hostname`, `${name}\n`);
  host.write(`${dir}/hosts`, `127.0.0.1\tlocalhost\n172.17.0.2\t${name}\n`);
  return [
    [`${dir}/resolv.conf`, "/etc/resolv.conf"],
    [`${dir}/hostname`, "/etc/hostname"],
    [`${dir}/hosts`, "/etc/hosts"],
  ];
};
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Docker {
  readonly group: string;
  readonly version: 1 | 2;
  readonly privateCgroup: boolean;
  readonly writable?: boolean;
}

function docker(host: Host, o: ResolvedOptions, d: Docker): Task {
  const name = o.hostname ?? o.containerId.slice(0, 12);
  if (d.version === 2) host.v2Group(d.group, o);
  else host.v1Group(d.group, o);
  return container(host, {
    id: o.containerId,
    hostname: name,
    comm: "init",
    argv: ["/sbin/docker-init", "--", "worker"],
    env: { PATH: path, HOSTNAME: name, HOME: "/root" },
    enter: (t) => (d.version === 2 ? host.v2Enter(t, d.group) : host.v1Enter(t, d.group)),
    privateCgroup: d.privateCgroup,
    mountCgroups: d.version === 2 ? mount2(d.writable === true ? CGROUP_FLAGS : RO) : mount1(d.group),
    propagation: d.version === 1 ? "slave" : "private",
    files: { "/.dockerenv": "" },
    binds: dockerFiles(host, o.containerId, name),
  });
}

const dockerScope = (o: ResolvedOptions): string => `/system.slice/docker-${o.containerId}.scope`;

function systemdHost(host: Host): void {
  host.v2Host();
  host.v2Group("/init.scope");
  host.v2Enter(host.kernel.init, "/init.scope");
}

const podSlice = (o: ResolvedOptions): string =>
  `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${o.podUid.replaceAll("-", "_")}.slice`;

function pod(host: Host, o: ResolvedOptions, k: { version: 1 | 2; privateCgroup: boolean }): Task {
  const name = o.hostname ?? "app-7d9c6b5f4-x2x7q";
  const slice = k.version === 2 ? podSlice(o) : `/kubepods/burstable/pod${o.podUid}`;
  const group = k.version === 2 ? `${slice}/cri-containerd-${o.containerId}.scope` : `${slice}/${o.containerId}`;
  if (k.version === 2) {
    host.v2Group(slice, o.parent);
    host.v2Group(group, o);
  } else {
    host.v1Group(slice, o.parent);
    host.v1Group(group, o);
  }
  const dir = `/var/lib/kubelet/pods/${o.podUid}`;
  host.write(`${dir}/etc-hosts`, `127.0.0.1\tlocalhost\n10.0.0.7\t${name}\n`);
  host.write(`${dir}/containers/app/1a2b3c4d`, "");
  const sandbox = `/run/containerd/io.containerd.grpc.v1.cri/sandboxes/${o.containerId.split("").reverse().join("")}`;
  host.write(`${sandbox}/resolv.conf`, "nameserver 10.96.0.10\n");
  host.write(`${sandbox}/hostname`, `${name}\n`);
  return container(host, {
    id: o.containerId,
    hostname: name,
    comm: "init",
    env: { PATH: path, HOSTNAME: name, KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" },
    enter: (t) => (k.version === 2 ? host.v2Enter(t, group) : host.v1Enter(t, group)),
    privateCgroup: k.privateCgroup,
    mountCgroups: k.version === 2 ? mount2(RO) : mount1(group),
    binds: [
      [`${dir}/etc-hosts`, "/etc/hosts"],
      [`${dir}/containers/app/1a2b3c4d`, "/dev/termination-log"],
      [`${sandbox}/hostname`, "/etc/hostname"],
      [`${sandbox}/resolv.conf`, "/etc/resolv.conf"],
    ],
  });
}

/** A process of the host in a group; no namespaces. */
function hostTask(host: Host, group: string, v: 1 | 2): Task {
  const task = host.fork("app", { argv: ["/usr/bin/app"] });
  if (v === 2) host.v2Enter(task, group);
  else host.v1Enter(task, group);
  host.kernel.sys(task).setsid();
  return task;
}

export const RECIPES: Readonly<Record<string, Recipe>> = {
  /** A host of version 2: the root group. */
  "bare-v2": (host) => {
    host.v2Host();
    return host.fork("app");
  },

  "bare-v1": (host) => {
    host.v1Host();
    return host.fork("app");
  },

  /** systemd's mixture: controllers in version 1, processes in both. */
  hybrid: (host, o) => {
    host.v1Host({ unified: true });
    const group = "/user.slice/user-1000.slice/session-1.scope";
    host.v1Group(group, o);
    host.mkdirs(`${ROOT}/unified${group}`);
    const task = hostTask(host, group, 1);
    host.sys.writeFile(`${ROOT}/unified${group}/cgroup.procs`, String(task.nr));
    return task;
  },

  "docker-v2": (host, o) => {
    systemdHost(host);
    return docker(host, o, { group: dockerScope(o), version: 2, privateCgroup: true });
  },

  "docker-v2-host-cgroupns": (host, o) => {
    systemdHost(host);
    return docker(host, o, { group: dockerScope(o), version: 2, privateCgroup: false });
  },

  "docker-v1": (host, o) => {
    host.v1Host();
    return docker(host, o, { group: `/docker/${o.containerId}`, version: 1, privateCgroup: false });
  },

  /** Without root: only what systemd hands down to a user's manager. */
  "podman-rootless-v2": (host, o) => {
    systemdHost(host);
    const user = "/user.slice/user-1000.slice/user@1000.service";
    const group = `${user}/user.slice/libpod-${o.containerId}.scope/container`;
    const name = o.hostname ?? o.containerId.slice(0, 12);
    const { cpuset: _, mems: __, cpus: ___, ...delegated } = o;
    host.v2Group(group, delegated, ["memory", "pids"]);
    const dir = `/home/user/.local/share/containers/storage/overlay-containers/${o.containerId}/userdata`;
    host.write(`${dir}/hostname`, `${name}\n`);
    host.write(`${dir}/resolv.conf`, "nameserver 10.0.2.3\n");
    return container(host, {
      id: o.containerId,
      hostname: name,
      comm: "init",
      env: { PATH: path, container: "podman", HOSTNAME: name, HOME: "/root" },
      enter: (t) => host.v2Enter(t, group),
      privateCgroup: true,
      mountCgroups: mount2(RO, "cgroup2"),
      files: {
        "/run/.containerenv": `engine="podman-5.4.0"\nname="app"\nid="${o.containerId}"\nimage="docker.io/library/app:latest"\nrootless=1\n`,
      },
      binds: [
        [`${dir}/hostname`, "/etc/hostname"],
        [`${dir}/resolv.conf`, "/etc/resolv.conf"],
      ],
    });
  },

  "kubernetes-v2": (host, o) => {
    systemdHost(host);
    return pod(host, o, { version: 2, privateCgroup: true });
  },

  "kubernetes-v2-host-cgroupns": (host, o) => {
    systemdHost(host);
    return pod(host, o, { version: 2, privateCgroup: false });
  },

  "kubernetes-v1": (host, o) => {
    host.v1Host();
    return pod(host, o, { version: 1, privateCgroup: false });
  },

  /** A service in a slice: `parent` limits the slice. */
  "systemd-service": (host, o) => {
    systemdHost(host);
    host.v2Group("/limited.slice", o.parent);
    host.v2Group("/limited.slice/app.service", o);
    return hostTask(host, "/limited.slice/app.service", 2);
  },

  "systemd-scope": (host, o) => {
    systemdHost(host);
    const user = "/user.slice/user-1000.slice/user@1000.service";
    host.v2Group(user, o.parent);
    const group = `${user}/app.slice/run-r4f2a9c1be07d6538.scope`;
    const { cpuset: _, mems: __, ...delegated } = o;
    host.v2Group(group, delegated, ["cpu", "memory", "pids"]);
    return hostTask(host, group, 2);
  },

  /** AWS Fargate, platform 1.4: the task's limit is above the container's group. */
  "ecs-fargate": (host, o) => {
    host.v1Host();
    const task = `/ecs/${o.taskId}`;
    const group = `${task}/${o.taskId}-1234567890`;
    host.v1Group(task, o.parent);
    host.v1Group(group, o);
    return container(host, {
      id: o.containerId,
      hostname: o.hostname ?? "ip-10-0-1-23.ec2.internal",
      comm: "init",
      env: {
        PATH: path,
        AWS_EXECUTION_ENV: "AWS_ECS_FARGATE",
        ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/v4/${o.taskId}-1234567890`,
      },
      enter: (t) => host.v1Enter(t, group),
      privateCgroup: false,
      mountCgroups: mount1(group),
    });
  },

  /** A system container: its own init and groups below the namespace's root. */
  "lxc-v2": (host, o) => {
    systemdHost(host);
    const name = o.hostname ?? "c1";
    host.v2Group(`/lxc.payload.${name}`, o);
    mountLxcfs(host.kernel.core);
    const init = container(host, {
      id: name,
      hostname: name,
      comm: "systemd",
      argv: ["/sbin/init"],
      env: { PATH: path, container: "lxc" },
      enter: (t) => host.v2Enter(t, `/lxc.payload.${name}`),
      privateCgroup: true,
      mountCgroups: (sys, root) => {
        mount2(CGROUP_FLAGS, "none")(sys, root);
        // over what there is, as its hook does
        for (const f of LXCFS_FILES)
          if (host.has(f)) bind(sys, `${LXCFS}${f}`, `${root}${f}`, MS_NOSUID | MS_NODEV | MS_RELATIME);
      },
      files: { "/run/systemd/container": "lxc", "/run/host/container-manager": "lxc" },
    });
    const sys = host.kernel.sys(init);
    for (const g of ["init.scope", "system.slice"]) sys.mkdir(`${ROOT}/${g}`, 0o755);
    sys.writeFile(`${ROOT}/init.scope/cgroup.procs`, "1");
    return init;
  },

  /** runsc: the sandbox has a kernel of its own, without control groups (see MACHINES). */
  gvisor: (host, o) => {
    return container(host, {
      id: o.containerId,
      hostname: o.hostname ?? o.containerId.slice(0, 12),
      comm: "init",
      env: { PATH: path, HOSTNAME: o.containerId.slice(0, 12) },
      enter: () => {},
      privateCgroup: false,
      mountCgroups: () => {},
      files: { "/.dockerenv": "" },
    });
  },

  /** Docker in Docker: the outer one's daemon runs in /init, the inner container with the outer's groups in sight. */
  dind: (host, o) => {
    systemdHost(host);
    const outerId = o.containerId.split("").reverse().join("");
    const outer = docker(
      host,
      { ...o.parent, containerId: outerId, podUid: o.podUid, taskId: o.taskId },
      { group: dockerScope({ ...o, containerId: outerId }), version: 2, privateCgroup: true, writable: true },
    );
    const sys = host.kernel.sys(outer);
    sys.mkdir(`${ROOT}/init`, 0o755);
    sys.writeFile(`${ROOT}/init/cgroup.procs`, "1");
    const inner = `${dockerScope({ ...o, containerId: outerId })}/docker/${o.containerId}`;
    host.v2Group(inner, o);
    const name = o.hostname ?? o.containerId.slice(0, 12);
    return container(host, {
      id: o.containerId,
      hostname: name,
      comm: "init",
      env: { PATH: path, HOSTNAME: name },
      parent: outer,
      enter: (t) => host.v2Enter(t, inner),
      privateCgroup: false,
      mountCgroups: mount2(CGROUP_FLAGS),
      files: { "/.dockerenv": "" },
    });
  },
};

/** Where the kernel that is seen is not the host's: what it is booted with. */
export const MACHINES: Readonly<Record<string, (boot: BootOptions, o: LayoutOptions) => BootOptions>> = {
  // the sandbox's limit of memory is the size of its machine
  gvisor: (boot, o) => ({
    ...boot,
    machine: {
      release: "4.4.0",
      ...boot.machine,
      nodes: 1,
      cgroups: false,
      ...(o.memory !== undefined && { memory: o.memory }),
    },
  }),
};
