/** The picture of each view, by its id. */
import type { ComponentType } from "preact";
import { IrqPictureView } from "./irq.js";
import { LogPictureView } from "./log.js";
import { MemoryPicture } from "./memory.js";
import { NamespacesPicture } from "./namespaces.js";
import { NumaPictureView } from "./numa.js";
import { PowerPictureView } from "./power.js";
import { TrustPictureView } from "./trust.js";
import { WritebackPicture } from "./writeback.js";

// biome-ignore lint/suspicious/noExplicitAny: each picture has data of its own kind; the scenario of the same id makes them
export const PICTURES: Readonly<Record<string, ComponentType<any>>> = {
  wb: WritebackPicture,
  mem: MemoryPicture,
  numa: NumaPictureView,
  power: PowerPictureView,
  irq: IrqPictureView,
  log: LogPictureView,
  ns: NamespacesPicture,
  trust: TrustPictureView,
};
