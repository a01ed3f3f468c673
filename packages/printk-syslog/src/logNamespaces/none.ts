/** `none`: Linux. Every task, whatever its namespaces, reads and writes the same log. */
import { type LogNamespaceDesign, ROUTE_ONE_LOG } from "./design.js";

export const none: LogNamespaceDesign = {
  name: "none",
  printkRoute: ROUTE_ONE_LOG,
  packetRoute: ROUTE_ONE_LOG,
  ofTask: (p) => p.init,
  ofPrintk: (p) => p.init,
  ofPacket: (p) => p.init,
  ofConsole: (p) => p.init,
};
