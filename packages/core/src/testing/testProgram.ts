/**
 * A program for tests of execve(2) and of what survives it: what it does is its argument list, its exit code is the observation.
 *
 *     exit N | pause | uid | euid | egid | isopen FD | offset FD | cap N | capprm N | capamb N | argc | ignored SIG | blocked SIG |
 *     caught | comm NAME (0 if equal) | dumpable | subreaper | nnp | umask | policy | nice (+20)
 *
 * Register it with a kernel (`k.programs.add(testProgram)`) and put `TEST_PROGRAM_FILE` into an executable file. A
 * bundle that does not name it does not have it.
 */
import { KernelError } from "../abi/errors.js";
import { F_GETFD, SEEK_CUR } from "../abi/fcntl.js";
import {
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_IS_SET,
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
} from "../abi/prctl.js";
import { PRIO_PROCESS } from "../abi/sched.js";
import { SIG_BLOCK, SIG_IGN } from "../abi/signal.js";
import { type AnyProgramDef, program } from "../kernel/program.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Program } from "../sys/types.js";
import { NSIG } from "../task/signalState.js";

/** Exit code for a word it does not know. */
const UNKNOWN = 99;

function* observe(sys: Program<CoreSys>, s: { argv: readonly string[] }): Generator<undefined, number, void> {
  const [, word = "exit", arg = "0"] = s.argv;
  const n = Number(arg);
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
      return s.argv.length;
    case "ignored":
      return (yield* sys.rt_sigaction(n)).handler === SIG_IGN ? 1 : 0;
    case "blocked":
      return (yield* sys.rt_sigprocmask(SIG_BLOCK)).includes(n) ? 1 : 0;
    case "caught":
      for (let sig = 1; sig <= NSIG; sig++) {
        const { handler } = yield* sys.rt_sigaction(sig);
        if (typeof handler !== "number" || handler > SIG_IGN) return 1;
      }
      return 0;
    case "comm":
      return (yield* sys.prctl(PR_GET_NAME)) === arg ? 0 : 1;
    case "dumpable":
      return yield* sys.prctl(PR_GET_DUMPABLE);
    case "subreaper":
      return yield* sys.prctl(PR_GET_CHILD_SUBREAPER);
    case "nnp":
      return yield* sys.prctl(PR_GET_NO_NEW_PRIVS);
    case "umask":
      return yield* sys.umask(0);
    case "policy":
      return yield* sys.sched_getscheduler(0);
    case "nice":
      // the call answers 20 - nice
      return 40 - (yield* sys.getpriority(PRIO_PROCESS, 0));
  }
  return UNKNOWN;
}

const NAME = "kk-test";

export const testProgram: AnyProgramDef = /* @__PURE__ */ program(NAME, observe) as unknown as AnyProgramDef;

/** Content of a file that runs it. */
export const TEST_PROGRAM_FILE: string = `#!kk ${NAME}\n`;
