/** Names of the views, for who has no need of their kernels. */
import type { ViewId } from "./scenario.js";

export const VIEWS: readonly { readonly id: ViewId; readonly name: string; readonly question: string }[] = [
  { id: "wb", name: "Writeback", question: "Why is this write waiting?" },
];
