/**
 * Requests that belong to a device and are freed with it, in reverse order: devm_request_irq() and its kin. A device is any object of
 * state with a name.
 */
import type { IrqHandler, IrqThreadFn } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { freeIrq } from "./freeIrq.js";
import { requestThreadedIrq } from "./requestIrq.js";

export interface IrqDevice {
  readonly name: string;
}

/** As `requestIrq`; without a name the action is named after the device. */
export function devmRequestIrq(
  g: Irqs,
  device: IrqDevice,
  irq: number,
  handler: IrqHandler | null,
  flags: number,
  name: string | null,
  dev: unknown = null,
): number {
  return devmRequestThreadedIrq(g, device, irq, handler, null, flags, name, dev);
}

/** As `requestThreadedIrq`, freed when the device goes. */
export function devmRequestThreadedIrq(
  g: Irqs,
  device: IrqDevice,
  irq: number,
  handler: IrqHandler | null,
  threadFn: IrqThreadFn | null,
  flags: number,
  name: string | null,
  dev: unknown = null,
): number {
  const ret = requestThreadedIrq(g, irq, handler, threadFn, flags, name ?? device.name, dev);
  if (ret !== 0) return ret;
  let list = g.devres.get(device);
  if (list === undefined) {
    list = [];
    g.devres.set(device, list);
  }
  list.push({ irq, dev });
  return 0;
}

/** Free one before its device goes. Its name; null, with a warning, if the device has no such request. */
export function devmFreeIrq(g: Irqs, device: IrqDevice, irq: number, dev: unknown = null): string | null {
  const list = g.devres.get(device) ?? [];
  const at = list.findLastIndex((e) => e.irq === irq && e.dev === dev);
  if (at < 0) g.warn("devres.c", "devm_free_irq");
  else list.splice(at, 1);
  return freeIrq(g, irq, dev);
}

/** The device goes: its requests are freed, the last one first. */
export function devmRelease(g: Irqs, device: IrqDevice): void {
  const list = g.devres.get(device) ?? [];
  g.devres.delete(device);
  for (let e = list.pop(); e !== undefined; e = list.pop()) freeIrq(g, e.irq, e.dev);
}
