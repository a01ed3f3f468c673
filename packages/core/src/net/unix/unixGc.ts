/**
 * Sockets that only messages on their way to each other still refer to: nobody can receive them, so nobody could close them.
 * They are found when a socket is closed while descriptors of sockets are under way.
 */
import type { Core } from "../../kernel/core.js";
import { purge, type UnixMsg, type UnixSock, unixOf } from "./unixSock.js";

/** Sockets whose descriptors are in messages that wait for `s`, or for a connection that waits for it. */
function eachWaiting(s: UnixSock, f: (t: UnixSock) => void): void {
  const look = (msgs: readonly UnixMsg[]): void => {
    for (const m of msgs)
      for (const file of m.fds ?? []) {
        const t = unixOf(file);
        if (t !== null) f(t);
      }
  };
  look(s.queue);
  for (const p of s.pending) look(p.queue);
}

export function unixGc(k: Core): void {
  // only messages refer to them
  const outer = new Map<UnixSock, number>();
  for (const [s, n] of k.net.inflight) if (s.file !== null && s.file.refs === n) outer.set(s, n);
  if (outer.size === 0) return;
  // and of those messages some wait for sockets that can be reached
  for (const s of outer.keys())
    eachWaiting(s, (t) => {
      const n = outer.get(t);
      if (n !== undefined) outer.set(t, n - 1);
    });
  const reachable = [...outer].filter(([, n]) => n > 0).map(([s]) => s);
  const seen = new Set(reachable);
  for (let i = 0; i < reachable.length; i++)
    eachWaiting(reachable[i], (t) => {
      if (!outer.has(t) || seen.has(t)) return;
      seen.add(t);
      reachable.push(t);
    });
  for (const s of outer.keys()) {
    if (seen.has(s)) continue;
    const keep: UnixMsg[] = [];
    const drop: UnixMsg[] = [];
    for (const m of s.queue.splice(0)) (m.fds === null ? keep : drop).push(m);
    s.queue.push(...keep);
    purge(k, drop);
    for (const p of s.pending) purge(k, p.queue);
  }
}
