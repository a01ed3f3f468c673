/** A terminal that edits lines itself and sends whole ones: history, Tab, cursor keys, Ctrl-C, Ctrl-L, paste. Loaded when first needed. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

export interface LineTerminal {
  fit(): void;
  readable(on: boolean): void;
  dispose(): void;
}

const PROMPT = "\x1b[1m#\x1b[0m ";
/** Longer pastes are asked about. */
const LONG_PASTE = 4096;

export interface LineHost {
  /** Runs a line: what it prints. */
  exec(line: string): Promise<string>;
  /** What the end of a line may become, and that end. */
  complete(line: string): Promise<{ readonly hits: readonly string[]; readonly end: string }>;
}

export function lineTerminal(box: HTMLElement, host: LineHost): LineTerminal {
  const term = new Terminal({
    convertEol: true,
    fontSize: 13,
    scrollback: 5000,
    theme: { background: "#0b0f14", foreground: "#e6edf3", cursor: "#e6edf3" },
    minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon();
  term.loadAddon(fit);
  term.open(box);
  fit.fit();
  term.textarea?.setAttribute("aria-label", "terminal");
  // titles and clipboard writes are refused
  for (const osc of [0, 1, 2, 52]) term.parser.registerOscHandler(osc, () => true);

  const history: string[] = [];
  let at = 0;
  let line = "";
  let cursor = 0;
  let busy = false;
  const show = (): void => {
    term.write(`\r\x1b[J${PROMPT}${line}`);
    if (cursor < line.length) term.write(`\x1b[${line.length - cursor}D`);
  };
  const set = (text: string): void => {
    line = text;
    cursor = text.length;
    show();
  };
  const enter = async (): Promise<void> => {
    const typed = line;
    line = "";
    cursor = 0;
    term.write("\r\n");
    if (typed.trim() !== "") {
      if (history.at(-1) !== typed) history.push(typed);
      at = history.length;
      busy = true;
      const out = await host.exec(typed);
      busy = false;
      term.write(out.endsWith("\n") || out === "" ? out : `${out}\n`);
    }
    show();
  };
  /** Tab: the end of the word is filled in as far as it is certain; otherwise what it may be is shown. */
  const complete = async (): Promise<void> => {
    busy = true;
    const before = line.slice(0, cursor);
    const { hits, end } = await host.complete(before);
    busy = false;
    if (hits.length === 0) return;
    let common = hits[0];
    for (const h of hits) while (!h.startsWith(common)) common = common.slice(0, -1);
    if (common.length > end.length) {
      line = before.slice(0, before.length - end.length) + common + line.slice(cursor);
      cursor = before.length - end.length + common.length;
    } else if (hits.length > 1) term.write(`\r\n${hits.slice(0, 100).join("  ")}\r\n`);
    show();
  };
  const keys: Readonly<Record<string, () => void>> = {
    "\t": () => void complete(),
    "\r": () => void enter(),
    "\x7f": () => {
      if (cursor === 0) return;
      line = line.slice(0, cursor - 1) + line.slice(cursor);
      cursor--;
      show();
    },
    "\x1b[D": () => {
      cursor = Math.max(0, cursor - 1);
      show();
    },
    "\x1b[C": () => {
      cursor = Math.min(line.length, cursor + 1);
      show();
    },
    "\x1b[A": () => {
      if (at > 0) set(history[--at]);
    },
    "\x1b[B": () => {
      at = Math.min(history.length, at + 1);
      set(history[at] ?? "");
    },
    "\x01": () => {
      cursor = 0;
      show();
    },
    "\x05": () => {
      cursor = line.length;
      show();
    },
    "\x03": () => {
      term.write("^C\r\n");
      set("");
    },
    "\x15": () => set(line.slice(cursor)),
    "\x0c": () => {
      term.clear();
      show();
    },
  };
  term.onData((d) => {
    if (busy) return;
    const key = keys[d];
    if (key !== undefined) return key();
    if (d.startsWith("\x1b")) return;
    if (d.length > LONG_PASTE && !confirm(`Paste ${d.length} characters into the terminal?`)) return;
    // of a paste of several lines only the first is taken
    const text = d.replace(/[\r\n].*/s, "").replace(/\p{Cc}/gu, "");
    line = line.slice(0, cursor) + text + line.slice(cursor);
    cursor += text.length;
    show();
  });
  term.attachCustomKeyEventHandler((e) => {
    if (e.key !== "F6") return true;
    if (e.type === "keydown") (box.closest("section")?.querySelector("button") as HTMLElement | null)?.focus();
    return false;
  });
  show();
  term.focus();
  const size = new ResizeObserver(() => {
    if (box.clientWidth > 0) fit.fit();
  });
  size.observe(box);
  return {
    fit: () => fit.fit(),
    readable: (on) => {
      term.options.screenReaderMode = on;
    },
    dispose() {
      size.disconnect();
      term.dispose();
    },
  };
}
