/** Not Linux: an action of syslog(2) for a log of its own for the caller's user namespace (design `syslog-action`). */
export const SYSLOG_ACTION_NEW_NS = 11;
