/**
 * testProgram: the program that core's cases execute. What it does is its argument list; its exit code is the observation.
 *
 *     p exit N | pause | uid | euid | egid | isopen FD | offset FD | cap N | capprm N | capamb N | argc | ignored SIG |
 *     blocked SIG | caught | comm NAME (0 if equal) | dumpable | subreaper | nnp | umask | policy | nice (+20)
 */
import { type AnyProgramDef, type CoreSys, KernelError, type Program, program } from "@kernelkit/core";

const PR_GET_DUMPABLE = 3;
const PR_GET_NAME = 16;
const PR_GET_CHILD_SUBREAPER = 37;
const PR_GET_NO_NEW_PRIVS = 39;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_IS_SET = 1;
const F_GETFD = 1;
const SEEK_CUR = 1;
const SIG_IGN = 1;
const NSIG = 64;
/** Exit code for a word it does not know. */
const UNKNOWN = 99;

/** What a program is started with by execve(2). */
interface ExecState {
  argv: readonly string[];
}

function* observe(sys: Program<CoreSys>, { argv }: ExecState): Generator<undefined, number, void> {
  const word = argv.length > 1 ? argv[1] : "exit";
  const n = Number(argv[2] ?? 0);
  switch (word) {
    case "exit":
      return n;
    case "pause":
      for (;;) {
        try {
          yield* sys.pause();
        } catch (e) {
          if (!(e instanceof KernelError)) throw e;
        }
      }
    case "uid":
      return yield* sys.getuid();
    case "euid":
      return yield* sys.geteuid();
    case "egid":
      return yield* sys.getegid();
    case "isopen":
      try {
        yield* sys.fcntl(n, F_GETFD);
        return 1;
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        return 0;
      }
    case "offset":
      return Number(yield* sys.lseek(n, 0, SEEK_CUR));
    case "cap":
      return (yield* sys.capget()).effective.includes(n) ? 1 : 0;
    case "capprm":
      return (yield* sys.capget()).permitted.includes(n) ? 1 : 0;
    case "capamb":
      return yield* sys.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, n, 0, 0);
    case "argc":
      return argv.length;
    case "ignored":
      return (yield* sys.rt_sigaction(n)).handler === SIG_IGN ? 1 : 0;
    case "blocked":
      return (yield* sys.rt_sigprocmask(0)).includes(n) ? 1 : 0;
    case "caught":
      for (let sig = 1; sig <= NSIG; sig++) {
        const { handler } = yield* sys.rt_sigaction(sig);
        if (typeof handler !== "number" || handler > SIG_IGN) return 1;
      }
      return 0;
    case "comm":
      return (yield* sys.prctl(PR_GET_NAME)) === argv[2] ? 0 : 1;
    case "dumpable":
      return yield* sys.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    case "subreaper":
      return yield* sys.prctl(PR_GET_CHILD_SUBREAPER, 0, 0, 0, 0);
    case "nnp":
      return yield* sys.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    case "umask":
      return yield* sys.umask(0);
    case "policy":
      return yield* sys.sched_getscheduler(0);
    case "nice":
      // The call gives 20 - nice.
      return 40 - (yield* sys.getpriority(0, 0));
    default:
      return UNKNOWN;
  }
}

/** Name under which the program is registered with a kernel. */
const NAME = "conformance-test";

export const TEST_PROGRAM: AnyProgramDef = program(NAME, observe) as unknown as AnyProgramDef;

/** Content of a file that runs it. */
export const TEST_PROGRAM_FILE: string = `#!kk ${NAME}\n`;
