/**
 * errno: Linux's error numbers (x86-64), errno(3).
 *
 * The constants are positive, as in <errno.h>; a function of the kernel that returns an error returns it negated
 * (`-EINVAL`), and `fail(ENOENT)` of `errors.ts` throws it. `errnoName` and `errnoText` turn a number of either sign
 * into words. A bundler drops the constants and tables that are not used.
 */

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const ENOEXEC = 8;
export const EBADF = 9;
export const ECHILD = 10;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const ENOTBLK = 15;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOTTY = 25;
export const ETXTBSY = 26;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EMLINK = 31;
export const EPIPE = 32;
export const EDOM = 33;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ENAMETOOLONG = 36;
export const ENOLCK = 37;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENOMSG = 42;
export const EIDRM = 43;
export const ECHRNG = 44;
export const EL2NSYNC = 45;
export const EL3HLT = 46;
export const EL3RST = 47;
export const ELNRNG = 48;
export const EUNATCH = 49;
export const ENOCSI = 50;
export const EL2HLT = 51;
export const EBADE = 52;
export const EBADR = 53;
export const EXFULL = 54;
export const ENOANO = 55;
export const EBADRQC = 56;
export const EBADSLT = 57;
export const EBFONT = 59;
export const ENOSTR = 60;
export const ENODATA = 61;
export const ETIME = 62;
export const ENOSR = 63;
export const ENONET = 64;
export const ENOPKG = 65;
export const EREMOTE = 66;
export const ENOLINK = 67;
export const EADV = 68;
export const ESRMNT = 69;
export const ECOMM = 70;
export const EPROTO = 71;
export const EMULTIHOP = 72;
export const EDOTDOT = 73;
export const EBADMSG = 74;
export const EOVERFLOW = 75;
export const ENOTUNIQ = 76;
export const EBADFD = 77;
export const EREMCHG = 78;
export const ELIBACC = 79;
export const ELIBBAD = 80;
export const ELIBSCN = 81;
export const ELIBMAX = 82;
export const ELIBEXEC = 83;
export const EILSEQ = 84;
export const ERESTART = 85;
export const ESTRPIPE = 86;
export const EUSERS = 87;
export const ENOTSOCK = 88;
export const EDESTADDRREQ = 89;
export const EMSGSIZE = 90;
export const EPROTOTYPE = 91;
export const ENOPROTOOPT = 92;
export const EPROTONOSUPPORT = 93;
export const ESOCKTNOSUPPORT = 94;
export const EOPNOTSUPP = 95;
export const EPFNOSUPPORT = 96;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ENETRESET = 102;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ENOBUFS = 105;
export const EISCONN = 106;
export const ENOTCONN = 107;
export const ESHUTDOWN = 108;
export const ETOOMANYREFS = 109;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTDOWN = 112;
export const EHOSTUNREACH = 113;
export const EALREADY = 114;
export const EINPROGRESS = 115;
export const ESTALE = 116;
export const EUCLEAN = 117;
export const ENOTNAM = 118;
export const ENAVAIL = 119;
export const EISNAM = 120;
export const EREMOTEIO = 121;
export const EDQUOT = 122;
export const ENOMEDIUM = 123;
export const EMEDIUMTYPE = 124;
export const ECANCELED = 125;
export const ENOKEY = 126;
export const EKEYEXPIRED = 127;
export const EKEYREVOKED = 128;
export const EKEYREJECTED = 129;
export const EOWNERDEAD = 130;
export const ENOTRECOVERABLE = 131;
export const ERFKILL = 132;
export const EHWPOISON = 133;

/** The same number as EAGAIN, errno(3). */
export const EWOULDBLOCK = 11;
/** The same number as EDEADLK, errno(3). */
export const EDEADLOCK = 35;
/** The same number as EOPNOTSUPP on Linux, errno(3). */
export const ENOTSUP = 95;

