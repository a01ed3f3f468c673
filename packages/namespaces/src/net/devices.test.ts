import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  IPPROTO_ICMP,
  IPV6_V6ONLY,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { at, at6, netRig, outcome } from "../testing/netRig.js";

describe("devices", () => {
  it("are named, numbered, made in pairs with the peer first, and refused as Linux does", () => {
    const { host } = netRig();
    const { rtnl } = host(false);
    const link = (a: object): string => outcome(() => rtnl("RTM_NEWLINK", a));
    expect(link({ ifname: "v0", kind: "veth", peer: "v1" })).toBe("");
    const links = rtnl("RTM_GETLINK") as Record<string, { ifindex: number; link: number; flags: number }>;
    expect([links.lo.ifindex, links.v1.ifindex, links.v0.ifindex, links.v0.link]).toEqual([1, 2, 3, 2]);
    expect(links.v0.flags).toBe(0x1002);
    expect(link({ ifname: "v0", kind: "nosuch" })).toBe("EEXIST");
    expect(link({ ifname: "k", kind: "nosuch" })).toBe("EOPNOTSUPP");
    expect(link({ ifname: "x", kind: "veth", peer: "x" })).toBe("EEXIST");
    expect(link({ ifname: "a/b", kind: "dummy" })).toBe("EINVAL");
    expect(link({ ifname: "a".repeat(16), kind: "dummy" })).toBe("ERANGE");
    expect(link({ kind: "dummy" })).toBe("");
    expect(link({ kind: "veth" })).toBe("");
    expect(Object.keys(rtnl("RTM_GETLINK") as object)).toEqual(["lo", "v1", "v0", "dummy0", "veth0", "veth1"]);
    const set = (a: object): string => outcome(() => rtnl("RTM_SETLINK", a));
    expect([
      set({ ifname: "zz", up: true }),
      set({ ifname: "v0", newname: "v1" }),
      set({ ifname: "v0", mtu: 67 }),
      set({ ifname: "v0", mtu: 70000 }),
      set({ ifname: "v0", address: "01:00:00:00:00:01" }),
      set({ ifname: "v0", netns_pid: 99999 }),
      set({ ifname: "lo", netns_pid: 1 }),
      set({ ifname: "v0", netns_fd: 99 }),
    ]).toEqual(["ENODEV", "EEXIST", "EINVAL", "EINVAL", "EADDRNOTAVAIL", "ESRCH", "EINVAL", "EBADF"]);
    expect(outcome(() => rtnl("RTM_DELLINK", { ifname: "lo" }))).toBe("EOPNOTSUPP");
    rtnl("RTM_DELLINK", { ifname: "v1" });
    expect(Object.keys(rtnl("RTM_GETLINK") as object)).not.toContain("v0");
  });

  it("lose addresses and routes when they move, and vanish with the namespace, their peers too", () => {
    const { kernel, host, cable } = netRig();
    const a = host();
    const b = host();
    cable(a, b);
    expect(a.sys.readText("/proc/net/route")).toMatch(/^v0\t0000090A\t00000000\t0001\t/m);
    const fd = b.sys.open("/proc/self/ns/net", 0);
    kernel.sys(kernel.init);
    b.rtnl("RTM_SETLINK", { ifname: "v1", netns_pid: a.task.nr, newname: "back" });
    expect((a.rtnl("RTM_GETLINK") as Record<string, { addrs: string[]; up: boolean }>).back).toMatchObject({
      addrs: [],
      up: false,
    });
    a.rtnl("RTM_SETLINK", { ifname: "back", netns_pid: b.task.nr });
    b.sys.close(fd);
    b.sys.exit(0);
    kernel.run("100ms");
    expect(Object.keys(a.rtnl("RTM_GETLINK") as object)).toEqual(["lo"]);
  });

  it("belong to the root of the namespace's owner alone", () => {
    const { kernel, child } = netRig();
    const t = child();
    const sys = kernel.sys(t);
    sys.setresuid(1000, 1000, 1000);
    sys.prctl(4, 1);
    const up = (): string => outcome(() => kernel.namespaces.rtnetlink(t, "RTM_SETLINK", { ifname: "lo", up: true }));
    expect(up()).toBe("EPERM");
    sys.unshare(CLONE_NEWUSER);
    expect(up()).toBe("EPERM");
    expect(outcome(() => sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))).toBe("EPERM");
    sys.unshare(CLONE_NEWNET);
    expect(up()).toBe("");
    const taken = outcome(() =>
      kernel.namespaces.rtnetlink(t, "RTM_NEWLINK", { ifname: "q", kind: "veth", peer_netns_pid: 1 }),
    );
    expect(taken).toBe("EPERM");
    sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("127.0.0.1", 80));
  });

  it("are shown in the sysfs that was mounted in their namespace", () => {
    const { kernel, host } = netRig();
    const a = host();
    a.sys.unshare(CLONE_NEWNS);
    a.sys.mount("none", "/", null as never, 0x44000, null as never);
    a.sys.mount("s", "/mnt", "sysfs", 0);
    const names = (): string[] => a.sys.readdir("/mnt/class/net");
    expect(names()).toEqual(["lo"]);
    a.rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    expect(names()).toEqual(["lo", "v1", "v0"]);
    expect(a.sys.readdir("/sys/class/net")).toEqual(["lo"]);
    expect(a.sys.readlink("/mnt/class/net/v0")).toBe("../../devices/virtual/net/v0");
    expect(a.sys.readText("/mnt/class/net/v0/flags")).toBe("0x1002\n");
    expect(outcome(() => a.sys.readText("/mnt/class/net/v0/carrier"))).toBe("EINVAL");
    a.sys.writeFile("/mnt/class/net/v0/mtu", "1400");
    a.rtnl("RTM_SETLINK", { ifname: "v0", newname: "w0", up: true });
    expect(a.sys.readText("/mnt/class/net/w0/operstate")).toBe("lowerlayerdown\n");
    expect(a.sys.readText("/mnt/class/net/w0/mtu")).toBe("1400\n");
    a.rtnl("RTM_DELLINK", { ifname: "v1" });
    expect(names()).toEqual(["lo"]);
    expect(outcome(() => a.sys.stat("/mnt/class/net/w0/"))).toBe("ENOENT");
    expect(kernel.core.net.init).toBe(kernel.core.net.of(kernel.init));
  });

  it("answer ioctl(2) on any socket", () => {
    const { host } = netRig();
    const { sys, rtnl } = host();
    rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const q = (request: number, arg: unknown): unknown => sys.ioctl(s, request, arg);
    expect([q(0x8913, "lo"), q(0x8933, "lo"), q(0x8921, "lo"), q(0x8910, 1)]).toEqual([0x49, 1, 65536, "lo"]);
    expect(q(0x8915, "lo")).toEqual(at("127.0.0.1", 0));
    expect(q(0x891b, "lo")).toEqual(at("255.0.0.0", 0));
    expect(outcome(() => q(0x8915, "v0"))).toBe("EADDRNOTAVAIL");
    expect(outcome(() => q(0x8913, "zz"))).toBe("ENODEV");
    expect(sys.ioctl(sys.socket(AF_UNIX, SOCK_STREAM), 0x8933, "lo")).toBe(1);
    expect(sys.readlink(`/proc/self/fd/${sys.ioctl(s, 0x894c)}`)).toBe(sys.readlink("/proc/self/ns/net"));
  });
});

