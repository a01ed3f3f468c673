import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimerWheel } from "./timerWheel.js";

/** The jiffies at which timers armed at `now` for `expires` really expire, on a wheel that is asked at each jiffy. */
function expiry(wheel: TimerWheel, expires: number, now: number): number {
  const id = wheel.add(expires, now);
  const due = wheel.nextExpiry();
  expect(wheel.popExpired(due - 1)).toBe(-1);
  expect(wheel.popExpired(due)).toBe(wheel.indexOf(id));
  return due;
}

interface Armed {
  id: number;
  expires: number;
  due: number;
  level: number;
  place: number;
}

/** The rules in plain words over a list: what the wheel must agree with. */
class Model {
  clk = 0;
  place = 0;
  armed: Armed[] = [];
  readonly cascading: boolean;
  constructor(cascading: boolean) {
    this.cascading = cascading;
  }
  next(): number {
    return this.armed.reduce((a, t) => Math.min(a, t.due), Number.POSITIVE_INFINITY);
  }
  forward(now: number): void {
    if (now > this.clk) this.clk = this.next() > now ? now : Math.max(this.clk, this.next());
  }
  dueFor(expires: number): { due: number; level: number } {
    const delta = expires - this.clk;
    if (delta < 0) return { due: this.clk, level: 0 };
    if (this.cascading) return { due: expires, level: 0 };
    let at = expires;
    let level = 0;
    if (delta >= 63 * 8 ** 8) {
      at = this.clk + 62 * 8 ** 8;
      level = 8;
    } else while (delta >= 63 * 8 ** level) level++;
    const g = 8 ** level;
    return { due: (Math.floor(at / g) + 1) * g, level };
  }
  arm(id: number, expires: number, now: number): void {
    this.forward(now);
    this.armed.push({ id, expires, ...this.dueFor(expires), place: this.place++ });
  }
  expire(now: number): number[] {
    const out: number[] = [];
    while (this.next() <= now) {
      const due = this.next();
      const batch = this.armed
        .filter((t) => t.due === due)
        .sort((a, b) => b.level - a.level || (this.cascading ? a.place - b.place : b.place - a.place));
      this.armed = this.armed.filter((t) => t.due !== due);
      this.clk = due + 1;
      for (const t of batch) out.push(t.id);
    }
    return out;
  }
}

