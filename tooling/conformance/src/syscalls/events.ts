/** Calls about readiness and time: poll(2), epoll(7), eventfd(2), pidfd_open(2), nanosleep(2), clock_gettime(2). */
import { pollNames } from "../uapi.js";
import { call, flags, type Marshal, type MarshalTable, plain } from "./marshal.js";

const timespec = (v: unknown): unknown => {
  const [sec, nsec] = v as [number, number];
  return { sec, nsec };
};

/** A sleep: how long it took, in virtual time. */
const sleep = (name: string, args: (a: readonly unknown[]) => readonly unknown[]): Marshal => ({
  method: name,
  plan: (raw, s, step) => {
    const { invoke } = call(name, { args }).plan(raw, s, step);
    let start = s.kernel.now;
    return {
      invoke: (sys) => {
        start = s.kernel.now;
        return invoke(sys);
      },
      convert: (ret) => ({ ret, fields: { elapsed_ms: Math.floor((s.kernel.now - start) / 1e6) } }),
    };
  },
});

export const EVENT_CALLS: MarshalTable = {
  ...plain("eventfd2", "epoll_create1", "pidfd_open", "clock_gettime", "clock_getres", "alarm"),
  poll: call("poll", {
    args: ([fd, events, timeout]) => [[{ fd, events: flags(events) }], timeout ?? 0],
    result: (value) => {
      const polled = value as { revents: number }[];
      const ready = polled.filter((p) => p.revents !== 0).length;
      return { ret: ready, revents: pollNames(polled[0]?.revents ?? 0) };
    },
  }),
  epoll_ctl: call("epoll_ctl", {
    args: (a) => (a.length > 3 ? [a[0], a[1], a[2], { events: flags(a[3]), data: a[4] ?? 0 }] : [a[0], a[1], a[2]]),
  }),
  epoll_wait: call("epoll_wait", {
    args: ([ep, max, timeout]) => [ep, max, timeout ?? 0],
    result: (value) => {
      const events = value as { events: number; data: unknown }[];
      return { ret: events.length, fields: { events: events.map((e) => [pollNames(e.events), e.data]) } };
    },
  }),
  nanosleep: sleep("nanosleep", ([t]) => [timespec(t)]),
  clock_nanosleep: sleep("clock_nanosleep", ([clock, f, t]) => [clock, f, timespec(t)]),
  clock_settime: call("clock_settime", { args: ([clock, t]) => [clock, timespec(t)] }),
  socket: call("socket"),
};