describe("addresses and routes", () => {
  it("keep their order of primary and secondary, and their errors", () => {
    const { host } = netRig();
    const { sys, rtnl } = host();
    rtnl("RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    for (const ifname of ["v0", "v1"]) rtnl("RTM_SETLINK", { ifname, up: true });
    const add = (addr: string): string => outcome(() => rtnl("RTM_NEWADDR", { ifname: "v0", addr }));
    expect(["10.9.0.1/24", "10.9.0.1/24", "10.9.0.1/16", "10.9.0.5/24", "10.9.0.1/33", "x"].map(add)).toEqual([
      "",
      "EEXIST",
      "",
      "",
      "EINVAL",
      "EINVAL",
    ]);
    const addrs = () =>
      (rtnl("RTM_GETADDR") as { ifname: string; addr: string; secondary: boolean }[])
        .filter((a) => a.ifname === "v0" && !a.addr.includes(":"))
        .map((a) => a.addr + (a.secondary ? " secondary" : ""));
    expect(addrs()).toEqual(["10.9.0.1/24", "10.9.0.1/16", "10.9.0.5/24 secondary"]);
    rtnl("RTM_DELADDR", { ifname: "v0", addr: "10.9.0.1/24" });
    expect(addrs()).toEqual(["10.9.0.1/16"]);
    expect(outcome(() => rtnl("RTM_DELADDR", { ifname: "v0", addr: "10.77.0.1/24" }))).toBe("EADDRNOTAVAIL");
    const route = (a: object): string => outcome(() => rtnl("RTM_NEWROUTE", a));
    expect([
      route({ dst: "10.9.0.0/16", ifname: "v0" }),
      route({ dst: "192.168.1.0/24", ifname: "v0" }),
      route({ dst: "192.168.1.5/24", ifname: "v0" }),
      route({ dst: "5.0.0.0/8", ifname: "zz" }),
      route({ dst: "5.0.0.0/8" }),
      route({ dst: "default", via: "10.9.0.9" }),
      route({ dst: "default", via: "10.9.0.10" }),
      route({ dst: "default", via: "10.9.0.10", metric: 5 }),
      route({ dst: "7.0.0.0/8", via: "10.9.255.255" }),
      route({ dst: "7.0.0.0/8", via: "11.0.0.1" }),
      route({ dst: "9.0.0.0/8", type: "unreachable" }),
    ]).toEqual(["EEXIST", "", "EINVAL", "ENODEV", "ENODEV", "", "EEXIST", "", "EINVAL", "ENETUNREACH", ""]);
    expect(sys.readText("/proc/net/route")).toMatch(/^\*\t00000009\t00000000\t0201\t0\t0\t0\t000000FF/m);
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    expect(outcome(() => sys.sendto(s, "x", 0, at("9.1.1.1", 9)))).toBe("EHOSTUNREACH");
    expect(outcome(() => rtnl("RTM_DELROUTE", { dst: "192.168.1.0/24", via: "10.9.0.9" }))).toBe("ESRCH");
    rtnl("RTM_SETLINK", { ifname: "v0", up: false });
    expect(sys.readText("/proc/net/route")).not.toMatch(/^v0/m);
    // one's own address is there whether the device is up or not
    sys.bind(sys.socket(AF_INET, SOCK_DGRAM), at("10.9.0.1", 9));
    expect(outcome(() => sys.sendto(s, "x", 0, at("10.9.0.1", 9)))).toBe("");
  });

  it("of IPv6 come with the devices", () => {
    const { host } = netRig();
    const { sys, rtnl } = host(false);
    const s = sys.socket(AF_INET6, SOCK_DGRAM);
    expect(outcome(() => sys.bind(s, at6("::1", 9)))).toBe("EADDRNOTAVAIL");
    expect(outcome(() => sys.connect(s, at6("::1", 9)))).toBe("ENETUNREACH");
    rtnl("RTM_SETLINK", { ifname: "lo", up: true });
    sys.bind(sys.socket(AF_INET6, SOCK_DGRAM), at6("::1", 9));
    sys.sendto(s, "x", 0, at6("::1", 9));
    expect(sys.readText("/proc/net/if_inet6")).toBe("00000000000000000000000000000001 01 80 10 80       lo\n");
    sys.connect(s, at6("::ffff:127.0.0.1", 9));
    expect(sys.getpeername(s).addr).toBe("::ffff:127.0.0.1");
    const all = sys.socket(AF_INET6, SOCK_STREAM);
    sys.bind(all, at6("::", 77));
    expect(outcome(() => sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("0.0.0.0", 77)))).toBe("EADDRINUSE");
    sys.listen(all, 1);
    sys.connect(sys.socket(AF_INET, SOCK_STREAM), at("127.0.0.1", 77));
    expect(sys.getpeername(sys.accept(all)).addr).toBe("::ffff:127.0.0.1");
    const only = sys.socket(AF_INET6, SOCK_STREAM);
    sys.setsockopt(only, 41, IPV6_V6ONLY, 1);
    sys.bind(only, at6("::", 78));
    sys.bind(sys.socket(AF_INET, SOCK_STREAM), at("0.0.0.0", 78));
    expect(outcome(() => sys.bind(sys.socket(AF_INET6, SOCK_DGRAM), at6("fe80::1", 5)))).toBe("EINVAL");
  });
});
