/** handle_bad_irq(): the flow of a line nobody has set up, and the names of all flows. */
import {
  IRQ_LEVEL,
  IRQ_NOAUTOEN,
  IRQ_NOPROBE,
  IRQ_NOREQUEST,
  IRQ_PER_CPU,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQS_PENDING,
  IRQS_REPLAY,
  IRQS_WAITING,
} from "../abi.js";
import type { FlowHandler } from "../desc.js";
import type { Irqs } from "../irqs.js";
import {
  handleEdgeEoiIrq,
  handleEdgeIrq,
  handleFasteoiAckIrq,
  handleFasteoiIrq,
  handleFasteoiMaskIrq,
  handleLevelIrq,
  handlePercpuDevidIrq,
  handlePercpuIrq,
  handleSimpleIrq,
  handleUntrackedIrq,
} from "./flowHandlers.js";
import { kstatIncr } from "./handleIrqEvent.js";

/** A line nobody has set up: counted and complained about. */
export function handleBadIrq(g: Irqs, irq: number): void {
  reportBadLine(g, irq);
  kstatIncr(g, irq);
  g.k.log(2, `unexpected IRQ trap at vector ${irq.toString(16).padStart(2, "0")}`);
}

/** Flows by Linux's names. */
export const FLOWS: ReadonlyMap<string, FlowHandler> = /* @__PURE__ */ new Map([
  ["handle_simple_irq", handleSimpleIrq],
  ["handle_untracked_irq", handleUntrackedIrq],
  ["handle_level_irq", handleLevelIrq],
  ["handle_edge_irq", handleEdgeIrq],
  ["handle_edge_eoi_irq", handleEdgeEoiIrq],
  ["handle_fasteoi_irq", handleFasteoiIrq],
  ["handle_fasteoi_ack_irq", handleFasteoiAckIrq],
  ["handle_fasteoi_mask_irq", handleFasteoiMaskIrq],
  ["handle_percpu_irq", handlePercpuIrq],
  ["handle_percpu_devid_irq", handlePercpuDevidIrq],
  ["handle_bad_irq", handleBadIrq],
]);

/** Linux's name of a flow, or the function's own. */
export function flowName(flow: FlowHandler | null): string {
  for (const [name, f] of FLOWS) if (f === flow) return name;
  return flow === null ? "NULL" : flow.name || "anonymous";
}

const SET_FLAGS: readonly (readonly [string, "state" | "settings", number])[] = [
  ["IRQ_LEVEL", "settings", IRQ_LEVEL],
  ["IRQ_PER_CPU", "settings", IRQ_PER_CPU],
  ["IRQ_NOPROBE", "settings", IRQ_NOPROBE],
  ["IRQ_NOREQUEST", "settings", IRQ_NOREQUEST],
  ["IRQ_NOAUTOEN", "settings", IRQ_NOAUTOEN],
  ["IRQS_REPLAY", "state", IRQS_REPLAY],
  ["IRQS_WAITING", "state", IRQS_WAITING],
  ["IRQS_PENDING", "state", IRQS_PENDING],
  ["IRQS_INPROGRESS", "state", IRQD_IRQ_INPROGRESS],
  ["IRQS_DISABLED", "state", IRQD_IRQ_DISABLED],
];

/** What there is to say of a line nobody has set up (print_irq_desc). */
export function reportBadLine(g: Irqs, irq: number): void {
  const { k } = g;
  let total = 0;
  for (let c = 0; c < g.nrCpus; c++) total += g.kstat[irq * g.nrCpus + c];
  k.log(
    6,
    `irq ${irq}, desc: ${irq}, depth: ${g.depth[irq]}, count: ${total >>> 0}, unhandled: ${g.irqsUnhandled[irq]}`,
  );
  k.log(6, `->handle_irq():  ${flowName(g.flow[irq])}`);
  k.log(6, `->irq_data.chip(): ${g.data[irq]?.chip.name ?? "none"}`);
  const a = g.action[irq];
  k.log(6, `->action(): ${a === null ? "0" : a.name}`);
  if (a !== null) k.log(6, `->action->handler(): ${a.handler.name || "anonymous"}`);
  for (const [name, word, bit] of SET_FLAGS) if ((g[word][irq] & bit) !== 0) k.log(6, `     ${name} set`);
}
