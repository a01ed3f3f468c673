/** What one takes away, and brings back: links, run files, series, traces. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { readRunFile } from "../lab/runFile.js";
import { makeLink } from "./link.js";
import { goToRun } from "./pendingRun.js";
import { save } from "./save.js";
import type { Session } from "./session.js";

/** The address that reproduces what one sees; null: too long for an address. */
export function linkOf(session: Session): string | null {
  const { booted, frame } = session;
  if (booted === null || frame === null) return null;
  const changed = (settings: Readonly<Record<string, number | string>>, from: (n: string) => unknown) =>
    Object.fromEntries(Object.entries(settings).filter(([n, v]) => v !== from(n)));
  const rival = booted.others.find((o) => o.view.id === booted.view.id);
  return makeLink({
    path: `see/${booted.view.id}`,
    seed: booted.seed,
    settings: changed(booted.settings, (n) => booted.view.settings[n]?.default),
    beside: rival === undefined ? null : changed(rival.settings, (n) => booted.settings[n]),
    at: frame.at,
    window: session.window,
    filter: session.filter,
    follow: session.follow,
    bookmarks: session.bookmarks,
    journal: frame.journal,
  });
}

const LARGEST_FILE = 20e6;

/** A run file that somebody gives: boots it, or says why not. */
async function open(session: Session, file: File): Promise<void> {
  if (file.size > LARGEST_FILE) session.said = `${file.name}: a run file has at most ${LARGEST_FILE / 1e6} MB.`;
  else {
    const r = readRunFile(await file.text());
    const name = file.name.slice(0, 60);
    if (typeof r === "string") session.said = `${name}: ${r}`;
    else goToRun({ ...r, says: [`${name} is open.`, ...r.problems].join(" ") });
  }
  session.changed();
}

export function TakeAway({ session }: { readonly session: Session }): JSX.Element {
  useEffect(() => {
    const over = (e: DragEvent): void => {
      if (e.dataTransfer?.types.includes("Files") === true) e.preventDefault();
    };
    const drop = (e: DragEvent): void => {
      const file = e.dataTransfer?.files[0];
      if (file === undefined) return;
      e.preventDefault();
      void open(session, file);
    };
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, [session]);
  const get = async (what: string): Promise<void> => {
    const r = await session.act("export", (l) => l.ask("export", { what }));
    if (r !== null) save(r.name, r.type, r.text);
  };
  const link = async (): Promise<void> => {
    const hash = linkOf(session);
    if (hash === null) {
      session.said = "This run has too many inputs for an address: save it as a run file instead.";
      session.changed();
      return;
    }
    history.replaceState(null, "", hash);
    await navigator.clipboard?.writeText(location.href).catch(() => {});
    session.said = "The address of this page now reproduces this instant, and has been copied if the browser lets it.";
    session.changed();
  };
  return (
    <details class="panel">
      <summary>Take it away</summary>
      <div class="row">
        <button type="button" onClick={() => void link()}>
          Link to this instant
        </button>
        <button type="button" onClick={() => void get("run")}>
          Run file
        </button>
        <button type="button" onClick={() => void get("csv")}>
          Series (CSV)
        </button>
        <button type="button" onClick={() => void get("trace")}>
          Trace (viewer JSON)
        </button>
        <button type="button" onClick={() => void get("ftrace")}>
          Trace (ftrace text)
        </button>
      </div>
      <div class="control">
        <label for="run-file">Open a run file (or drop it anywhere)</label>
        <input
          id="run-file"
          type="file"
          accept=".json,application/json"
          onChange={(e) => {
            const file = e.currentTarget.files?.[0];
            if (file !== undefined) void open(session, file);
            e.currentTarget.value = "";
          }}
        />
      </div>
    </details>
  );
}
