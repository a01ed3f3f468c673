/** api: `kernel.namespaces`, for looking at namespaces from outside. */
import type { Namespace, Task, UserNamespace } from "@kernelkit/core";
import type { NsFrame } from "./frame.js";
import type { NetApi } from "./net/netApi.js";
import type { LinkInfo, RtnetlinkAttributes } from "./net/rtnetlink.js";
import type { ResolvedOptions } from "./options.js";
import { countsOf, UCOUNT_TYPES, type UcountType } from "./ucounts.js";

export class NamespacesApi {
  constructor(
    private readonly f: NsFrame,
    /** Devices, filter table and packets of network namespaces. */
    readonly net: NetApi,
  ) {}

  /** One rtnetlink(7) request of a task: links, addresses, routes by name. RTM_GETLINK gives links. KernelError. */
  rtnetlink(
    t: Task,
    request: string,
    attributes: RtnetlinkAttributes = {},
  ): Record<string, LinkInfo> | Record<string, unknown>[] | undefined {
    return this.net.rtnetlink(t, request, attributes);
  }

  /** The profile and its features. */
  get options(): ResolvedOptions {
    return this.f.o;
  }
  /** The namespace of a task, by type. TypeError: there is no such type. */
  of(t: Task, type: string): Namespace {
    const { tasks } = this.f.k;
    return tasks.nsOf(t, tasks.nsType(type));
  }
  /** Namespaces that were made and live, in order of creation. */
  live(type?: string): Namespace[] {
    return [...this.f.st.live.keys()].filter((ns) => type === undefined || ns.type.name === type);
  }
  /** The id that NS_GET_ID gives; 0: unknown. */
  idOf(ns: Namespace): number {
    return this.f.idOf(ns);
  }
  /** Namespaces of a type charged to a kernel uid in a user namespace. */
  ucount(ns: UserNamespace, kuid: number, type: UcountType): number {
    return countsOf(ns).byUid.get(kuid)?.counts[UCOUNT_TYPES.indexOf(type)] ?? 0;
  }
}
