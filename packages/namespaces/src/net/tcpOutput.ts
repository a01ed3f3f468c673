/** What a connection of TCP sends: segments, acknowledgements, resets; and its timer. tcp(7), RFC 9293, RFC 6298. */
import { ETIMEDOUT, SEND_SHUTDOWN, ST_CLOSE, ST_ESTABLISHED } from "@kernelkit/core";
import type { NetState } from "./netState.js";
import { IPPROTO_TCP, Packet, TH_ACK, TH_FIN, TH_PSH, TH_RST, TH_SYN } from "./packet.js";
import {
  startTimer,
  stopTimer,
  TCP_CLOSE_WAIT,
  TCP_FIN_WAIT2,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  type TcpSock,
  tcpDone,
} from "./tcpSock.js";

const EMPTY: Uint8Array = new Uint8Array(0);
const RTO_INIT = 1e9;
const RTO_MIN = 2e8;
const RTO_MAX = 120e9;
const TIME_WAIT_NS = 60e9;

/** A segment of the connection. Lost if there is no way to the peer: the timer sends it again. */
export function segment(sk: TcpSock, flags: number, seq: number, data: Uint8Array): void {
  const { st } = sk;
  const route = st.fib.lookup(sk.daddr, sk.boundDev);
  if (route === null || (route.dev === null && route.type !== "local")) return;
  const p = new Packet(IPPROTO_TCP, sk.saddr, sk.daddr, data);
  p.sport = sk.num;
  p.dport = sk.dport;
  p.flags = flags;
  p.seq = seq;
  if ((flags & TH_ACK) !== 0) p.ack = sk.rcvNxt;
  p.window = sk.toldWindow = sk.window;
  p.ttl = sk.ttl || st.settings.ipDefaultTtl;
  st.inet.output(st, p, route);
}

export function acknowledge(sk: TcpSock): void {
  segment(sk, TH_ACK, sk.sndNxt, EMPTY);
}

/** Answer to a segment that no connection is for. */
export function sendReset(st: NetState, to: Packet): void {
  if ((to.flags & TH_RST) !== 0) return;
  const route = st.fib.lookup(to.src);
  if (route === null || route.dev === null) return;
  const p = new Packet(IPPROTO_TCP, to.dst, to.src, EMPTY);
  p.sport = to.dport;
  p.dport = to.sport;
  if ((to.flags & TH_ACK) !== 0) {
    p.flags = TH_RST;
    p.seq = to.ack;
  } else {
    p.flags = TH_RST | TH_ACK;
    p.ack = to.seq + to.data.length + ((to.flags & TH_SYN) !== 0 ? 1 : 0) + ((to.flags & TH_FIN) !== 0 ? 1 : 0);
  }
  st.inet.output(st, p, route);
}

/** The connection is given up: the peer is told by a reset. */
export function abortConnection(sk: TcpSock): void {
  segment(sk, TH_RST | TH_ACK, sk.sndNxt, EMPTY);
  tcpDone(sk);
}

/** A byte that is ours to send has not been acknowledged, or waits for a window. */
const waiting = (sk: TcpSock): boolean => sk.sndUna < sk.sndNxt || sk.sndNxt < sk.outEnd;

/** Send what the peer's window allows, the FIN behind the last byte. */
export function push(sk: TcpSock): void {
  if (sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV || sk.state === ST_CLOSE) return;
  for (;;) {
    const n = Math.min(sk.outEnd - sk.sndNxt, sk.sndUna + sk.peerWindow - sk.sndNxt, sk.mss);
    if (n <= 0) break;
    const seq = sk.sndNxt;
    const data = sk.out.peek(seq - sk.outBase, n);
    // an answer may come before `segment` returns
    sk.sndNxt += n;
    segment(sk, sk.sndNxt === sk.outEnd ? TH_ACK | TH_PSH : TH_ACK, seq, data);
  }
  if (sk.finQueued && sk.sndNxt === sk.outEnd) {
    const seq = sk.sndNxt++;
    segment(sk, TH_ACK | TH_FIN, seq, EMPTY);
  }
  if (sk.timer < 0 && waiting(sk)) startTimer(sk, RTO_MIN);
}

/** How long to wait for an answer to SYN number `retries`: a second for the first ones, then twice as long each time. */
function synTimeout(sk: TcpSock): number {
  const linear = sk.state === TCP_SYN_SENT ? sk.st.settings.tcpSynLinearTimeouts : 0;
  return Math.min(RTO_INIT * 2 ** Math.max(0, sk.retries - linear), RTO_MAX);
}

export function sendSyn(sk: TcpSock): void {
  sk.sndNxt = 1;
  startTimer(sk, synTimeout(sk));
  segment(sk, sk.state === TCP_SYN_SENT ? TH_SYN : TH_SYN | TH_ACK, 0, EMPTY);
}

/** Closed from this side: the last state, in which late segments are still answered. */
export function timeWait(sk: TcpSock): void {
  sk.state = TCP_TIME_WAIT;
  startTimer(sk, TIME_WAIT_NS);
}

/** A FIN_WAIT2 that nobody has a descriptor of does not wait for ever. */
export function finWait2(sk: TcpSock): void {
  sk.state = TCP_FIN_WAIT2;
  stopTimer(sk);
  if (sk.orphan) startTimer(sk, sk.st.settings.tcpFinTimeout * 1e9);
}

/** The timer is over. */
export function tcpTimeout(sk: TcpSock): void {
  sk.timer = -1;
  const { settings } = sk.st;
  switch (sk.state) {
    case TCP_TIME_WAIT:
    case TCP_FIN_WAIT2:
      tcpDone(sk);
      return;
    case TCP_SYN_SENT:
    case TCP_SYN_RECV: {
      const most =
        sk.state === TCP_SYN_SENT ? settings.tcpSynRetries + settings.tcpSynLinearTimeouts : settings.tcpSynackRetries;
      if (sk.retries++ >= most) {
        sk.err = ETIMEDOUT;
        tcpDone(sk);
      } else sendSyn(sk);
      return;
    }
  }
  if (!waiting(sk)) return;
  // a peer whose window is closed but who answers is no dead one
  if (sk.peerWindow > 0 && sk.retries++ >= settings.tcpRetries2) {
    sk.err = ETIMEDOUT;
    tcpDone(sk);
    return;
  }
  startTimer(sk, Math.min(RTO_MIN * 2 ** sk.retries, RTO_MAX));
  sk.sndNxt = sk.sndUna;
  if (sk.peerWindow === 0 && sk.sndNxt < sk.outEnd) {
    // one byte, to be told of the window
    const seq = sk.sndNxt++;
    segment(sk, TH_ACK, seq, sk.out.peek(seq - sk.outBase, 1));
  } else push(sk);
}

/** No more is sent: the FIN, in the states that have not sent it. */
export function tcpShutdownSend(sk: TcpSock, finWait1: number, lastAck: number): void {
  sk.shutdown |= SEND_SHUTDOWN;
  if (sk.finQueued || (sk.state !== ST_ESTABLISHED && sk.state !== TCP_CLOSE_WAIT)) return;
  sk.state = sk.state === ST_ESTABLISHED ? finWait1 : lastAck;
  sk.finQueued = true;
  push(sk);
}
