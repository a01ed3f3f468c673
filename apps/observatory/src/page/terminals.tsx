/** Terminals: each a task of the kernel with the command line's shell. The terminal library comes when the first one is opened. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Requests } from "../lab/protocol.js";
import type { Session } from "./session.js";
import type { LineTerminal } from "./xterm.js";

/** Tasks whose namespaces a terminal can be opened in. */
type Containers = Requests["containers"][1]["tasks"];

interface Tab {
  readonly pid: number;
  readonly name: string;
}

export function Terminals({ session }: { readonly session: Session }): JSX.Element {
  const [tabs, setTabs] = useState<readonly Tab[]>([]);
  const [shown, setShown] = useState(0);
  const [readable, setReadable] = useState(false);
  const [inside, setInside] = useState<Containers | null>(null);
  const open = async (pid: number, name: string): Promise<void> => {
    const r = await session.act("terminal", (l) => l.ask("terminal", { inside: pid }));
    if (r === null) return;
    setTabs([...tabs, { pid: r.pid, name: `${name} ${r.pid}` }]);
    setShown(r.pid);
    setInside(null);
  };
  const look = async (): Promise<void> => {
    const r = await session.act("containers", (l) => l.ask("containers", {}));
    setInside(r?.tasks ?? null);
  };
  return (
    <section class="panel" aria-label="Terminals">
      <div class="row">
        <h2 class="grow">Terminals</h2>
        {tabs.map((t) => (
          <span key={t.pid}>
            <button type="button" aria-pressed={t.pid === shown} onClick={() => setShown(t.pid)}>
              {t.name}
            </button>
            <button
              type="button"
              aria-label={`✕ close terminal ${t.name}`}
              onClick={() => setTabs(tabs.filter((o) => o !== t))}
            >
              ✕
            </button>
          </span>
        ))}
        <button type="button" onClick={() => void open(0, "sh")}>
          Open a terminal
        </button>
        <button type="button" onClick={() => void look()}>
          In a container
        </button>
        <label>
          <input type="checkbox" checked={readable} onChange={(e) => setReadable(e.currentTarget.checked)} /> for screen
          readers
        </label>
      </div>
      {inside !== null && (
        <div class="note">
          <div class="row">
            <b class="grow">
              {inside.length === 0
                ? "No task has namespaces of its own at this instant: make one with unshare, or look at Namespaces."
                : "Open a terminal in the namespaces of"}
            </b>
            <button type="button" onClick={() => setInside(null)}>
              Close
            </button>
          </div>
          <div class="row">
            {inside.slice(0, 24).map((t) => (
              <button key={t.pid} type="button" title={t.own.join(", ")} onClick={() => void open(t.pid, t.name)}>
                {t.name}-{t.pid}
              </button>
            ))}
          </div>
        </div>
      )}
      <p class="muted">
        A shell in the kernel: what it changes shows in the views, what is dragged there shows in <code>cat</code>. A
        line is an input of the run. <code>sleep</code> lets virtual time pass. Tab completes; F6 leaves the terminal.
        {session.booted?.settings["packages"] === "view" &&
          " Commands of packages that this view does without say so; the setting packages has them all."}
      </p>
      {tabs.map((t) => (
        <Shell key={t.pid} pid={t.pid} session={session} hidden={t.pid !== shown} readable={readable} />
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
    const exec = async (line: string): Promise<string> =>
      (await session.act("shell", (l) => l.ask("shell", { pid, line })))?.out ?? session.said;
    const complete = async (line: string) =>
      (await session.act("complete", (l) => l.ask("complete", { pid, line }))) ?? { hits: [], end: "" };
    void import("./xterm.js").then((m) => {
      if (gone || box.current === null) return;
      made = m.lineTerminal(box.current, { exec, complete });
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
