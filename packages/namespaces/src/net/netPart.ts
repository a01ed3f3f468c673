/**
 * netPart: network namespaces with what is in them: devices, addresses, routes, sockets of IPv4 and IPv6, the filter table, settings.
 * network_namespaces(7).
 */
import { AF_INET, AF_INET6, type Core, type NetNamespace } from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { makeDevice, removeDevice } from "./devices.js";
import { Fib, Route } from "./fib.js";
import { Filter, Rule } from "./filter.js";
import { icmpProtocol } from "./icmp.js";
import { deviceIoctl } from "./ifIoctl.js";
import { Inet } from "./inet.js";
import { inetFamily } from "./inetFamily.js";
import { NetApi } from "./netApi.js";
import { IfAddr, NetDevice } from "./netDevice.js";
import { NetlinkSock, netlinkFamily, netlinkOps } from "./netlink/netlinkSock.js";
import { NET_SLOT, NetSettings, NetState } from "./netState.js";
import { installNetSysctl } from "./netSysctl.js";
import { installNetSysfs, SysfsNet } from "./netSysfs.js";
import { Arrival, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, Packet } from "./packet.js";
import { PortTable } from "./ports.js";
import { procNetFiles } from "./procNet.js";
import { RawSock, rawOps } from "./raw.js";
import { tcpOps } from "./tcp.js";
import { tcpProtocol } from "./tcpInput.js";
import { tcpTimeout } from "./tcpOutput.js";
import { ByteQueue, TcpSock } from "./tcpSock.js";
import { Datagram, UdpSock, udpOps, udpProtocol } from "./udp.js";

function registerState(k: Core, inet: Inet): void {
  const { state } = k;
  state.class(NetState, NetSettings, NetDevice, IfAddr, Fib, Route, Filter, Rule, PortTable, Packet, Arrival);
  state.class(UdpSock, Datagram, RawSock, TcpSock, ByteQueue, NetlinkSock, SysfsNet);
  state.static("proto.udp", udpOps);
  state.static("proto.raw", rawOps);
  state.static("proto.tcp", tcpOps);
  state.static("proto.netlink", netlinkOps);
  state.root("inet", inet);
}

/** A namespace begins with its loopback device, which is down. */
function populate(st: NetState): void {
  makeDevice(st, "loopback", "lo");
}

/** Namespaces end in the background: their devices go, those of others at the other ends of cables too. */
function cleanup(inet: Inet): void {
  for (const st of inet.dying.splice(0)) {
    for (const d of [...st.devs.values()]) removeDevice(d);
    for (const sk of [...st.tcp.byPort.values()].flat()) if (sk instanceof TcpSock) inet.k.timers.del(sk.timer);
  }
}

export const netPart: NsPart<NetApi> = {
  name: "net",
  install(f) {
    const { k } = f;
    // a bare machine has no sockets, and no such type
    if (k.net === undefined) return {};
    const inet = new Inet(k);
    registerState(k, inet);
    inet.install();
    inet.slot = k.net.slots.add(NET_SLOT, (net) => new NetState(inet, net));
    k.net.init.slots[inet.slot] = new NetState(inet, k.net.init);
    inet.protocols.set(IPPROTO_UDP, udpProtocol);
    inet.protocols.set(IPPROTO_TCP, tcpProtocol);
    inet.protocols.set(IPPROTO_ICMP, icmpProtocol);
    inet.protocols.set(IPPROTO_ICMPV6, icmpProtocol);
    inet.tcpTimer = k.timers.define("net.tcp", (sk) => tcpTimeout(sk as TcpSock));
    for (const family of [AF_INET, AF_INET6]) k.net.register(inetFamily(inet, family));
    k.net.register(netlinkFamily(inet));
    k.net.ifindexOf = (net, name) => inet.of(net).dev(name)?.ifindex ?? 0;
    k.net.deviceIoctl = (c, sk, request, arg) => deviceIoctl(inet, c, sk, request, arg);
    const { type } = k.net;
    if (f.o.features.NET_NS) {
      const work = k.workqueue.define("netns", () => cleanup(inet));
      f.define<NetNamespace>(type, {
        ucount: "net",
        make(_old, of, ino) {
          const net = k.net.makeNs(ino, of.userNs);
          populate(inet.of(net));
          return net;
        },
        ended(net) {
          inet.dying.push(inet.of(net));
          k.workqueue.queue("netns", work, null);
        },
      });
      f.installPlain(type);
    } else {
      type.flag = 0;
      type.procNs = () => null;
    }
    if (k.sysctl !== undefined) installNetSysctl(inet);
    if (k.sysfs !== undefined) installNetSysfs(inet);
    if (k.proc !== undefined)
      for (const [name, file] of Object.entries(procNetFiles(inet))) k.proc.pidFile(`net/${name}`, file);
    const api = new NetApi(inet);
    return { api, boot: () => populate(inet.of(k.net.init)) };
  },
};
