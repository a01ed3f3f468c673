/** The picture of each view, by its id: loaded when the view is first looked at. */
import type { ComponentType, JSX } from "preact";
import type { ViewId } from "../lab/scenario.js";
import { lazy } from "../page/lazy.js";
import type { Frame } from "./parts.js";

// each picture has data of its own kind; the scenario of the same id makes them
type Picture = (props: Frame<never>) => JSX.Element;
const picture = (load: () => Promise<unknown>): Picture => lazy(load as () => Promise<ComponentType<Frame<never>>>);

export const PICTURES: Readonly<Record<ViewId, Picture>> = {
  wb: picture(async () => (await import("./writeback.js")).WritebackPicture),
  mem: picture(async () => (await import("./memory.js")).MemoryPicture),
  numa: picture(async () => (await import("./numa.js")).NumaPictureView),
  power: picture(async () => (await import("./power.js")).PowerPictureView),
  irq: picture(async () => (await import("./irq.js")).IrqPictureView),
  log: picture(async () => (await import("./log.js")).LogPictureView),
  ns: picture(async () => (await import("./namespaces.js")).NamespacesPicture),
  trust: picture(async () => (await import("./trust.js")).TrustPictureView),
};