describe("the timer wheel since 4.8", () => {
  it("expires a timer at the end of its bucket: (floor(expires / 8^n) + 1) * 8^n", () => {
    for (const [ahead, due] of [
      [0, 1],
      [1, 2],
      [62, 63],
      [63, 64],
      [100, 104],
      [503, 504],
      [504, 512],
      [4031, 4032],
      [4032, 4096],
      [1_000_000, 1_015_808],
    ]) {
      expect(expiry(new TimerWheel({ hz: 250 }), ahead, 0), String(ahead)).toBe(due);
    }
  });
  it("is never early and at most one granularity late", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 63 * 8 ** 8 - 1 }), (now, ahead) => {
        const due = expiry(new TimerWheel({ hz: 1000 }), now + ahead, now);
        let g = 1;
        while (ahead >= 63 * g) g *= 8;
        expect(due).toBeGreaterThan(now + ahead);
        expect(due).toBeLessThanOrEqual(now + ahead + g);
      }),
    );
  });
  it("a time that is past expires at the next look", () => {
    const w = new TimerWheel({ hz: 250 });
    const id = w.add(5, 100);
    expect(w.nextExpiry()).toBeLessThanOrEqual(101);
    expect(w.popExpired(101)).toBe(w.indexOf(id));
  });
  it("a timer beyond the reach of the top level is cut off: 9 levels, or 8 for HZ <= 100", () => {
    expect(expiry(new TimerWheel({ hz: 250 }), 2 ** 45, 0)).toBe(63 * 8 ** 8);
    expect(expiry(new TimerWheel({ hz: 100 }), 2 ** 45, 0)).toBe(63 * 8 ** 7);
  });
  it("timers due together expire a higher level first, and within a bucket the one armed last (observed on 6.18)", () => {
    const w = new TimerWheel({ hz: 250 });
    const a = w.add(103, 0);
    const b = w.add(101, 0);
    const c = w.add(103, 60);
    const d = w.add(103, 60);
    const out: number[] = [];
    expect(w.collectExpired(104, out)).toBe(4);
    expect(out).toEqual([b, a, d, c].map((id) => w.indexOf(id)));
  });
  it("a timer armed while the wheel lags is placed from the jiffy of arming", () => {
    const w = new TimerWheel({ hz: 250 });
    w.add(100_000, 0);
    expect(expiry(w, 50_010, 50_000)).toBe(50_011);
  });
  it("what a handler arms for the past waits for the next jiffy", () => {
    const w = new TimerWheel({ hz: 250 });
    w.add(9, 0);
    expect(w.popExpired(10)).toBeGreaterThanOrEqual(0);
    w.add(3, 10);
    expect(w.popExpired(10)).toBe(-1);
    expect(w.nextExpiry()).toBe(11);
    expect(w.popExpired(11)).toBeGreaterThanOrEqual(0);
  });
  it("a timer that is due can be removed before its turn", () => {
    const w = new TimerWheel({ hz: 250 });
    const ids = [w.add(9, 0), w.add(9, 0), w.add(9, 0), w.add(9, 0)];
    expect(w.popExpired(10)).toBe(w.indexOf(ids[3]));
    expect(w.isPending(ids[3])).toBe(false);
    expect(w.isPending(ids[1])).toBe(true);
    expect(w.del(ids[1])).toBe(true);
    expect(w.mod(ids[0], 20, 10)).toBe(true);
    expect(w.nextExpiry()).toBeLessThanOrEqual(10);
    expect(w.popExpired(10)).toBe(w.indexOf(ids[2]));
    expect(w.popExpired(10)).toBe(-1);
    expect(w.popExpired(21)).toBe(w.indexOf(ids[0]));
    expect(w.size).toBe(0);
  });
  it("mod_timer into the same bucket keeps the place, into another is armed anew", () => {
    const w = new TimerWheel({ hz: 250 });
    const a = w.add(97, 0);
    const b = w.add(98, 0);
    const c = w.add(98, 0);
    expect(w.mod(a, 99, 0)).toBe(true);
    expect(w.expiresAt(w.indexOf(a))).toBe(99);
    w.mod(b, 200, 0);
    w.mod(b, 98, 0);
    const out: number[] = [];
    w.collectExpired(104, out);
    expect(out).toEqual([b, c, a].map((id) => w.indexOf(id)));
  });
  it("an id is good for one arming only", () => {
    const w = new TimerWheel({ hz: 250 });
    const id = w.add(5, 0);
    expect(w.del(id)).toBe(true);
    expect(w.del(id)).toBe(false);
    const again = w.add(5, 0);
    expect(w.indexOf(again)).toBe(w.indexOf(id));
    expect(again).not.toBe(id);
    expect(w.isPending(id)).toBe(false);
    expect(w.mod(id, 9, 0)).toBe(false);
    expect(w.idAt(w.indexOf(id))).toBe(again);
    w.del(again);
    expect(w.idAt(w.indexOf(id))).toBe(-1);
    expect(w.isPending(12345)).toBe(false);
    expect(w.nextExpiry()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the cascading wheel before 4.8", () => {
  it("expires exactly at expires, however far ahead it was armed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 36 }), fc.integer({ min: 1, max: 2 ** 34 }), (now, ahead) => {
        const w = new TimerWheel({ hz: 1000, cascading: true });
        w.popExpired(now);
        expect(expiry(w, now + ahead, now)).toBe(now + ahead);
      }),
    );
  });
  it("timers of one jiffy expire in the order of arming, whichever levels they came through", () => {
    const w = new TimerWheel({ hz: 250, cascading: true });
    const ids: number[] = [];
    for (const now of [0, 1, 9_500, 9_930, 9_990, 9_999]) {
      expect(w.popExpired(now)).toBe(-1);
      ids.push(w.add(10_000, now), w.add(10_000, now));
    }
    const out: number[] = [];
    w.collectExpired(10_000, out);
    expect(out).toEqual(ids.map((id) => w.indexOf(id)));
  });
});

