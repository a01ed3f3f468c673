import { AF_INET, AF_UNIX, CLONE_NEWNET, CLONE_NEWUSER, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM } from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { at, type NetRig, netRig, outcome } from "../testing/netRig.js";
import { formatIp, parseIp, parsePrefix } from "./ip.js";
import { netStateOf } from "./netState.js";

describe("addresses as text", () => {
  it("are read back as they were written, for any address", () => {
    const v6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    const sparse = fc.tuple(v6, v6).map(([a, b]) => a & b & (b >> 3n));
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), v6, sparse), (ip) => {
        expect(parseIp(formatIp(ip))).toBe(ip);
      }),
      { numRuns: 100 },
    );
    expect(["1.2.3", "1.2.3.256", "01.2.3.4", "::1::", ":::", "1:2:3:4:5:6:7", "g::"].map(parseIp)).toEqual(
      new Array(7).fill(null),
    );
    expect([formatIp(1n), formatIp(0n), formatIp(0xffff0a000001n), formatIp(0xfe80n << 112n)]).toEqual([
      "::1",
      "::",
      "::ffff:10.0.0.1",
      "fe80::",
    ]);
    expect([parsePrefix("10.0.0.1/33"), parsePrefix("10.0.0.1/x"), parsePrefix("::1")?.len]).toEqual([null, null, 128]);
  });
});

describe("a network namespace", () => {
  it("lives as long as a task, a file or a socket is in it", () => {
    const { kernel, child } = netRig();
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    const first = kernel.core.net.of(t);
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    sys.unshare(CLONE_NEWNET);
    expect(first.refs).toBe(1);
    sys.bind(s, at("127.0.0.1", 5000));
    sys.bind(sys.socket(AF_INET, SOCK_DGRAM), at("127.0.0.1", 5000));
    expect(kernel.namespaces.live("net")).toContain(first);
    sys.close(s);
    expect(kernel.namespaces.live("net")).not.toContain(first);
    kernel.run("10ms");
    expect(netStateOf(kernel.core, first).devs.size).toBe(0);
  });

  it("has abstract names of its own, paths are those of the mounts", () => {
    const { kernel, child } = netRig();
    const t = child();
    const bind = (sys: ReturnType<NetRig["kernel"]["sys"]>, path: string): number => {
      const s = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
      sys.bind(s, { family: AF_UNIX, path });
      sys.listen(s, 1);
      return s;
    };
    const root = kernel.sys(kernel.init);
    bind(root, "\0name");
    bind(root, "/tmp/path");
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    const c = sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
    expect(outcome(() => sys.connect(c, { family: AF_UNIX, path: "\0name" }))).toBe("ECONNREFUSED");
    bind(sys, "\0name");
    sys.connect(c, { family: AF_UNIX, path: "/tmp/path" });
    expect(sys.readText("/proc/net/unix")).not.toMatch(/path\n.*path/);
  });

  it("has settings that belong to its root, and some of the machine it can only read", () => {
    const { kernel, child } = netRig();
    const t = child();
    const sys = kernel.sys(t);
    sys.setresuid(1000, 1000, 1000);
    sys.prctl(4, 1);
    sys.unshare(CLONE_NEWUSER | CLONE_NEWNET);
    sys.writeFile("/proc/self/uid_map", "0 1000 1");
    const set = (path: string, v: string): string => outcome(() => sys.writeFile(`/proc/sys/net/${path}`, v));
    expect([
      set("ipv4/ip_forward", "1"),
      set("ipv4/ip_default_ttl", "256"),
      set("core/somaxconn", "7"),
      set("core/rmem_default", "5000"),
      set("ipv4/ip_unprivileged_port_start", "70000"),
      set("unix/max_dgram_qlen", "3"),
    ]).toEqual(["", "EINVAL", "", "EACCES", "EINVAL", ""]);
    const read = (s: typeof sys, path: string): string => s.readText(`/proc/sys/net/${path}`);
    expect([read(sys, "ipv4/ip_forward"), read(kernel.sys(kernel.init), "ipv4/ip_forward")]).toEqual(["1\n", "0\n"]);
    expect(outcome(() => read(sys, "netfilter/nf_log_all_netns"))).toBe("ENOENT");
    expect(read(kernel.sys(kernel.init), "netfilter/nf_log_all_netns")).toBe("0\n");
  });
});