// Index = number. Two are missing since Linux leaves them unassigned (41, 58).
const names: readonly string[] = /* @__PURE__ */ (
  ",EPERM,ENOENT,ESRCH,EINTR,EIO,ENXIO,E2BIG,ENOEXEC,EBADF,ECHILD,EAGAIN,ENOMEM,EACCES,EFAULT,ENOTBLK,EBUSY," +
  "EEXIST,EXDEV,ENODEV,ENOTDIR,EISDIR,EINVAL,ENFILE,EMFILE,ENOTTY,ETXTBSY,EFBIG,ENOSPC,ESPIPE,EROFS,EMLINK," +
  "EPIPE,EDOM,ERANGE,EDEADLK,ENAMETOOLONG,ENOLCK,ENOSYS,ENOTEMPTY,ELOOP,,ENOMSG,EIDRM,ECHRNG,EL2NSYNC,EL3HLT," +
  "EL3RST,ELNRNG,EUNATCH,ENOCSI,EL2HLT,EBADE,EBADR,EXFULL,ENOANO,EBADRQC,EBADSLT,,EBFONT,ENOSTR,ENODATA,ETIME," +
  "ENOSR,ENONET,ENOPKG,EREMOTE,ENOLINK,EADV,ESRMNT,ECOMM,EPROTO,EMULTIHOP,EDOTDOT,EBADMSG,EOVERFLOW,ENOTUNIQ," +
  "EBADFD,EREMCHG,ELIBACC,ELIBBAD,ELIBSCN,ELIBMAX,ELIBEXEC,EILSEQ,ERESTART,ESTRPIPE,EUSERS,ENOTSOCK," +
  "EDESTADDRREQ,EMSGSIZE,EPROTOTYPE,ENOPROTOOPT,EPROTONOSUPPORT,ESOCKTNOSUPPORT,EOPNOTSUPP,EPFNOSUPPORT," +
  "EAFNOSUPPORT,EADDRINUSE,EADDRNOTAVAIL,ENETDOWN,ENETUNREACH,ENETRESET,ECONNABORTED,ECONNRESET,ENOBUFS," +
  "EISCONN,ENOTCONN,ESHUTDOWN,ETOOMANYREFS,ETIMEDOUT,ECONNREFUSED,EHOSTDOWN,EHOSTUNREACH,EALREADY,EINPROGRESS," +
  "ESTALE,EUCLEAN,ENOTNAM,ENAVAIL,EISNAM,EREMOTEIO,EDQUOT,ENOMEDIUM,EMEDIUMTYPE,ECANCELED,ENOKEY,EKEYEXPIRED," +
  "EKEYREVOKED,EKEYREJECTED,EOWNERDEAD,ENOTRECOVERABLE,ERFKILL,EHWPOISON"
).split(",");

const texts: readonly string[] = /* @__PURE__ */ (
  ";operation not permitted;no such file or directory;no such process;interrupted system call;i/o error;" +
  "no such device or address;argument list too long;exec format error;bad file descriptor;no child processes;" +
  "resource temporarily unavailable;not enough memory;permission denied;bad address in system call argument;" +
  "block device required;resource busy or locked;file already exists;cross-device link not permitted;" +
  "no such device;not a directory;illegal operation on a directory;invalid argument;file table overflow;" +
  "too many open files;inappropriate ioctl for device;text file is busy;file too large;no space left on device;" +
  "invalid seek;read-only file system;too many links;broken pipe;argument out of domain;result too large;" +
  "resource deadlock avoided;name too long;no locks available;function not implemented;directory not empty;" +
  "too many symbolic links encountered;;no message of the wanted type;identifier removed;;;;;;" +
  "protocol driver not attached;;;;;;;;;;;;no data available;timer expired;;;;;link has been severed;;;;" +
  "protocol error;;;bad message;value too large for its type;;file descriptor in bad state;;;;;;;" +
  "illegal byte sequence;;;too many users;socket operation on non-socket;destination address required;" +
  "message too long;protocol wrong type for socket;protocol not available;protocol not supported;" +
  "socket type not supported;operation not supported;;address family not supported;address already in use;" +
  "address not available;network is down;network is unreachable;;connection aborted;connection reset by peer;" +
  "no buffer space available;socket is already connected;socket is not connected;;;timed out;" +
  "connection refused;;host is unreachable;operation already in progress;operation in progress;" +
  "stale file handle;structure needs cleaning;;;;remote i/o error;disk quota exceeded;no medium found;" +
  "wrong medium type;operation canceled;required key not available;key has expired;key has been revoked;" +
  "key was rejected;owner died;state not recoverable;;memory page has a hardware error"
).split(";");

/** The symbolic name of an error number of either sign: "ENOENT" for 2 and -2; "E<n>" for a number Linux does not name. */
export function errnoName(nr: number): string {
  const n = nr < 0 ? -nr : nr;
  return names[n] || `E${n}`;
}

/** What an error number of either sign means, in a few words; "unknown error" for the rare ones. */
export function errnoText(nr: number): string {
  return texts[nr < 0 ? -nr : nr] || "unknown error";
}

/** The positive number of a name ("ENOENT" -> 2, aliases included), or undefined. */
export function errnoByName(name: string): number | undefined {
  if (name === "EWOULDBLOCK") return EAGAIN;
  if (name === "EDEADLOCK") return EDEADLK;
  if (name === "ENOTSUP") return EOPNOTSUPP;
  const n = name === "" ? -1 : names.indexOf(name);
  return n > 0 ? n : undefined;
}