describe.each([false, true])("a wheel with cascading %s, against a list", (cascading) => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("add"), n: fc.nat(3), far: fc.integer({ min: -3, max: 30 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("mod"), n: fc.nat(99), far: fc.integer({ min: -3, max: 30 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("del"), n: fc.nat(99), far: fc.constant(0) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("run"), n: fc.nat(40), far: fc.integer({ min: 0, max: 18 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("runToNext"), n: fc.nat(0), far: fc.constant(0) }) },
  );
  it("agrees on every expiry, its time and its order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(0, 2 ** 32 - 500, 2 ** 45), (steps, start) => {
        const w = new TimerWheel({ hz: 250, cascading });
        const m = new Model(cascading);
        m.clk = 0;
        let now = start;
        const all: number[] = [];
        // Far times are spread over all levels: 2^far, moved a little.
        const ahead = (s: { n: number; far: number }): number => (s.far < 0 ? s.far : Math.floor(2 ** s.far) - s.n);
        for (const s of steps) {
          const pick = m.armed.length === 0 ? undefined : m.armed[s.n % m.armed.length];
          if (s.kind === "add") {
            const expires = Math.max(0, now + ahead(s));
            const id = w.add(expires, now);
            m.arm(id, expires, now);
            all.push(id);
          } else if (s.kind === "mod" && pick !== undefined) {
            const expires = Math.max(0, now + ahead(s));
            expect(w.mod(pick.id, expires, now)).toBe(true);
            if (expires !== pick.expires) {
              m.forward(now);
              const to = m.dueFor(expires);
              pick.expires = expires;
              if (cascading || to.due !== pick.due || to.level !== pick.level) {
                pick.place = m.place++;
                Object.assign(pick, to);
              }
            }
          } else if (s.kind === "del" && pick !== undefined) {
            expect(w.del(pick.id)).toBe(true);
            m.armed = m.armed.filter((t) => t !== pick);
          } else if (s.kind === "run" || s.kind === "runToNext") {
            now = s.kind === "run" ? now + Math.floor(2 ** s.far) + s.n : Math.max(now, Math.min(m.next(), now + 1e9));
            const want = m.expire(now);
            const got: number[] = [];
            expect(w.collectExpired(now, got)).toBe(want.length);
            expect(got).toEqual(want.map((id) => w.indexOf(id)));
          }
          expect(w.nextExpiry()).toBe(m.next());
          expect(w.size).toBe(m.armed.length);
          for (const id of all) expect(w.isPending(id)).toBe(m.armed.some((t) => t.id === id));
        }
      }),
      { numRuns: 150 },
    );
  });
  it("goes on from a copy of its fields: its state is plain data", () => {
    const a = new TimerWheel({ hz: 250, cascading });
    for (let i = 0; i < 500; i++) a.add((i * 7919) % 5000, 0);
    const first: number[] = [];
    a.collectExpired(1000, first);
    const b = new TimerWheel({ hz: 250, cascading });
    Object.assign(b, structuredClone({ ...a }));
    const restA: number[] = [];
    const restB: number[] = [];
    for (let now = 1000; now < 6000; now += 7) {
      a.collectExpired(now, restA);
      b.collectExpired(now, restB);
    }
    expect(first.length + restA.length).toBe(500);
    expect(restB).toEqual(restA);
  });
});
