/** The picture of each view, by its id. */
import type { ComponentType } from "preact";
import { WritebackPicture } from "./writeback.js";

// biome-ignore lint/suspicious/noExplicitAny: each picture has data of its own kind; the scenario of the same id makes them
export const PICTURES: Readonly<Record<string, ComponentType<any>>> = {
  wb: WritebackPicture,
};
