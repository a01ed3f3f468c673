/**
 * /sys/class/net: the devices of the namespace that sysfs is mounted for. They are put there when somebody looks for the first time.
 * Documentation/ABI/testing/sysfs-class-net.
 */
import {
  CAP_NET_ADMIN,
  type Ctx,
  EINVAL,
  EPERM,
  type FileGroup,
  fail,
  INVALID_ID,
  type Knode,
  kstrtoint,
  makeKgid,
  makeKuid,
  type NetNamespace,
  nsCapable,
  orFail,
  type PseudoFile,
} from "@kernelkit/core";
import { setUp } from "./devices.js";
import type { Inet } from "./inet.js";
import { IFF_UP, type NetDevice } from "./netDevice.js";
import type { NetState } from "./netState.js";

/** The two directories of a namespace, as far as somebody has looked. */
export class SysfsNet {
  readonly dirs: Map<string, Knode> = new Map();
  constructor(
    readonly classNet: Knode,
    readonly virtualNet: Knode,
  ) {}
}

type Attr = PseudoFile<NetDevice>;

/** Counters of `statistics` and their column; those without one are always 0. */
const STATISTICS: Readonly<Record<string, number>> = {
  rx_bytes: 0,
  rx_packets: 1,
  rx_errors: 2,
  rx_dropped: 3,
  rx_fifo_errors: 4,
  rx_frame_errors: 5,
  rx_compressed: 6,
  multicast: 7,
  tx_bytes: 8,
  tx_packets: 9,
  tx_errors: 10,
  tx_dropped: 11,
  tx_fifo_errors: 12,
  collisions: 13,
  tx_carrier_errors: 14,
  tx_compressed: 15,
  rx_crc_errors: -1,
  rx_length_errors: -1,
  rx_missed_errors: -1,
  rx_nohandler: -1,
  rx_over_errors: -1,
  tx_aborted_errors: -1,
  tx_heartbeat_errors: -1,
  tx_window_errors: -1,
};

const show = (text: (d: NetDevice) => string | number): Attr => ({ show: (_c, d) => `${text(d)}\n` });
const constant = (text: string | number): Attr => ({ show: () => `${text}\n` });
const ofCarrier = (text: (d: NetDevice) => string | number): Attr => ({
  show: (_c, d) => (d.up ? `${text(d)}\n` : fail(EINVAL)),
});

function admin(c: Ctx, d: NetDevice): void {
  if (!nsCapable(c.k, c.task, d.st.net.userNs, CAP_NET_ADMIN)) fail(EPERM);
}

/** A number that CAP_NET_ADMIN over the namespace's owner may set. */
const number = (text: (d: NetDevice) => string | number, set: (d: NetDevice, v: number) => void): Attr => ({
  mode: 0o644,
  show: (_c, d) => `${text(d)}\n`,
  store(c, d, written) {
    admin(c, d);
    set(d, orFail(kstrtoint(written, 0)));
  },
});

const FILES: Readonly<Record<string, Attr>> = {
  addr_assign_type: show((d) => (d.kind === "loopback" ? 0 : 1)),
  addr_len: constant(6),
  address: show((d) => d.address),
  broadcast: show((d) => (d.kind === "loopback" ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff")),
  carrier: ofCarrier((d) => (d.carrier ? 1 : 0)),
  dev_id: constant("0x0"),
  dev_port: constant(0),
  dormant: ofCarrier(() => 0),
  duplex: ofCarrier((d) => (d.kind === "veth" ? "full" : fail(EINVAL))),
  flags: number(
    (d) => `0x${d.flags.toString(16)}`,
    (d, v) => setUp(d, (v & IFF_UP) !== 0),
  ),
  ifalias: {
    mode: 0o644,
    show: (_c, d) => (d.alias === "" ? "" : `${d.alias}\n`),
    store(c, d, text) {
      admin(c, d);
      if (text.length >= 256) return fail(EINVAL);
      d.alias = text.replace(/\n$/, "");
      return text.length;
    },
  },
  ifindex: show((d) => d.ifindex),
  iflink: show((d) => d.peer?.ifindex ?? d.ifindex),
  link_mode: constant(0),
  mtu: number(
    (d) => d.mtu,
    (d, v) => {
      d.mtu = v < 0 || (d.kind !== "loopback" && (v < 68 || v > 65535)) ? fail(EINVAL) : v;
    },
  ),
  name_assign_type: show((d) => (d.kind === "loopback" ? 2 : 3)),
  netdev_group: constant(0),
  operstate: show((d) => d.operstate),
  proto_down: constant(0),
  speed: ofCarrier((d) => (d.kind === "veth" ? 10000 : fail(EINVAL))),
  tx_queue_len: number(
    (d) => d.txqlen,
    (d, v) => {
      d.txqlen = v < 0 ? fail(EINVAL) : v;
    },
  ),
  type: show((d) => d.hardwareType),
  uevent: { mode: 0o644, show: (_c, d) => `INTERFACE=${d.name}\nIFINDEX=${d.ifindex}\n`, store: () => undefined },
};

/** Kernel ids of the root of a namespace's owner. */
function rootOf(net: NetNamespace): { uid: number; gid: number } {
  const uid = makeKuid(net.userNs, 0);
  const gid = makeKgid(net.userNs, 0);
  return { uid: uid === INVALID_ID ? 0 : uid, gid: gid === INVALID_ID ? 0 : gid };
}

export function installNetSysfs(inet: Inet): void {
  const { k } = inet;
  const { sysfs } = k;
  const files: FileGroup<NetDevice> = sysfs.group("net.device", FILES);
  const counters: Record<string, Attr> = {};
  for (const [name, column] of Object.entries(STATISTICS))
    counters[name] = show((d) => (column < 0 ? 0 : d.stats[column]));
  const statistics: FileGroup<NetDevice> = sysfs.group("net.statistics", counters);
  const classNet = sysfs.dir("/sys/class/net");
  const virtualNet = sysfs.dir("/sys/devices/virtual/net");

  const add = (at: SysfsNet, d: NetDevice): void => {
    const ids = rootOf(d.st.net);
    const dir = sysfs.dir(d.name, { in: at.virtualNet, group: files, owner: d, ...ids });
    sysfs.dir("statistics", { in: dir, group: statistics, owner: d, ...ids });
    sysfs.link("subsystem", classNet, { in: dir });
    sysfs.link(d.name, dir, { in: at.classNet });
    at.dirs.set(d.name, dir);
  };
  const looked = (st: NetState): SysfsNet => {
    if (st.sysfs === null) {
      st.sysfs = new SysfsNet(sysfs.nsEntries(classNet, st.net), sysfs.nsEntries(virtualNet, st.net));
      for (const d of st.devs.values()) add(st.sysfs, d);
    }
    return st.sysfs;
  };
  sysfs.perNamespace(classNet, { of: (ns) => looked(inet.of(ns as NetNamespace)).classNet });
  sysfs.perNamespace(virtualNet, { of: (ns) => looked(inet.of(ns as NetNamespace)).virtualNet });
  inet.deviceAdded = (d) => {
    if (d.st.sysfs !== null) add(d.st.sysfs, d);
  };
  inet.deviceRemoved = (d) => {
    const at = d.st.sysfs;
    const dir = at?.dirs.get(d.name);
    if (at === null || dir === undefined) return;
    at.dirs.delete(d.name);
    const link = at.classNet.child(d.name);
    if (link !== null) sysfs.remove(link);
    sysfs.remove(dir);
  };
}
