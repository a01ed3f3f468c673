/**
 * Promotion: with numa_balancing bit 2 pages of slow memory that are used soon after they were armed move to the CPU's node. "Soon" is the
 * hot threshold, which follows how many candidates there are, and no more go than promote_rate_limit lets. Kernel document
 * admin-guide/sysctl/kernel ("numa_balancing", "numa_balancing_promote_rate_limit_MBps").
 */
import type { ColumnOf } from "@kernelkit/core";
import type { NumaSystem } from "../state.js";

const NORMAL = 1;
const TIERING = 2;
/** Steps in which the threshold moves, and how often. */
const ADJUST_STEPS = 16;
const ADJUST_NS = 60e9;
const RATE_WINDOW_NS = 1e9;
/** Free memory that makes promotion unconditional: 1 GiB, or a sixteenth of the node if that is more. */
const ENOUGH_PAGES = 2 ** 18;
const MAX_INT = 0x7fffffff;

/** What a node keeps for promotion to it. */
export class NodePromotion {
  thresholdMs = 0;
  thresholdStartNs = 0;
  thresholdCandidates = 0;
  rateStartNs = 0;
  rateCandidates = 0;
}

export class Promotion {
  private readonly of: NodePromotion[];
  private readonly success: number;
  private readonly candidate: number;
  private readonly candidateNrl: number;
  private readonly rule: (pfn: number) => boolean;

  constructor(
    private readonly sys: NumaSystem,
    /** Where the time of arming is kept, in ms plus one. */
    private readonly stamp: ColumnOf<"Int32">,
  ) {
    const { k } = sys;
    k.state.class(NodePromotion);
    this.of = Array.from({ length: sys.nodes }, () => new NodePromotion());
    k.state.root("numa.promotion", this.of);
    this.success = k.mm.stat("pgpromote_success");
    this.candidate = k.mm.stat("pgpromote_candidate");
    this.candidateNrl = k.mm.stat("pgpromote_candidate_nrl");
    this.rule = (pfn) => this.arms(pfn);
  }

  private get mode(): number {
    return this.sys.settings.balancing;
  }
  private nowMs(): number {
    return Math.floor(this.sys.k.now / 1e6) & MAX_INT;
  }

  /** Is the node's memory slow, and does that matter now? */
  isSlow(nid: number): boolean {
    return (this.mode & TIERING) !== 0 && !this.sys.tiers.isTop(nid);
  }

  /** What a scan asks of each page; null: nothing. */
  scanRule(): ((pfn: number) => boolean) | null {
    return (this.mode & (NORMAL | TIERING)) === NORMAL ? null : this.rule;
  }

  private arms(pfn: number): boolean {
    const top = this.sys.tiers.isTop(this.sys.k.mm.nodeOf(pfn));
    if (top) return (this.mode & NORMAL) !== 0;
    if ((this.mode & TIERING) !== 0) this.stamp[pfn] = this.nowMs() + 1;
    return true;
  }

  /** May a page that was armed at `armedAt` (ms; -1 never) be promoted to `nid` now? */
  isHot(nid: number, armedAt: number, pages: number): boolean {
    const s = this.of[nid];
    const { mm } = this.sys.k;
    if (this.freeEnough(nid)) {
      s.thresholdMs = 0;
      mm.count(this.candidateNrl, pages, nid);
      return true;
    }
    const standard = this.sys.settings.hotThreshold;
    const rate = this.sys.settings.promoteRateLimit * 256;
    this.adjust(s, nid, rate, standard);
    const latency = armedAt < 0 ? MAX_INT : (this.nowMs() - armedAt) & MAX_INT;
    if (latency >= (s.thresholdMs === 0 ? standard : s.thresholdMs)) return false;
    return !this.limited(s, nid, rate, pages);
  }

  private freeEnough(nid: number): boolean {
    const { mm } = this.sys.k;
    const enough = Math.max(ENOUGH_PAGES, mm.nodePages[nid] >> 4);
    return mm.zones.some((z) => z.nid === nid && z.free > z.promo + enough);
  }

  /** The threshold goes down a step where there were more candidates than may move, and up where there were fewer. */
  private adjust(s: NodePromotion, nid: number, rate: number, standard: number): void {
    const { now, mm } = this.sys.k;
    if (now - s.thresholdStartNs <= ADJUST_NS) return;
    s.thresholdStartNs = now;
    const candidates = mm.readNode(this.candidate, nid);
    const came = candidates - s.thresholdCandidates;
    const wanted = (rate * ADJUST_NS) / 1e9;
    const step = Math.floor((standard * 2) / ADJUST_STEPS);
    let th = s.thresholdMs === 0 ? standard : s.thresholdMs;
    if (came > (wanted * 11) / 10) th = Math.max(th - step, step);
    else if (came < (wanted * 9) / 10) th = Math.min(th + step, standard * 2);
    s.thresholdMs = th;
    s.thresholdCandidates = candidates;
  }

  /** Have this second's pages gone already? The page counts as a candidate. */
  private limited(s: NodePromotion, nid: number, rate: number, pages: number): boolean {
    const { now, mm } = this.sys.k;
    mm.count(this.candidate, pages, nid);
    const candidates = mm.readNode(this.candidate, nid);
    if (now - s.rateStartNs > RATE_WINDOW_NS) {
      s.rateStartNs = now;
      s.rateCandidates = candidates;
    }
    return candidates - s.rateCandidates >= rate;
  }

  /** Pages have come to `nid` from slow memory. */
  promoted(nid: number, pages: number): void {
    this.sys.k.mm.count(this.success, pages, nid);
  }
}
