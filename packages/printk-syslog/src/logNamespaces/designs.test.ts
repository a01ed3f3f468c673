import { CLONE_NEWUSER } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { CON_ENABLED } from "../console.js";
import { printkSyslog } from "../printkSyslog.js";
import { DESIGNS, Rig } from "../stories/rig.js";
import type { SyslogNs } from "../syslogNs.js";

const texts = (ns: SyslogNs): string[] => {
  const out: string[] = [];
  for (let seq = ns.ring.firstSeq; seq < ns.ring.nextSeq; seq++) out.push(new TextDecoder().decode(ns.ring.bytes(seq)));
  return out.filter((t) => /^[hc]-/.test(t));
};

describe.each(DESIGNS)("log namespaces, design %s", (design) => {
  const separate = design !== "none";

  it("gives a container an empty log of its own, unless there is one log for all", () => {
    const rig = new Rig(design);
    const c = rig.container();
    expect(rig.log.nsOf(c) === rig.log.init).toBe(!separate);
    expect(rig.log.namespaces).toHaveLength(separate ? 2 : 1);
    if (separate) expect(rig.log.nsOf(c).ring.nextSeq).toBe(0);
    expect(rig.log.nsOf(rig.host)).toBe(rig.log.init);
  });

  it("returns no record of one log by an interface of another", () => {
    const rig = new Rig(design);
    const [a, b] = [rig.container(), rig.container()];
    rig.printk.nsprintk(rig.host, "h-1\n");
    rig.printk.nsprintk(a, "c-a\n");
    rig.printk.nsprintk(b, "c-b\n");
    if (!separate) return expect(texts(rig.log.init)).toEqual(["h-1", "c-a", "c-b"]);
    expect([rig.host, a, b].map((t) => texts(rig.log.nsOf(t)))).toEqual([["h-1"], ["c-a"], ["c-b"]]);
    const read = new TextDecoder().decode(rig.kernel.sys(b).syslog(3, new Uint8Array(9999), 9999) as Uint8Array);
    return expect(read).toMatch(/^<4>\[ *\d+\.\d{6}\] c-b\n$/);
  });

  it("keeps printk with the host but in the design of 2010", () => {
    const rig = new Rig(design);
    const c = rig.container();
    rig.kernel.core.current = c;
    rig.printk.printk("h-oops\n");
    rig.kernel.core.current = null;
    expect(texts(rig.log.init)).toEqual(design === "userns-hack" ? [] : ["h-oops"]);
  });

  it("sends a packet's line to the owner of its network but in the design of 2010, and says why", () => {
    const rig = new Rig(design);
    const c = rig.container();
    rig.packet(c, rig.host, "c-pkt");
    const owner = design === "none" || design === "userns-hack" ? rig.log.init : rig.log.nsOf(c);
    expect(texts(owner)).toEqual(["c-pkt"]);
    expect(rig.log.explain(owner)).toMatchObject({
      design,
      ns: owner.id,
      why: {
        none: "there is one log",
        "userns-hack": "the task that was current when it was logged belongs to this log",
        "syslog-action": "the user namespace that owns the packet's network namespace has this log",
        nsproxy: "the packet's network namespace was made by a task with this log",
        userns: "the user namespace that owns the packet's network namespace has this log",
      }[design],
    });
  });

  it("lets consoles of a container print its log only where logs have consoles", () => {
    const rig = new Rig(design);
    const c = rig.container();
    let printed = "";
    rig.printk.registerConsole("c", CON_ENABLED, (t) => (printed += t), c);
    printed = "";
    rig.printk.nsprintk(c, "\u00010c-emerg\n");
    rig.printk.nsprintk(rig.host, "\u00010h-emerg\n");
    const own = design === "nsproxy" || design === "userns";
    const host = design !== "none" && !own;
    expect(printed).toMatch(own ? /^.*c-emerg\n$/ : host ? /^.*h-emerg\n$/ : /^.*c-emerg\n.*h-emerg\n$/);
  });

  it("knows action 11 only in the design of 2012, once in each new user namespace", () => {
    const rig = new Rig(design);
    const sys = rig.kernel.sys(rig.host);
    if (design !== "syslog-action") return expect(() => sys.syslog(11)).toThrow("EINVAL");
    expect(() => sys.syslog(11)).toThrow("EPERM");
    sys.unshare(CLONE_NEWUSER);
    expect(sys.syslog(11)).toBe(0);
    return expect(() => sys.syslog(11)).toThrow("EPERM");
  });

  it("ends a log with the last user but in the design of 2012, whose reference loop keeps it", () => {
    const rig = new Rig(design);
    for (let i = 0; i < 5; i++) {
      const c = rig.container();
      rig.kernel.sys(c).exit(0);
      rig.kernel.run("1ms");
      rig.kernel.sys(rig.host).wait4(-1, 0);
    }
    expect(rig.log.namespaces).toHaveLength(design === "syslog-action" ? 6 : 1);
    expect(rig.kernel.containers.live.size).toBe(design === "syslog-action" ? 5 : 0);
  });

  it("asks for CAP_SYSLOG where the log is owned", () => {
    const rig = new Rig(design);
    const sys = rig.kernel.sys(rig.container());
    if (separate) expect(sys.syslog(10)).toBe(131072);
    else expect(() => sys.syslog(10)).toThrow("EPERM");
  });

  it("costs at most twice the log for each namespace", () => {
    const { init } = new Rig(design).log;
    expect(init.bytes).toBeLessThanOrEqual(2 * init.ring.size);
  });
});

describe("printkSyslog options", () => {
  it("are checked by name and value", () => {
    expect(() => printkSyslog({ logNamespaces: "syslogns" as never })).toThrow(/logNamespaces.*userns-hack/);
    expect(() => printkSyslog({ semantics: "5.4" as never })).toThrow(/semantics.*6\.18, 6\.1/);
    expect(() => printkSyslog({ maxSyslogNs: -1 })).toThrow(RangeError);
    expect(() => printkSyslog({ syslogns: "none" } as never)).toThrow(/unknown option/);
  });
});
