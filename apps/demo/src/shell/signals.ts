/** Signal names as kill(1) takes and shows them. signal(7). */
import { _NSIG } from "@kernelkit/core";
import { CommandFailed } from "./command.js";

const NAMES = (
  "EXIT HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ " +
  "VTALRM PROF WINCH IO PWR SYS"
).split(" ");
/** glibc keeps 32 and 33 for itself. */
const RTMIN = 34;
const RTMAX = _NSIG;

export function signalName(n: number): string {
  if (n < NAMES.length) return NAMES[n];
  if (n < RTMIN) return "";
  if (n === RTMIN) return "RTMIN";
  if (n === RTMAX) return "RTMAX";
  return n - RTMIN <= 15 ? `RTMIN+${n - RTMIN}` : `RTMAX-${RTMAX - n}`;
}

/** A number or a name, with or without SIG. CommandFailed. */
export function signalArg(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= RTMAX) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, "");
  for (let n = 0; n <= RTMAX; n++) if (signalName(n) === name) return n;
  throw new CommandFailed(`${text}: invalid signal specification`);
}

/** `kill -l`: bash's table of five columns. */
export function signalTable(): string {
  const cells: string[] = [];
  for (let n = 1; n <= RTMAX; n++)
    if (signalName(n) !== "") cells.push(`${String(n).padStart(2)}) SIG${signalName(n)}`);
  let out = "";
  cells.forEach((c, i) => {
    out += c + ((i + 1) % 5 === 0 || i === cells.length - 1 ? "\n" : "\t");
  });
  return out;
}
