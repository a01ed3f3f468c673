/**
 * A machine with containers for the stories: user and network namespaces in their least form (no id maps, no devices), so that a
 * story needs no other package. What it lacks does not decide where a message goes.
 */
import {
  type BareSys,
  CLONE_NEWNET,
  CLONE_NEWUSER,
  createMachine,
  type Feature,
  type Kernel,
  type Namespace,
  type NsType,
  putNs,
  type Task,
  UserNamespace,
} from "@kernelkit/core";
import type { LogNamespaces } from "../logNamespaces/design.js";
import type { Printk } from "../printk.js";
import { type PrintkApi, type PrintkSys, printkSyslog } from "../printkSyslog.js";
import { SYSLOG_ACTION_NEW_NS } from "../syslogActions.js";

/** All designs, oldest first. */
export const DESIGNS: readonly LogNamespaces[] = ["none", "userns-hack", "syslog-action", "nsproxy", "userns"];
const FIRST_INO = 4026532000;

interface ContainersApi {
  /** User namespaces that live. */
  readonly live: Set<Namespace>;
}

function containers(): Feature<"containers", ContainersApi> {
  return {
    name: "containers",
    install(k) {
      const { tasks } = k;
      const { userType } = tasks;
      const live = new Set<Namespace>();
      k.state.root("containers", { live });
      let ino = FIRST_INO;
      userType.copy = (old, of) => {
        const parent = old as UserNamespace;
        const { euid, egid } = of.task.cred;
        const ns = new UserNamespace(userType, ino++, parent.level + 1, parent, euid, egid);
        parent.refs++;
        live.add(ns);
        return ns;
      };
      userType.put = (ns) => {
        live.delete(ns);
        putNs(ns.userNs);
      };
      const net: NsType = {
        name: "net",
        flag: CLONE_NEWNET,
        procNames: ["net"],
        index: -1,
        order: 5,
        copy(_old, of) {
          of.userNs.refs++;
          return { type: net, ino: ino++, userNs: of.userNs, refs: 1 };
        },
        put: (ns) => putNs(ns.userNs),
      };
      tasks.registerNsType(net, { type: net, ino: 1, userNs: tasks.initUserNs, refs: 1 });
      return { api: { live } };
    },
  };
}

/** A machine of one design; `container()` starts what a container is in it. */
export class Rig {
  readonly kernel: Kernel<{ readonly printk: PrintkApi } & { readonly containers: ContainersApi }, BareSys & PrintkSys>;
  readonly log: Printk;
  readonly host: Task;

  constructor(readonly design: LogNamespaces) {
    this.kernel = createMachine()
      .use(containers())
      .use(printkSyslog({ logNamespaces: design }))
      .boot();
    this.log = this.kernel.printk.log;
    this.host = this.kernel.tasks.forkDriven();
  }

  get printk(): PrintkApi {
    return this.kernel.printk;
  }

  /** A new process with its own user and network namespace, and its own log where the design has one. */
  container(): Task {
    const { kernel } = this;
    kernel.sys(this.host).fork();
    const t = kernel.tasks.all().at(-1) as Task;
    const s = kernel.sys(t);
    s.unshare(CLONE_NEWUSER | CLONE_NEWNET | kernel.printk.cloneSyslog);
    if (this.design === "syslog-action") s.syslog(SYSLOG_ACTION_NEW_NS);
    return t;
  }

  /** The network namespace a task is in. */
  netOf(t: Task): Namespace {
    const { tasks } = this.kernel.core;
    return tasks.nsOf(t, tasks.nsType("net"));
  }

  /** A packet of `owner`'s network arrives while `current` runs; netfilter logs it. */
  packet(owner: Task, current: Task, text: string): void {
    const { core } = this.kernel;
    const before = core.current;
    core.current = current;
    this.printk.nfLogPacket(this.netOf(owner), text);
    core.current = before;
  }
}
