/** The dialects, by the name of the folder whose cases they read. */
import type { Dialect } from "../dialect.js";
import { core } from "./core.js";

export const DIALECTS: ReadonlyMap<string, Dialect> = new Map([core].map((d) => [d.package, d]));
