/** Terminals: each a task of the kernel with the command line's shell. The terminal library comes when the first one is opened. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { LabError } from "./client.js";
import type { Session } from "./session.js";
import type { LineTerminal } from "./xterm.js";

export function Terminals({ session }: { readonly session: Session }): JSX.Element {
  const [pids, setPids] = useState<readonly number[]>([]);
  const [shown, setShown] = useState(0);
  const [readable, setReadable] = useState(false);
  const open = async (): Promise<void> => {
    const r = await session.act("terminal", (l) => l.ask("terminal", {}));
    if (r === null) return;
    setPids([...pids, r.pid]);
    setShown(r.pid);
  };
  return (
    <section class="panel" aria-label="Terminals">
      <div class="row">
        <h2 class="grow">Terminals</h2>
        {pids.map((p) => (
          <button key={p} type="button" aria-pressed={p === shown} onClick={() => setShown(p)}>
            sh {p}
          </button>
        ))}
        <button type="button" onClick={() => void open()}>
          Open a terminal
        </button>
        <label>
          <input type="checkbox" checked={readable} onChange={(e) => setReadable(e.currentTarget.checked)} /> for screen
          readers
        </label>
      </div>
      <p class="muted">
        A shell in the kernel: what it changes shows in the views, what is dragged there shows in <code>cat</code>. A
        line is an input of the run. <code>sleep</code> lets virtual time pass. F6 leaves the terminal.
      </p>
      {pids.map((p) => (
        <Shell key={p} pid={p} session={session} hidden={p !== shown} readable={readable} />
      ))}
    </section>
  );
}

interface ShellProps {
  readonly pid: number;
  readonly session: Session;
  readonly hidden: boolean;
  readonly readable: boolean;
}

function Shell({ pid, session, hidden, readable }: ShellProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [term, setTerm] = useState<LineTerminal | null>(null);
  useEffect(() => {
    let made: LineTerminal | null = null;
    let gone = false;
    const exec = async (line: string): Promise<string> => {
      try {
        let r: { out: string; code: number } | null = null;
        await session.act("shell", async (l) => {
          r = await l.ask("shell", { pid, line });
        });
        return r === null ? session.said : (r as { out: string }).out;
      } catch (e) {
        return e instanceof LabError ? e.message : String(e);
      }
    };
    void import("./xterm.js").then((m) => {
      if (gone || box.current === null) return;
      made = m.lineTerminal(box.current, exec);
      setTerm(made);
    });
    return () => {
      gone = true;
      made?.dispose();
    };
  }, [pid, session]);
  useEffect(() => {
    term?.readable(readable);
    if (!hidden) term?.fit();
  }, [term, readable, hidden]);
  return (
    <div hidden={hidden}>
      <div ref={box} class="term" />
    </div>
  );
}
