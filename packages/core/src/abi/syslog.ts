/**
 * syslog: the actions of syslog(2) and the levels and facilities of a message, syslog(3).
 */

// syslog(2)
export const SYSLOG_ACTION_CLOSE = 0;
export const SYSLOG_ACTION_OPEN = 1;
export const SYSLOG_ACTION_READ = 2;
export const SYSLOG_ACTION_READ_ALL = 3;
export const SYSLOG_ACTION_READ_CLEAR = 4;
export const SYSLOG_ACTION_CLEAR = 5;
export const SYSLOG_ACTION_CONSOLE_OFF = 6;
export const SYSLOG_ACTION_CONSOLE_ON = 7;
export const SYSLOG_ACTION_CONSOLE_LEVEL = 8;
export const SYSLOG_ACTION_SIZE_UNREAD = 9;
export const SYSLOG_ACTION_SIZE_BUFFER = 10;

// Levels, most urgent first.
export const LOG_EMERG = 0;
export const LOG_ALERT = 1;
export const LOG_CRIT = 2;
export const LOG_ERR = 3;
export const LOG_WARNING = 4;
export const LOG_NOTICE = 5;
export const LOG_INFO = 6;
export const LOG_DEBUG = 7;

// Facilities, not shifted: a priority is `facility << 3 | level`.
export const LOG_FAC_KERN = 0;
export const LOG_FAC_USER = 1;
export const LOG_FAC_MAIL = 2;
export const LOG_FAC_DAEMON = 3;
export const LOG_FAC_AUTH = 4;
export const LOG_FAC_SYSLOG = 5;
export const LOG_FAC_LOCAL0 = 16;
export const LOG_FAC_LOCAL7 = 23;
