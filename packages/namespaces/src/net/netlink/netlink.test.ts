import {
  AF_INET,
  AF_NETLINK,
  CLONE_NEWNET,
  createKernel,
  type KernelError,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namespaces } from "../../index.js";
import {
  attribute,
  concat,
  cstring,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseAttributes,
  parseMessages,
  u32,
} from "./nlmsg.js";

const NEW = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;

function boot() {
  const kernel = createKernel({ machine: { memory: "128M" } })
    .use(namespaces())
    .boot();
  const task = kernel.tasks.find(kernel.sys(kernel.init).fork());
  if (task === null) throw new Error("no child");
  const sys = kernel.sys(task);
  sys.unshare(CLONE_NEWNET);
  const fd = sys.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0);
  sys.bind(fd, { family: AF_NETLINK, pid: 0, groups: 0 });
  let seq = 0;
  /** One request: the errno that is told, 0 if it was done. */
  const ask = (type: number, flags: number, ...parts: Uint8Array[]): number => {
    sys.send(fd, encodeMessage({ type, flags, seq: ++seq, pid: 0, payload: concat(parts) }));
    const [m] = parseMessages(sys.recv(fd, 4096));
    expect([m.type, m.seq]).toEqual([NLMSG_ERROR, seq]);
    return Math.abs(new DataView(m.payload.buffer).getInt32(0, true));
  };
  const dump = (type: number): { type: number; payload: Uint8Array }[] => {
    sys.send(
      fd,
      encodeMessage({ type, flags: NLM_F_REQUEST | NLM_F_DUMP, seq: ++seq, pid: 0, payload: new Uint8Array(16) }),
    );
    const out: { type: number; payload: Uint8Array }[] = [];
    for (;;)
      for (const m of parseMessages(sys.recv(fd, 32768))) {
        if (m.type === NLMSG_DONE) return out;
        out.push(m);
      }
  };
  return { kernel, task, sys, fd, ask, dump };
}

const ifinfo = (index = 0, flags = 0, change = 0): Uint8Array => concat([u32(0), u32(index), u32(flags), u32(change)]);
const ifaddr = (index: number, len: number): Uint8Array => concat([Uint8Array.of(AF_INET, len, 0x80, 0), u32(index)]);
const names = (links: { payload: Uint8Array }[]): string[] =>
  links.map((l) => new TextDecoder().decode(parseAttributes(l.payload.subarray(16))?.get(3)).replace("\0", ""));

describe("NETLINK_ROUTE", () => {
  it("brings the loopback device up as bubblewrap does: an address, then the flag", () => {
    const { sys, ask } = boot();
    const local = attribute(2, Uint8Array.of(127, 0, 0, 1));
    expect(ask(RTM_NEWADDR, NEW, ifaddr(1, 8), local, attribute(1, Uint8Array.of(127, 0, 0, 1)))).toBe(0);
    expect(ask(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, ifinfo(1, 1, 1))).toBe(0);
    sys.bind(sys.socket(AF_INET, SOCK_DGRAM), { family: AF_INET, addr: "127.0.0.1", port: 9 });
    expect(ask(RTM_NEWADDR, NEW, ifaddr(1, 8), local)).toBe(17);
  });

  it("makes a pair of devices, shows what there is, and tells errors with their request", () => {
    const { kernel, task, sys, fd, ask, dump } = boot();
    const veth = (name: string, peer: string): Uint8Array[] => [
      ifinfo(),
      attribute(3, cstring(name)),
      attribute(
        18,
        concat([
          attribute(1, cstring("veth")),
          attribute(2, attribute(1, concat([ifinfo(), attribute(3, cstring(peer))]))),
        ]),
      ),
    ];
    expect(ask(RTM_NEWLINK, NEW, ...veth("v0", "v1"))).toBe(0);
    expect(ask(RTM_NEWLINK, NEW, ...veth("v0", "v2"))).toBe(17);
    expect(ask(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, ifinfo(), attribute(3, cstring("zz")))).toBe(19);
    expect(names(dump(RTM_GETLINK))).toEqual(["lo", "v1", "v0"]);
    expect(ask(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, ifinfo(3, 1, 1), attribute(3, cstring("eth0")))).toBe(0);
    expect(ask(RTM_NEWADDR, NEW, ifaddr(3, 24), attribute(2, Uint8Array.of(10, 0, 0, 1)))).toBe(0);
    expect(dump(RTM_GETADDR).length).toBe(2);
    const rtmsg = (len: number): Uint8Array => Uint8Array.of(AF_INET, len, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0);
    expect(ask(RTM_NEWROUTE, NEW, rtmsg(0), attribute(5, Uint8Array.of(10, 0, 0, 9)))).toBe(0);
    expect(ask(RTM_NEWROUTE, NEW, rtmsg(8), attribute(1, Uint8Array.of(9, 0, 0, 0)), attribute(4, u32(99)))).toBe(19);
    expect(dump(RTM_GETROUTE).length).toBe((kernel.namespaces.rtnetlink(task, "RTM_GETROUTE") as object[]).length);
    expect(sys.readText("/proc/net/route")).toMatch(/^eth0\t00000000\t0900000A\t0003/m);
    expect(ask(999, NLM_F_REQUEST, new Uint8Array(16))).toBe(95);
    expect(sys.getsockname(fd)).toEqual({ family: AF_NETLINK, pid: sys.getpid(), groups: 0 });
  });

  it("asks for CAP_NET_ADMIN of the sender", () => {
    const { sys, ask } = boot();
    sys.setresuid(5, 5, 5);
    expect(ask(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, ifinfo(1, 1, 1))).toBe(1);
  });

  it("takes any bytes without harm", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 80 }),
            fc
              .tuple(
                fc.integer({ min: 14, max: 30 }),
                fc.integer({ min: 0, max: 0x7ff }),
                fc.uint8Array({ maxLength: 64 }),
              )
              .map(([type, flags, payload]) => encodeMessage({ type, flags, seq: 1, pid: 0, payload })),
          ),
          { maxLength: 30 },
        ),
        (messages) => {
          const { sys, fd } = boot();
          for (const m of messages) {
            expect(sys.send(fd, m)).toBe(m.length);
            try {
              for (;;) sys.recv(fd, 4096);
            } catch (e) {
              expect((e as KernelError).code).toBe("EAGAIN");
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
