/** For tests: hosts - tasks in network namespaces of their own - and cables between them. */
import {
  AF_INET,
  AF_INET6,
  CLONE_NEWNET,
  type CoreSys,
  KernelError,
  type Outside,
  type Sockaddr,
  type Task,
} from "@kernelkit/core";
import type { LinkInfo, RtnetlinkAttributes } from "../net/rtnetlink.js";
import { type Rig, rig } from "./rig.js";

export const at = (addr: string, port: number): Sockaddr => ({ family: AF_INET, addr, port });
export const at6 = (addr: string, port: number): Sockaddr => ({ family: AF_INET6, addr, port });

export interface Host {
  readonly task: Task;
  readonly sys: Outside<CoreSys>;
  rtnl(request: string, a?: RtnetlinkAttributes): Record<string, LinkInfo> | Record<string, unknown>[] | undefined;
}

export interface NetRig extends Pick<Rig, "kernel" | "child"> {
  /** A task in a namespace of its own, with its calls and its requests. */
  host(up?: boolean): Host;
  /** A cable between two namespaces: 10.9.0.1 and 10.9.0.2. */
  cable(a: Host, b: Host): void;
}

export function netRig(): NetRig {
  const { kernel, child } = rig();
  return {
    kernel,
    child,
    host(up = true) {
      const task = child();
      const sys = kernel.sys(task);
      sys.unshare(CLONE_NEWNET);
      const h: Host = { task, sys, rtnl: (request, a = {}) => kernel.namespaces.rtnetlink(task, request, a) };
      if (up) h.rtnl("RTM_SETLINK", { ifname: "lo", up: true });
      return h;
    },
    cable(a, b) {
      a.rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
      a.rtnl("RTM_SETLINK", { ifname: "v1", netns_pid: b.task.nr });
      a.rtnl("RTM_NEWADDR", { ifname: "v0", addr: "10.9.0.1/24" });
      b.rtnl("RTM_NEWADDR", { ifname: "v1", addr: "10.9.0.2/24" });
      a.rtnl("RTM_SETLINK", { ifname: "v0", up: true });
      b.rtnl("RTM_SETLINK", { ifname: "v1", up: true });
    },
  };
}

/** The errno something fails with, "" if it does not; "TypeError" and "WouldBlockForever" by name. */
export function outcome(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    if (e instanceof TypeError || (e as Error).name === "WouldBlockForever") return (e as Error).name;
    throw e;
  }
}
