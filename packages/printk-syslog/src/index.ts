/** The kernel log: printk, /dev/kmsg, syslog(2), /proc/kmsg, consoles. */
export * from "./console.js";
export type * from "./devPrintk.js";
export * from "./doSyslog.js";
export { formatKmsg, type KmsgRecord, parseKmsg } from "./kmsgDump.js";
export type { LogNamespaceDesign, LogNamespaces } from "./logNamespaces/design.js";
export { type Explanation, LOG_BUF_LEN, PRINTK_LEVELS, Printk, type Semantics } from "./printk.js";
export { type PrintkApi, type PrintkOptions, type PrintkSys, printkSyslog } from "./printkSyslog.js";
export * from "./ratelimit.js";
export * from "./recordText.js";
export * from "./ringBuffer.js";
export { StackWatch, THREAD_SIZE } from "./stackWatch.js";
export * from "./syslogActions.js";
export * from "./syslogNs.js";
export * from "./taint.js";
export * from "./trouble.js";
