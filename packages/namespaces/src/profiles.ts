/**
 * profiles: which kernel has what, as a table. namespaces(7), user_namespaces(7) and their notes on versions.
 */

export const profiles: readonly ["3.8", "3.19", "4.9", "5.6", "6.18"] = ["3.8", "3.19", "4.9", "5.6", "6.18"];
export type Profile = (typeof profiles)[number];

export type FeatureName =
  | "UTS_NS"
  | "IPC_NS"
  | "PID_NS"
  | "NET_NS"
  | "USER_NS"
  | "SETGROUPS"
  | "CGROUP_NS"
  | "NS_IOCTL"
  | "UCOUNTS"
  | "IDMAP_340"
  | "TIME_NS"
  | "SETNS_PIDFD"
  | "SETFCAP_RULE"
  | "PIDNS_IOCTL"
  | "NS_ID";

/** Feature -> first version that has it. */
const since: Readonly<Record<FeatureName, string>> = {
  UTS_NS: "2.6.19",
  IPC_NS: "2.6.19",
  PID_NS: "2.6.24",
  NET_NS: "2.6.29",
  USER_NS: "3.8",
  /** /proc/PID/setgroups, and gid_map by an ordinary user only after "deny". */
  SETGROUPS: "3.19",
  CGROUP_NS: "4.6",
  NS_IOCTL: "4.9",
  /** /proc/sys/user/max_*_namespaces, and ENOSPC instead of EUSERS. */
  UCOUNTS: "4.9",
  /** 340 extents in a map instead of 5. */
  IDMAP_340: "4.15",
  TIME_NS: "5.6",
  SETNS_PIDFD: "5.8",
  /** Who maps the parent's root needs CAP_SETFCAP. */
  SETFCAP_RULE: "5.12",
  PIDNS_IOCTL: "6.11",
  NS_ID: "6.18",
};
/** Those that are a type of namespace. */
export const typeFeatures: readonly FeatureName[] = [
  "UTS_NS",
  "IPC_NS",
  "PID_NS",
  "NET_NS",
  "USER_NS",
  "CGROUP_NS",
  "TIME_NS",
];

function atLeast(version: string, than: string): boolean {
  const a = version.split(".").map(Number);
  const b = than.split(".").map(Number);
  for (let i = 0; i < 3; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0);
    if (d !== 0) return d > 0;
  }
  return true;
}

/** What a kernel of this version has. */
export function featuresOf(profile: Profile): Record<FeatureName, boolean> {
  const out = {} as Record<FeatureName, boolean>;
  for (const [name, first] of Object.entries(since)) out[name as FeatureName] = atLeast(profile, first);
  return out;
}
