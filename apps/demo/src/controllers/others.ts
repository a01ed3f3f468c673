/**
 * Controllers of hardware and services that this machine does not have more of than Linux without them: their groups exist, can be
 * enabled, mounted and moved in, and their files say that there is nothing. blkio/io, devices, freezer, net_cls, net_prio, perf_event,
 * hugetlb, rdma. cgroup-v1/*, cgroup-v2.
 */
import {
  type CgroupFile,
  type Controller,
  type Core,
  type Css,
  EINVAL,
  type Feature,
  fail,
  type SysBase,
  TASK_FROZEN,
} from "@kernelkit/core";

/** A number in a file, kept with the group. */
interface Number1 {
  value: number;
}
const value = (css: Css | null): Number1 => (css as Css).data as Number1;

function numberFile(name: string, max: number, notOnRoot = false): CgroupFile {
  return {
    name,
    mode: 0o644,
    notOnRoot,
    show: (_c, _g, css) => `${value(css).value}\n`,
    store(_c, _g, css, text) {
      const s = text.trim();
      if (!/^(0x[0-9a-f]+|\d+)$/i.test(s) || Number(s) > max) fail(EINVAL);
      value(css).value = Number(s);
    },
  };
}

/** v1's freezer: what is written in a group holds for all below it. */
const freezer: CgroupFile = {
  name: "state",
  mode: 0o644,
  notOnRoot: true,
  show(_c, g, css) {
    for (let c: Css | null = css; c !== null; c = c.parent) {
      if (value(c).value === 0) continue;
      const all = [...g.subtree()].every((d) =>
        [...d.tasks].every((t) => t.exiting || t.state === TASK_FROZEN || t.frozenBy > 0),
      );
      return all ? "FROZEN\n" : "FREEZING\n";
    }
    return "THAWED\n";
  },
  store(c, g, css, text) {
    const word = text.trim();
    if (word !== "FROZEN" && word !== "THAWED") return fail(EINVAL);
    value(css).value = word === "FROZEN" ? 1 : 0;
    const { k } = c;
    for (const d of g.subtree())
      for (const t of d.tasks) {
        if (t.isKthread || t.exiting) continue;
        t.frozenBy = word === "FROZEN" ? 1 : 0;
        if (word === "FROZEN") k.signals.kick(t);
        else if (t.state === TASK_FROZEN) {
          t.userWork = true;
          k.sched.wakeState(t);
        }
      }
  },
};

const empty = (name: string, notOnRoot = true): CgroupFile => ({ name, mode: 0o444, notOnRoot, show: () => "" });
const fixed = (name: string, text: string, mode = 0o444): CgroupFile => ({ name, mode, show: () => text });

interface Simple {
  readonly name: string;
  readonly legacyName?: string;
  readonly only?: "v1" | "v2";
  readonly initial?: number;
  readonly files?: readonly CgroupFile[];
  readonly legacyFiles?: readonly CgroupFile[];
}

/** Before memory, as Linux lists them: io. */
const FIRST: readonly Simple[] = [
  {
    name: "io",
    legacyName: "blkio",
    initial: 100,
    files: [
      empty("max"),
      empty("stat", false),
      {
        ...numberFile("weight", 10000, true),
        show: (_c, _g, css) => `default ${value(css).value}\n`,
        store(_c, _g, css, text) {
          const m = /^(?:default )?(\d+)$/.exec(text.trim());
          if (m === null || Number(m[1]) < 1 || Number(m[1]) > 10000) return fail(EINVAL);
          value(css).value = Number(m[1]);
        },
      },
    ],
    legacyFiles: [
      fixed("throttle.io_service_bytes", "Total 0\n"),
      fixed("throttle.io_serviced", "Total 0\n"),
      fixed("io_service_bytes_recursive", "Total 0\n"),
      { name: "reset_stats", mode: 0o200, store() {} },
    ],
  },
];

/** After pids. */
const LAST: readonly Simple[] = [
  { name: "devices", only: "v1", legacyFiles: [fixed("list", "a *:* rwm\n")] },
  { name: "freezer", only: "v1", legacyFiles: [freezer] },
  { name: "net_cls", only: "v1", legacyFiles: [numberFile("classid", 0xffffffff)] },
  { name: "perf_event" },
  { name: "net_prio", only: "v1", legacyFiles: [numberFile("prioidx", 0), fixed("ifpriomap", "lo 0\n")] },
  { name: "hugetlb", files: [], legacyFiles: [fixed("2MB.usage_in_bytes", "0\n"), fixed("2MB.failcnt", "0\n")] },
  { name: "rdma", files: [empty("max"), empty("current")], legacyFiles: [empty("max"), empty("current")] },
];

function register(k: Core, list: readonly Simple[]): void {
  for (const { initial = 0, ...s } of list) {
    const def: Controller = {
      ...s,
      cssAlloc(_k, css) {
        const parent = css.parent;
        // classes and priorities are handed down
        css.data = { value: parent === null || initial !== 0 ? initial : value(parent).value } satisfies Number1;
      },
    };
    k.state.static(`cgroup.${s.name}`, def);
    k.cgroup.register(def);
  }
}

/** The block controller. */
export function ioController(): Feature<"ioController", object, SysBase> {
  return {
    name: "ioController",
    install(k: Core) {
      register(k, FIRST);
      return { api: {} };
    },
  };
}

/** All the others. */
export function otherControllers(): Feature<"otherControllers", object, SysBase> {
  return {
    name: "otherControllers",
    install(k: Core) {
      register(k, LAST);
      return { api: {} };
    },
  };
}
