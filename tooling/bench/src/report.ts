// A benchmark's rows for people, and the whole run for programs.
import type { PeerResult, Result } from "./benchmark.js";
import type { Measured } from "./measure.js";

const NAME_WIDTH = 64;

/** The rows of one benchmark: ours, then each peer with the ratio ours / peer. */
export function rows(result: Measured): string {
  const noise = `±${(result.noise * 100).toFixed(0)} %`;
  const target =
    result.target === undefined ? "" : verdict(result.opsPerSecond >= result.target, `${rate(result.target)}/s`);
  const lines = [row(`${result.name} (${result.unit})`, result.opsPerSecond, noise, target)];
  for (const [what, bytes] of Object.entries(result.bytesPer)) lines.push(`    ${bytes} bytes per ${what}`);
  for (const peer of result.peers) lines.push(peerRow(peer));
  return lines.join("\n");
}

function peerRow(peer: PeerResult): string {
  const name = `    ${peer.name}`;
  if (peer.opsPerSecond === null || peer.ratio === null) return `${name.padEnd(NAME_WIDTH)}  absent: ${peer.absent}`;
  const target = peer.target === undefined ? "" : verdict(peer.ratio >= peer.target, `x${peer.target}`);
  return row(name, peer.opsPerSecond, `x${significant(peer.ratio)}`, target);
}

function row(name: string, opsPerSecond: number, third: string, target: string): string {
  const ns = 1e9 / opsPerSecond;
  const time =
    ns >= 1e6 ? `${significant(ns / 1e6)} ms` : ns >= 1e4 ? `${significant(ns / 1e3)} µs` : `${significant(ns)} ns`;
  return `${name.padEnd(NAME_WIDTH)} ${`${rate(opsPerSecond)}/s`.padStart(10)} ${time.padStart(9)} ${third.padStart(7)}  ${target}`.trimEnd();
}

const verdict = (met: boolean, target: string): string => `${met ? "meets" : "MISSES"} ${target}`;

/** 33_212_000 -> "33.2 M". */
export function rate(perSecond: number): string {
  const units = ["", " k", " M", " G"];
  let unit = 0;
  let value = perSecond;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return significant(value) + units[unit];
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** What `--json FILE` writes. */
export function jsonReport(results: readonly Measured[]): string {
  const plain: Result[] = results.map(({ noise: _noise, peers, ...result }) => ({
    ...result,
    peers: peers.map(({ absent: _absent, ...peer }) => peer),
  }));
  return `${JSON.stringify({ results: plain }, null, 2)}\n`;
}
