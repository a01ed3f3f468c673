/** The designs by their names and by the other names they go under. */
import type { LogNamespaceDesign } from "./design.js";
import { none } from "./none.js";
import { nsproxy } from "./nsproxy.js";
import { syslogAction } from "./syslogAction.js";
import { userns } from "./userns.js";
import { usernsHack } from "./usernsHack.js";

export const LOG_NAMESPACE_DESIGNS: Readonly<Record<string, LogNamespaceDesign>> = {
  none,
  "userns-hack": usernsHack,
  "syslog-action": syslogAction,
  nsproxy,
  userns,
  "userns-tied": syslogAction,
  "in-userns": userns,
  "naive-current": usernsHack,
};
