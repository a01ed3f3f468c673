/**
 * Consoles: where messages below the console log level are printed as they come. Each has its own position, so a new or resumed one
 * catches up, and an overrun one says how much it has lost. console (driver-api documentation), sysctl kernel.printk.
 */
import { devkmsgText, syslogText } from "./recordText.js";
import type { SyslogNs } from "./syslogNs.js";

export const CON_PRINTBUFFER = 1;
export const CON_CONSDEV = 2;
export const CON_ENABLED = 4;
export const CON_BOOT = 8;
export const CON_ANYTIME = 16;
export const CON_BRL = 32;
export const CON_EXTENDED = 64;

/** Characters that a console without a writer keeps at least. */
const OUTPUT_MAX = 1 << 20;

export class Console {
  /** Next record to print. */
  seq = 0;
  dropped = 0;
  suspended = false;
  /** What was printed and nobody has taken (consoles without a writer), Latin-1. */
  output = "";

  constructor(
    readonly name: string,
    readonly index: number,
    public flags: number,
    /** Name of its registered writer, "": output is kept. */
    readonly writer: string,
    /** Device number as /proc/consoles shows it ("4:64"), "": none. */
    readonly device: string = "",
  ) {}

  /** Text for whoever looks later: the newest OUTPUT_MAX characters are kept. */
  keep(text: string): void {
    this.output += text;
    if (this.output.length > 2 * OUTPUT_MAX) this.output = this.output.slice(-OUTPUT_MAX);
  }

  /** "ttyS0", "kkcon-1". */
  get title(): string {
    return `${this.name}${this.index}`;
  }
}

export interface ConsoleSettings {
  readonly level: number;
  readonly ignoreLoglevel: boolean;
  readonly time: boolean;
  /** console_msg_format=syslog */
  readonly syslogFormat: boolean;
  readonly caller: boolean;
}

/** Print what a console has not seen yet. `write` gets Latin-1 text. */
export function consoleFlush(ns: SyslogNs, con: Console, s: ConsoleSettings, write: (text: string) => void): void {
  const { ring } = ns;
  if (con.suspended || (con.flags & CON_ENABLED) === 0) return;
  const next = ring.nextSeq;
  if (con.seq < ring.firstSeq) {
    const lost = ring.firstSeq - con.seq;
    con.dropped += lost;
    con.seq = ring.firstSeq;
    write(`** ${lost} printk messages dropped **\n`);
  }
  for (; con.seq < next; con.seq++) {
    if (ring.level[ring.index(con.seq)] >= s.level && !s.ignoreLoglevel) continue;
    write(
      (con.flags & CON_EXTENDED) !== 0
        ? devkmsgText(ring, con.seq, s.caller)
        : syslogText(ring, con.seq, { prefix: s.syslogFormat, time: s.time }),
    );
  }
}
