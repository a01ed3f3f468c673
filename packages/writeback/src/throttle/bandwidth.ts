/** When the estimates of a device are brought up to date: at most every 200 ms, from writers, flushers and completions. */
import {
  domainUpdateDirtyLimit,
  type RatelimitTrace,
  wbUpdateDirtyRatelimit,
  wbUpdateWriteBandwidth,
} from "../control/bandwidth.js";
import { bandwidthInterval } from "../control/constants.js";
import { dirtySetpoint } from "../control/positionRatio.js";
import type { Wb } from "../flush/wb.js";
import type { Writeback } from "../system.js";
import type { DomainControl } from "./domains.js";

const rates: RatelimitTrace = { dirtyRate: 0, taskRatelimit: 0 };

/** Are the estimates older than 200 ms? */
export function bandwidthDue(w: Writeback, wb: Wb): boolean {
  return w.k.time.ticks > wb.bwTimeStamp + bandwidthInterval(w.k.time.hz);
}

export function updateBandwidthIfDue(w: Writeback, wb: Wb): void {
  if (bandwidthDue(w, wb)) updateBandwidth(w, wb, null, null, 0);
}

/** `g`, `m`: the machine's domain and the control group's, where a writer asks; `posRatio` is the writer's. __wb_update_bandwidth(). */
export function updateBandwidth(
  w: Writeback,
  wb: Wb,
  g: DomainControl | null,
  m: DomainControl | null,
  posRatio: number,
): void {
  const { hz, ticks: now } = w.k.time;
  const elapsed = Math.max(now - wb.bwTimeStamp, 1);
  for (const d of [g, m]) {
    if (d === null) continue;
    domainUpdateDirtyLimit(d.domain, d.thresh, d.dirty, now, hz);
    wbUpdateDirtyRatelimit(
      wb,
      {
        dirty: d.strictlimit ? d.wbDirty : d.dirty,
        setpoint: d.strictlimit ? Math.floor((d.wbThresh + d.wbBgThresh) / 2) : dirtySetpoint(d),
        posRatio,
        avgWriteBandwidth: wb.avgWriteBandwidth,
        dirtied: wb.dirtied - wb.dirtiedStamp,
        elapsed,
      },
      hz,
      rates,
    );
    const tp = w.trace.dirtyRatelimit;
    if (tp.on)
      tp.emit(
        wb.dev.bdi.name,
        wb.writeBandwidth * 4,
        wb.avgWriteBandwidth * 4,
        rates.dirtyRate * 4,
        wb.dirtyRatelimit * 4,
        rates.taskRatelimit * 4,
        wb.balancedDirtyRatelimit * 4,
        wb.cgroupIno,
      );
  }
  wbUpdateWriteBandwidth(wb, elapsed, wb.written - wb.writtenStamp, hz);
  stamp(wb, now);
}

function stamp(wb: Wb, now: number): void {
  wb.dirtiedStamp = wb.dirtied;
  wb.writtenStamp = wb.written;
  wb.bwTimeStamp = now;
}

/** A device that was idle for a second begins: what it did before says nothing. wb_bandwidth_estimate_start(). */
export function bandwidthEstimateStart(w: Writeback, wb: Wb): void {
  const { hz, ticks: now } = w.k.time;
  if (now > wb.bwTimeStamp + hz && wb.writebackInodes === 0) stamp(wb, now);
}