describe("the LOG target", () => {
  function logging() {
    const { kernel, child } = netRig();
    const lines: { net: object; level: number; text: string; task: boolean }[] = [];
    kernel.core.hooks.packetLog.tap(950, "test", (net, { level, text }) => {
      lines.push({ net, level, text, task: kernel.core.irq.inInterrupt() });
    });
    const t = child();
    const sys = kernel.sys(t);
    sys.unshare(CLONE_NEWNET);
    kernel.namespaces.rtnetlink(t, "RTM_SETLINK", { ifname: "lo", up: true });
    return { kernel, child, lines, t, sys };
  }

  it("writes for the initial namespace only, or for all if the machine says so, and names the namespace", () => {
    const { kernel, lines, t, sys } = logging();
    kernel.namespaces.net.append(t, "OUTPUT", { target: "LOG", proto: "udp", dport: 4242, logPrefix: "seen: " });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    const send = (): number => sys.sendto(s, "x", 0, at("127.0.0.1", 4242));
    send();
    expect(lines).toEqual([]);
    kernel.sys(kernel.init).writeFile("/proc/sys/net/netfilter/nf_log_all_netns", "1");
    send();
    expect(lines.length).toBe(1);
    expect(lines[0].net).toBe(kernel.core.net.of(t));
    expect(lines[0].level).toBe(4);
    expect(lines[0].text).toMatch(
      /^seen: IN= OUT=lo SRC=127\.0\.0\.1 DST=127\.0\.0\.1 LEN=29 TOS=0x00 PREC=0x00 TTL=64 ID=\d+ DF PROTO=UDP SPT=\d+ DPT=4242 LEN=9 $/,
    );
    expect(kernel.namespaces.net.rules(t, "OUTPUT")).toEqual([{ target: "LOG", packets: 2, bytes: 58 }]);
  });

  it("sees a packet that comes in by a device in interrupt context, whoever runs", () => {
    const { kernel, lines } = logging();
    const { init } = kernel;
    kernel.namespaces.rtnetlink(init, "RTM_NEWLINK", { ifname: "v0", kind: "veth", peer: "v1" });
    for (const ifname of ["v0", "v1"]) kernel.namespaces.rtnetlink(init, "RTM_SETLINK", { ifname, up: true });
    kernel.namespaces.rtnetlink(init, "RTM_NEWADDR", { ifname: "v0", addr: "10.0.0.1/24" });
    kernel.namespaces.net.append(init, "INPUT", { target: "LOG", in: "v0", src: "10.0.0.0/24" });
    kernel.namespaces.net.receive(init, "v0", { proto: "tcp", src: "10.0.0.9", dst: "10.0.0.1", sport: 5, dport: 22 });
    expect(lines[0]).toMatchObject({ net: kernel.core.net.init, task: true });
    expect(lines[0].text).toMatch(
      /^IN=v0 OUT= MAC=([0-9a-f]{2}:){12}08:00 SRC=10\.0\.0\.9 .* PROTO=TCP SPT=5 DPT=22 WINDOW=0 RES=0x00 SYN URGP=0 $/,
    );
  });

  it("is beside targets that stop packets: EPERM for a DROP on the way out, a refusal for a REJECT", () => {
    const { kernel, t, sys } = logging();
    const { net } = kernel.namespaces;
    net.append(t, "OUTPUT", { target: "DROP", dport: 1 });
    net.append(t, "INPUT", { target: "REJECT", dport: 2 });
    const s = sys.socket(AF_INET, SOCK_DGRAM);
    expect(outcome(() => sys.sendto(s, "x", 0, at("127.0.0.1", 1)))).toBe("EPERM");
    const c = sys.socket(AF_INET, SOCK_STREAM);
    expect(outcome(() => sys.connect(c, at("127.0.0.1", 2)))).toBe("ECONNREFUSED");
    net.flush(t, "INPUT");
    net.policy(t, "OUTPUT", "DROP");
    expect(outcome(() => sys.sendto(s, "x", 0, at("127.0.0.1", 9)))).toBe("EPERM");
    sys.setresuid(5, 5, 5);
    expect(outcome(() => net.flush(t, "OUTPUT"))).toBe("EPERM");
    expect(() => net.receive(t, "zz", { proto: "udp", src: "1.1.1.1", dst: "1.1.1.2" })).toThrow(TypeError);
  });
});
