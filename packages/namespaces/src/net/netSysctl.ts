/**
 * Settings below /proc/sys/net that each namespace has: shown are those of the reader's, and they belong to the root of its owner.
 * Documentation/networking/ip-sysctl.
 */
import {
  type Ctx,
  EINVAL,
  ENOENT,
  fail,
  intSysctl,
  netGlobalMode,
  netSysctlOwner,
  type SysctlFile,
} from "@kernelkit/core";
import type { Inet } from "./inet.js";
import type { NetSettings } from "./netState.js";

const INT_MAX = 0x7fffffff;
const INT_MIN = -0x80000000;

type Single = { [K in keyof NetSettings]: NetSettings[K] extends number ? K : never }[keyof NetSettings];
type Several = Exclude<keyof NetSettings, Single>;

/** Path below net/ -> the setting, least, most. */
const NUMBERS: readonly [path: string, field: Single, min: number, max: number][] = [
  ["ipv4/ip_forward", "ipForward", INT_MIN, INT_MAX],
  ["ipv4/conf/all/forwarding", "ipForward", INT_MIN, INT_MAX],
  ["ipv4/ip_default_ttl", "ipDefaultTtl", 1, 255],
  ["ipv4/ip_unprivileged_port_start", "ipUnprivilegedPortStart", 0, 65535],
  ["ipv4/ip_nonlocal_bind", "ipNonlocalBind", 0, 255],
  ["ipv4/icmp_echo_ignore_all", "icmpEchoIgnoreAll", 0, 1],
  ["ipv4/icmp_echo_ignore_broadcasts", "icmpEchoIgnoreBroadcasts", 0, 1],
  ["ipv4/tcp_syn_retries", "tcpSynRetries", 1, 127],
  ["ipv4/tcp_syn_linear_timeouts", "tcpSynLinearTimeouts", 0, 127],
  ["ipv4/tcp_synack_retries", "tcpSynackRetries", 0, 255],
  ["ipv4/tcp_retries2", "tcpRetries2", 0, 255],
  ["ipv4/tcp_fin_timeout", "tcpFinTimeout", INT_MIN, INT_MAX],
  ["ipv4/tcp_max_syn_backlog", "tcpMaxSynBacklog", INT_MIN, INT_MAX],
  ["ipv6/conf/all/forwarding", "ipv6Forwarding", INT_MIN, INT_MAX],
  ["ipv6/bindv6only", "bindv6only", 0, 1],
  ["ipv6/ip_nonlocal_bind", "ipv6NonlocalBind", 0, 255],
];

const LISTS: readonly [path: string, field: Several, count: number, min: number, max: number][] = [
  ["ipv4/ip_local_port_range", "ipLocalPortRange", 2, 1, 65535],
  ["ipv4/ping_group_range", "pingGroupRange", 2, 0, INT_MAX],
  ["ipv4/tcp_rmem", "tcpRmem", 3, 1, INT_MAX],
  ["ipv4/tcp_wmem", "tcpWmem", 3, 1, INT_MAX],
];

export function installNetSysctl(inet: Inet): void {
  const { k } = inet;
  const settings = (c: Ctx): NetSettings => inet.of(k.net.of(c.task)).settings;
  for (const [path, field, min, max] of NUMBERS)
    k.sysctl.register(
      `net/${path}`,
      intSysctl({
        ...netSysctlOwner,
        min,
        max,
        get: (c) => settings(c)[field],
        set: (c, v) => {
          settings(c)[field] = v;
        },
      }),
    );
  for (const [path, field, count, min, max] of LISTS)
    k.sysctl.register(
      `net/${path}`,
      list({
        ...netSysctlOwner,
        count,
        min,
        max,
        get: (c) => settings(c)[field],
        // a range that ends before it begins is none; nothing of it is taken
        check: (v) => field !== "ipLocalPortRange" || (v[0] <= v[1] ? true : fail(EINVAL)),
        set: (c, v) => {
          settings(c)[field] = [...v];
        },
      }),
    );
  k.sysctl.register("net/netfilter/nf_log_all_netns", {
    ...intSysctl({
      min: 0,
      max: 1,
      modeFor: netGlobalMode,
      get: () => inet.logAllNetns,
      set: (_c, v) => {
        inet.logAllNetns = v;
      },
    }),
    // only the initial namespace has it
    open: (c) => (k.net.of(c.task) === k.net.init ? undefined : fail(ENOENT)),
  });
}

/** Several numbers that are taken together or not at all. */
function list(o: {
  count: number;
  min: number;
  max: number;
  ids: Required<SysctlFile>["ids"];
  modeFor: Required<SysctlFile>["modeFor"];
  get(c: Ctx): readonly number[];
  check(v: readonly number[]): boolean;
  set(c: Ctx, v: readonly number[]): void;
}): SysctlFile {
  const pending: number[] = [];
  return intSysctl({
    ids: o.ids,
    modeFor: o.modeFor,
    count: o.count,
    min: o.min,
    max: o.max,
    get: (c) => o.get(c),
    set: (c, v, i) => {
      if (i === 0) pending.splice(0, pending.length, ...o.get(c));
      pending[i] = v;
    },
    written: (c) => {
      if (o.check(pending)) o.set(c, pending);
    },
  });
}
