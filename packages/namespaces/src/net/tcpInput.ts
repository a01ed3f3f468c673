/** What a connection of TCP does with segments that come in. tcp(7), RFC 9293. */
import {
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  ENETUNREACH,
  EPIPE,
  RCV_SHUTDOWN,
  ST_ESTABLISHED,
  ST_LISTEN,
} from "@kernelkit/core";
import { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP_PORT_UNREACH, type Protocol } from "./inet.js";
import { type Ip, isAny, isV4 } from "./ip.js";
import type { NetState } from "./netState.js";
import { type Packet, TH_ACK, TH_FIN, TH_RST, TH_SYN } from "./packet.js";
import { abortConnection, acknowledge, finWait2, push, sendReset, sendSyn, timeWait } from "./tcpOutput.js";
import {
  connectionKey,
  startTimer,
  stopTimer,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TcpSock,
  tcpDone,
} from "./tcpSock.js";

const ALL = 0x7fffffff;
const RTO_MIN = 2e8;

/** The listener for an address: one bound to it before one bound to all. */
function listenerFor(st: NetState, dst: Ip, port: number, sport: number): TcpSock | null {
  let best: TcpSock[] = [];
  let exact = false;
  for (const s of st.tcp.at(port)) {
    if (s.state !== ST_LISTEN || (isV4(dst) ? !s.takes4 : !s.takes6)) continue;
    const any = isAny(s.saddr);
    if (!any && s.saddr !== dst) continue;
    if (any && exact) continue;
    if (!any && !exact) best = [];
    exact = !any;
    best.push(s as TcpSock);
  }
  return best.length === 0 ? null : best[sport % best.length];
}

function connectRequest(listener: TcpSock, p: Packet): void {
  // full: the peer tries again
  if (listener.ready.length > listener.backlog) return;
  if (listener.halfOpen.size >= Math.max(listener.backlog, listener.st.settings.tcpMaxSynBacklog)) return;
  const sk = new TcpSock(listener.st, listener.uid, listener.family, listener.ops);
  for (const [name, v] of listener.options) sk.options.set(name, v);
  sk.sndbuf = listener.sndbuf;
  sk.rcvbuf = listener.rcvbuf;
  sk.sndTimeo = listener.sndTimeo;
  sk.rcvTimeo = listener.rcvTimeo;
  sk.boundDev = listener.boundDev;
  sk.ttl = listener.ttl;
  sk.v6only = listener.v6only;
  sk.saddr = p.dst;
  sk.daddr = p.src;
  sk.dport = p.sport;
  sk.portLock = true;
  sk.hash(listener.num);
  sk.hashConnection();
  sk.state = TCP_SYN_RECV;
  sk.rcvNxt = p.seq + 1;
  sk.peerWindow = p.window;
  sk.listener = listener;
  listener.halfOpen.add(sk);
  sendSyn(sk);
}

/** The three-way handshake is complete. */
function established(sk: TcpSock): void {
  stopTimer(sk);
  sk.retries = 0;
  sk.state = ST_ESTABLISHED;
  const { listener } = sk;
  const { sched } = sk.st.inet.k;
  if (listener !== null) {
    listener.halfOpen.delete(sk);
    listener.ready.push(sk);
    sched.wakeUp(listener.wait);
  } else sched.wakeUp(sk.wait, ALL);
}

/** The peer has reset the connection. */
function gotReset(sk: TcpSock): void {
  sk.err = sk.state === TCP_SYN_SENT ? ECONNREFUSED : sk.state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
  if (sk.state === TCP_SYN_RECV || sk.state === TCP_TIME_WAIT) sk.err = 0;
  sk.in.clear();
  tcpDone(sk);
}

function synSent(sk: TcpSock, p: Packet): void {
  const acks = (p.flags & TH_ACK) !== 0 && p.ack === sk.sndNxt;
  if ((p.flags & TH_ACK) !== 0 && !acks) return sendReset(sk.st, p);
  if ((p.flags & TH_RST) !== 0) {
    if (acks) gotReset(sk);
    return;
  }
  if ((p.flags & TH_SYN) === 0) return;
  sk.rcvNxt = p.seq + 1;
  sk.peerWindow = p.window;
  if (!acks) {
    // both sides have begun
    sk.state = TCP_SYN_RECV;
    return sendSyn(sk);
  }
  sk.sndUna = p.ack;
  established(sk);
  acknowledge(sk);
  push(sk);
}

