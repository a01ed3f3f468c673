/** /sys/kernel/debug/bdi: what a device's writeback and limits are. */
import type { Core } from "@kernelkit/core";
import type { BackingDevInfo } from "./bdi.js";
import type { Wb } from "./flush/wb.js";
import type { Writeback } from "./system.js";
import { globalDirtyLimits, wbThreshNow } from "./throttle/domains.js";

const WB_REGISTERED = 1;
const WB_RUNNING = 2;
const WB_HAS_DIRTY_IO = 4;
const WB_START_ALL = 8;

const line = (name: string, value: number, unit: string, width = 30): string => {
  const label = `${name}:`;
  return `${label}${String(value).padStart(width - label.length)}${unit}\n`;
};

const stateOf = (wb: Wb): number =>
  WB_REGISTERED |
  (wb.running ? WB_RUNNING : 0) |
  (wb.hasDirtyIo ? WB_HAS_DIRTY_IO : 0) |
  (wb.startAll !== "" ? WB_START_ALL : 0);

const lists = (wbs: readonly Wb[]): [string, number][] => [
  ["b_dirty", wbs.reduce((n, x) => n + x.dirty.count, 0)],
  ["b_io", wbs.reduce((n, x) => n + x.io.count, 0)],
  ["b_more_io", wbs.reduce((n, x) => n + x.moreIo.count, 0)],
  ["b_dirty_time", wbs.reduce((n, x) => n + x.dirtyTime.count, 0)],
];

export function installDebugfs(k: Core, w: Writeback): (b: BackingDevInfo) => void {
  const wbsOf = (b: BackingDevInfo): Wb[] => w.st.wbs.filter((wb) => wb.dev.bdi === b);
  const group = k.debugfs.group("bdi.debug", {
    stats: {
      mode: 0o444,
      show(_c, b: BackingDevInfo) {
        const wbs = wbsOf(b);
        const sum = (of: (wb: Wb) => number): number => wbs.reduce((n, wb) => n + of(wb), 0) * 4;
        const { thresh, bgThresh } = globalDirtyLimits(w);
        const rows: [string, number][] = [
          ["BdiWriteback", sum((x) => x.writeback)],
          ["BdiReclaimable", sum((x) => x.reclaimable)],
          ["BdiDirtyThresh", wbThreshNow(w, wbs[0]) * 4],
          ["DirtyThresh", thresh * 4],
          ["BackgroundThresh", bgThresh * 4],
          ["BdiDirtied", sum((x) => x.dirtied)],
          ["BdiWritten", sum((x) => x.written)],
        ];
        return (
          rows.map(([n, v]) => line(n, v, " kB")).join("") +
          line(
            "BdiWriteBandwidth",
            sum((x) => x.avgWriteBandwidth),
            " kBps",
          ) +
          lists(wbs)
            .map(([n, v]) => line(n, v, ""))
            .join("") +
          line("bdi_list", 1, "") +
          line(
            "state",
            wbs.reduce((s, x) => s | stateOf(x), 0),
            "",
          )
        );
      },
    },
    wb_stats: {
      mode: 0o444,
      show: (_c, b: BackingDevInfo) =>
        wbsOf(b)
          .map((wb) => {
            const own = wbThreshNow(w, wb);
            const rows: [string, number, string][] = [
              ["WbCgIno", wb.cgroupIno, ""],
              ["WbWriteback", wb.writeback * 4, " kB"],
              ["WbReclaimable", wb.reclaimable * 4, " kB"],
              ["WbDirtyThresh", own * 4, " kB"],
              ["WbDirtied", wb.dirtied * 4, " kB"],
              ["WbWritten", wb.written * 4, " kB"],
              ["WbWriteBandwidth", wb.avgWriteBandwidth * 4, " kBps"],
              ...lists([wb]).map(([n, v]): [string, number, string] => [n, v, ""]),
              ["state", stateOf(wb), ""],
            ];
            return rows.map(([n, v, u]) => line(n, v, u, 29)).join("");
          })
          .join("\n"),
    },
  });
  return (b) => {
    k.debugfs.dir(`bdi/${b.name}`, { group, owner: b });
  };
}
