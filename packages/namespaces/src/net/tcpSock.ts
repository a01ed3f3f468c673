/**
 * A connection of TCP: its two byte queues, its state, what was sent and acknowledged. Sequence numbers count from 0 (the SYN) and do
 * not wrap. tcp(7), RFC 9293.
 */
import { type ProtoOps, putNs, SHUTDOWN_MASK, SOCK_STREAM, ST_CLOSE } from "@kernelkit/core";
import { InetSock } from "./inetSock.js";
import { formatIp, isV4 } from "./ip.js";
import type { NetState } from "./netState.js";
import { IPPROTO_TCP } from "./packet.js";

export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_CLOSING = 11;

/** Bytes of a stream that wait, in the pieces in which they came. */
export class ByteQueue {
  readonly pieces: Uint8Array[] = [];
  /** Bytes of the first piece that have gone. */
  offset = 0;
  length = 0;

  push(data: Uint8Array): void {
    if (data.length === 0) return;
    this.pieces.push(data);
    this.length += data.length;
  }

  /** Copy of up to `n` bytes from `at` on. */
  peek(at: number, n: number): Uint8Array {
    const len = Math.max(0, Math.min(n, this.length - at));
    const out = new Uint8Array(len);
    let skip = at + this.offset;
    let done = 0;
    for (const p of this.pieces) {
      if (done === len) break;
      if (skip >= p.length) {
        skip -= p.length;
        continue;
      }
      const m = Math.min(p.length - skip, len - done);
      out.set(p.subarray(skip, skip + m), done);
      done += m;
      skip = 0;
    }
    return out;
  }

  drop(n: number): void {
    this.length -= n;
    let left = n + this.offset;
    let whole = 0;
    while (whole < this.pieces.length && left >= this.pieces[whole].length) left -= this.pieces[whole++].length;
    this.pieces.splice(0, whole);
    this.offset = left;
  }

  take(n: number): Uint8Array {
    const first = this.pieces[0];
    if (
      this.offset === 0 &&
      first !== undefined &&
      (first.length === n || (first.length < n && first.length === this.length))
    ) {
      this.pieces.shift();
      this.length -= first.length;
      return first;
    }
    const out = this.peek(0, n);
    this.drop(out.length);
    return out;
  }

  clear(): void {
    this.pieces.length = 0;
    this.offset = this.length = 0;
  }
}

export class TcpSock extends InetSock {
  /** Written and not acknowledged; the first byte has number `outBase`. */
  readonly out: ByteQueue = new ByteQueue();
  outBase = 1;
  /** The next number to be sent; what is below `sndUna` is acknowledged. */
  sndNxt = 0;
  sndUna = 0;
  peerWindow = 0;
  /** A FIN follows the bytes that are written. */
  finQueued = false;
  /** Received and not read. */
  readonly in: ByteQueue = new ByteQueue();
  rcvNxt = 0;
  /** Window that was last told the peer. */
  toldWindow = 0;
  /** The peer has sent its FIN. */
  finReceived = false;
  /** connect(2) is under way, or its end was not told yet. */
  connecting = false;
  /** It was shut down while it connected: nothing can be done but to disconnect it. */
  disconnecting = false;
  /** It was connected: until it is disconnected it cannot be again, even if the connection is over. */
  wasConnected = false;
  /** Nobody has a descriptor of it. */
  orphan = false;
  timer = -1;
  /** How often the timer was over without an answer. */
  retries = 0;
  /** A listener's: connections to accept, those whose handshake is under way, how many may wait beyond one. */
  readonly ready: TcpSock[] = [];
  readonly halfOpen: Set<TcpSock> = new Set();
  backlog = 0;
  /** Whose connection it is, before accept(2). */
  listener: TcpSock | null = null;
  hashed = false;

  constructor(st: NetState, uid: number, family: number, ops: ProtoOps) {
    super(st, uid, family, SOCK_STREAM, IPPROTO_TCP, ops);
    this.sndbuf = st.settings.tcpWmem[1];
    this.rcvbuf = st.settings.tcpRmem[1];
  }

  /** Bytes that may wait to be acknowledged: as set, or as far as the buffer grows by itself. */
  get sendLimit(): number {
    const { tcpWmem } = this.st.settings;
    return this.sndbuf === tcpWmem[1] ? tcpWmem[2] : this.sndbuf;
  }
  /** Bytes the peer may send now. */
  get window(): number {
    return Math.max(0, Math.floor(this.rcvbuf / 2) - this.in.length);
  }
  /** Number behind the last byte that was written. */
  get outEnd(): number {
    return this.outBase + this.out.length;
  }
  get writable(): boolean {
    return this.out.length * 3 < this.sendLimit * 2;
  }
  /** Bytes in a segment. */
  get mss(): number {
    const route = this.st.fib.lookup(this.daddr, this.boundDev);
    const mtu = route === null || route.type === "local" ? this.st.loopback.mtu : (route.dev?.mtu ?? 1500);
    return Math.max(88, mtu - (isV4(this.daddr) ? 52 : 72));
  }

  get key(): string {
    return connectionKey(this.saddr, this.num, this.daddr, this.dport);
  }
  hashConnection(): void {
    this.st.established.set(this.key, this);
    this.hashed = true;
  }
  unhashConnection(): void {
    if (this.hashed) this.st.established.delete(this.key);
    this.hashed = false;
  }
}

export function connectionKey(
  saddr: InetSock["saddr"],
  sport: number,
  daddr: InetSock["saddr"],
  dport: number,
): string {
  return `${formatIp(saddr)} ${sport} ${formatIp(daddr)} ${dport}`;
}

export function stopTimer(sk: TcpSock): void {
  if (sk.timer >= 0) sk.st.inet.k.timers.del(sk.timer);
  sk.timer = -1;
}

/** Arm the connection's timer. */
export function startTimer(sk: TcpSock, ns: number): void {
  stopTimer(sk);
  const { k, tcpTimer } = sk.st.inet;
  sk.timer = k.timers.add(tcpTimer, k.time.ticks + Math.max(1, Math.ceil((ns * k.time.hz) / 1e9)), sk);
}

/** The connection is over: it has no numbers any more. One without a descriptor is gone altogether. */
export function tcpDone(sk: TcpSock): void {
  stopTimer(sk);
  sk.unhashConnection();
  if (!sk.portLock || sk.orphan) sk.unhash();
  sk.state = ST_CLOSE;
  sk.shutdown = SHUTDOWN_MASK;
  sk.out.clear();
  sk.outBase = sk.sndNxt;
  if (sk.listener !== null) {
    sk.listener.halfOpen.delete(sk);
    const i = sk.listener.ready.indexOf(sk);
    if (i >= 0) sk.listener.ready.splice(i, 1);
    sk.listener = null;
    sk.orphan = true;
  }
  if (sk.orphan) {
    if (sk.st.socks.delete(sk)) putNs(sk.net);
    sk.in.clear();
  }
  sk.st.inet.k.sched.wakeUp(sk.wait, 0x7fffffff);
}