/** What an acknowledgement says. False: the connection is over. */
function acked(sk: TcpSock, p: Packet): boolean {
  const { k } = sk.st.inet;
  sk.peerWindow = p.window;
  if (p.ack > sk.sndUna && p.ack <= Math.max(sk.sndNxt, sk.outEnd + (sk.finQueued ? 1 : 0))) {
    const bytes = Math.min(p.ack, sk.outEnd) - sk.outBase;
    if (bytes > 0) {
      sk.out.drop(bytes);
      sk.outBase += bytes;
    }
    sk.sndUna = p.ack;
    if (sk.sndNxt < sk.sndUna) sk.sndNxt = sk.sndUna;
    sk.retries = 0;
    stopTimer(sk);
    if (sk.sndUna < sk.sndNxt || sk.sndNxt < sk.outEnd) startTimer(sk, RTO_MIN);
    if (sk.writable) k.sched.wakeUp(sk.wait, ALL);
    if (sk.finQueued && sk.sndUna > sk.outEnd)
      switch (sk.state) {
        case TCP_FIN_WAIT1:
          finWait2(sk);
          break;
        case TCP_CLOSING:
          timeWait(sk);
          break;
        case TCP_LAST_ACK:
          tcpDone(sk);
          return false;
      }
  }
  return true;
}

const MAY_RECEIVE: readonly number[] = [ST_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2];

function gotFin(sk: TcpSock): void {
  sk.rcvNxt++;
  sk.finReceived = true;
  sk.shutdown |= RCV_SHUTDOWN;
  if (sk.state === ST_ESTABLISHED) sk.state = TCP_CLOSE_WAIT;
  else if (sk.state === TCP_FIN_WAIT1) sk.state = TCP_CLOSING;
  else if (sk.state === TCP_FIN_WAIT2) timeWait(sk);
  sk.st.inet.k.sched.wakeUp(sk.wait, ALL);
}

function receive(sk: TcpSock, p: Packet): void {
  if (sk.state === TCP_SYN_SENT) return synSent(sk, p);
  if ((p.flags & TH_RST) !== 0) return gotReset(sk);
  if ((p.flags & TH_SYN) !== 0) {
    // a repeated SYN is answered as before; the peer's side of two simultaneous ones counts as an acknowledgement
    if (sk.state === TCP_SYN_RECV && (p.flags & TH_ACK) === 0) return sendSyn(sk);
    if (sk.state !== TCP_SYN_RECV) return acknowledge(sk);
  }
  if ((p.flags & TH_ACK) === 0) return;
  if (sk.state === TCP_SYN_RECV) {
    if (p.ack !== 1) return sendReset(sk.st, p);
    sk.sndUna = 1;
    established(sk);
  }
  if (!acked(sk, p)) return;
  const { data } = p;
  const fin = (p.flags & TH_FIN) !== 0;
  if (data.length > 0) {
    // bytes that nobody will ever read
    if (sk.orphan && MAY_RECEIVE.includes(sk.state)) return abortConnection(sk);
    const skip = sk.rcvNxt - p.seq;
    if (skip >= 0 && skip < data.length && MAY_RECEIVE.includes(sk.state)) {
      const fresh = data.subarray(skip, skip + sk.window);
      sk.in.push(fresh);
      sk.rcvNxt += fresh.length;
      if (fresh.length > 0) sk.st.inet.k.sched.wakeUp(sk.wait, 1);
    }
  }
  if (fin && p.seq + data.length === sk.rcvNxt && MAY_RECEIVE.includes(sk.state)) gotFin(sk);
  if (data.length > 0 || fin) acknowledge(sk);
  push(sk);
}

export const tcpProtocol: Protocol = {
  receive(st, p) {
    let sk = st.established.get(connectionKey(p.dst, p.dport, p.src, p.sport)) ?? null;
    const syn = (p.flags & (TH_SYN | TH_ACK | TH_RST)) === TH_SYN;
    if (sk !== null && sk.state === TCP_TIME_WAIT && syn) {
      // the same numbers again: the old connection makes way
      tcpDone(sk);
      sk = null;
    }
    if (sk !== null) receive(sk, p);
    else {
      const listener = listenerFor(st, p.dst, p.dport, p.sport);
      if (listener !== null && syn) connectRequest(listener, p);
      else sendReset(st, p);
    }
    return true;
  },
  error(st, about, type, code) {
    const sk = st.established.get(connectionKey(about.src, about.sport, about.dst, about.dport));
    if (sk === undefined || sk.state !== TCP_SYN_SENT || type !== ICMP_DEST_UNREACH) return;
    sk.err = code === ICMP_PORT_UNREACH ? ECONNREFUSED : code === ICMP_HOST_UNREACH ? EHOSTUNREACH : ENETUNREACH;
    tcpDone(sk);
  },
};
