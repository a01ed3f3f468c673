import { readFileSync } from "node:fs";
import { AF_INET, AF_UNIX, type Sockaddr } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { netRig, outcome } from "../testing/netRig.js";

/**
 * Random sequences of requests and calls with what Linux 6.18 answered to each, in a fresh network namespace, all sockets
 * non-blocking. A step is its name, its arguments (sockets by the order in which they were made), and the answer: a value or an errno.
 */
interface Recorded {
  seed: number;
  steps: unknown[][];
  /** /proc/net/route at the end: device, destination, gateway, flags, mask. */
  routes: string[][];
}

const recorded = JSON.parse(
  readFileSync(new URL("../../testdata/network-6.18.json", import.meta.url), "utf8"),
) as Recorded[];

const NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
const KINDS: Readonly<Record<string, [number, number]>> = {
  tcp: [AF_INET, 1],
  udp: [AF_INET, 2],
  us: [AF_UNIX, 1],
  ud: [AF_UNIX, 2],
  uq: [AF_UNIX, 5],
};
/** Ports that were asked for; others are chosen at random. */
const PORTS: readonly (number | undefined)[] = [5000, 5001];

const inet = (a: unknown): Sockaddr => ({
  family: AF_INET,
  addr: (a as [string, number])[0],
  port: (a as [string, number])[1],
});
const unix = (path: unknown): Sockaddr => ({ family: AF_UNIX, path: path as string });

function replay({ steps, routes }: Recorded): void {
  const { kernel, host } = netRig();
  const { sys, rtnl } = host(false);
  sys.chdir("/tmp");
  const fds: number[] = [];
  const made = (fd: number): number => fds.push(fd) - 1;
  const calls: Record<string, (fd: number, a: unknown, b: unknown) => unknown> = {
    bind: (fd, a) => sys.bind(fd, inet(a)),
    con: (fd, a) => sys.connect(fd, inet(a)),
    ubind: (fd, a) => sys.bind(fd, unix(a)),
    ucon: (fd, a) => sys.connect(fd, unix(a)),
    lis: (fd, n) => sys.listen(fd, n as number),
    acc: (fd) => made(sys.accept4(fd, NONBLOCK)),
    send: (fd, d) => sys.send(fd, d as string, MSG_NOSIGNAL),
    recv: (fd, n) => new TextDecoder().decode(sys.recv(fd, n as number)),
    cl: (fd) => sys.close(fd),
    sh: (fd, how) => sys.shutdown(fd, how as number),
    poll: (fd) => sys.poll([{ fd, events: 0xffff }], 0)[0].revents,
    name: (fd) => sys.getsockname(fd).addr,
    peer: (fd) => {
      const { addr, port } = sys.getpeername(fd);
      return PORTS.includes(port) ? [addr, port] : addr;
    },
    uname: (fd) => sys.getsockname(fd).path,
    upeer: (fd) => sys.getpeername(fd).path,
    opt: (fd, o, v) => sys.setsockopt(fd, 1, o as number, v as number),
    sto: (fd, d, a) => sys.sendto(fd, d as string, MSG_NOSIGNAL, inet(a)),
    usto: (fd, d, a) => sys.sendto(fd, d as string, MSG_NOSIGNAL, unix(a)),
  };
  steps.forEach((step, i) => {
    const [name, a, b, c] = step.slice(0, -1);
    const answer = step.at(-1) === "ENOTSUP" ? "EOPNOTSUPP" : step.at(-1);
    let got: unknown;
    const error = outcome(() => {
      if (name === "rt") got = rtnl(a as string, b as object) ?? 0;
      else if (name === "sk") got = made(sys.socket(KINDS[a as string][0], KINDS[a as string][1] | NONBLOCK));
      else got = calls[name as string](fds[a as number], b, c);
    });
    expect([i, ...step.slice(0, -1), error || got]).toEqual([i, ...step.slice(0, -1), answer]);
    kernel.run("2ms");
  });
  const lines = sys.readText("/proc/net/route").split("\n").slice(1, -1);
  const shown = lines.map((l) => l.trim().split(/\s+/)).map((f) => [...f.slice(0, 4), f[7]].join(" "));
  expect(shown.sort()).toEqual(routes.map((r) => r.join(" ")).sort());
}

describe("what Linux 6.18 answers", () => {
  for (const r of recorded) it(`is answered here too: sequence ${r.seed}`, () => replay(r));
});
