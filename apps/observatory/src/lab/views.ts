/** Names of the views, for who has no need of their kernels. */
import type { ViewId } from "./scenario.js";

export const VIEWS: readonly { readonly id: ViewId; readonly name: string; readonly question: string }[] = [
  { id: "wb", name: "Writeback", question: "Why is this write waiting?" },
  { id: "mem", name: "Memory", question: "Who is charged for this, and what happens at the limit?" },
  { id: "numa", name: "NUMA", question: "Where is each page, who touches it, was moving it worth it?" },
  { id: "power", name: "Power", question: "Is the package really asleep, and what did it cost?" },
  { id: "irq", name: "Interrupts", question: "What did chip, flow and handlers do, in which order, on which CPU?" },
  { id: "log", name: "Kernel log", question: "Where did this line go, who can read it, who already took it?" },
  { id: "ns", name: "Namespaces", question: "Who sees whom, and as what?" },
  { id: "trust", name: "Integrity", question: "Would we have noticed, and could we prove it?" },
];
