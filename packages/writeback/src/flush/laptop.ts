/** Laptop mode: while the disk spins anyway, write everything soon, so that it can stand still for long. admin-guide/laptops/laptop-mode. */
import type { BlockDevice } from "../device/blockDevice.js";
import type { Writeback } from "../system.js";
import { wakeFlusher } from "./inodeState.js";

/** Timers, by kernel: armed by completions, taken back by sync(2). */
export function defineLaptopTimer(w: Writeback): void {
  w.laptopTimer = w.k.timers.define("writeback.laptop", (dev) => {
    for (const wb of w.st.wbs) {
      if (wb.dev !== dev || !wb.hasDirtyIo || wb.startAll !== "") continue;
      wb.startAll = "laptop_timer";
      wakeFlusher(w, wb);
    }
  });
}

/** A request has been carried out: everything else follows `laptop_mode` seconds later. */
export function laptopIoCompletion(w: Writeback, dev: BlockDevice): void {
  const at = w.k.time.ticks + w.st.knobs.laptopMode * w.k.time.hz;
  if (!w.k.timers.mod(dev.laptopTimer, at)) dev.laptopTimer = w.k.timers.add(w.laptopTimer, at, dev);
}

/** sync(2) has written everything. */
export function laptopSyncCompletion(w: Writeback): void {
  for (const dev of w.st.devices.values()) w.k.timers.del(dev.laptopTimer);
}
