/** Look inside: one view of the running kernel. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { PICTURES } from "../pictures/index.js";
import { Events } from "./events.js";
import { Figure } from "./figure.js";
import type { Link } from "./link.js";
import { GaugePlots } from "./plot.js";
import { Session } from "./session.js";
import { BranchList, Controls, LinuxFiles, Settings, TakeAway } from "./side.js";
import { Terminals } from "./terminals.js";
import { Heat, Lanes } from "./time.js";
import { Transport, useTimeKeys } from "./transport.js";

export interface LookProps {
  readonly view: string;
  readonly link: Link;
  readonly theme: string;
}

/** The session of the page: made when first needed, ended when the screen is left. */
export function useSession(): Session {
  const [session] = useState(() => new Session());
  const [, redraw] = useState(0);
  useEffect(() => {
    const stop = session.subscribe(() => redraw((n) => n + 1));
    (globalThis as { kernelkitSession?: Session }).kernelkitSession = session;
    return () => {
      stop();
      session.end();
    };
  }, [session]);
  return session;
}

export function Look({ view, link, theme }: LookProps): JSX.Element {
  const session = useSession();
  useTimeKeys(session);
  useEffect(() => {
    session.window = link.window;
    session.filter = link.filter;
    void session.boot({ view, seed: link.seed, settings: link.settings, journal: link.journal, at: link.at });
  }, [view, link]);
  const { booted, frame, problem } = session;
  const info = booted?.view.id === view ? booted.view : null;
  const Picture = PICTURES[view];
  const seek = (s: number): void => void session.seek({ ns: Math.round(s * 1e9), k: 0 });
  return (
    <>
      {problem !== null && (
        <div class="note bad" role="alert">
          <p>
            <b>The kernel of this screen has stopped:</b> {problem.message}. The run is kept: it can be gone back to, or
            saved.
          </p>
          <button type="button" onClick={() => void session.restart()}>
            Restart this kernel at this instant
          </button>
        </div>
      )}
      <div role="status" aria-live="polite" class={session.said === "" ? "sr" : "note"}>
        {session.said}
      </div>
      {info === null || frame === null ? (
        <p class="panel">{session.progress === "" ? "Waiting for the kernel." : `${session.progress} …`}</p>
      ) : (
        <>
          <h1>{info.question}</h1>
          <p>{info.sees}</p>
          <div class="cols">
            <div>
              <Figure
                title={info.name}
                what={`Point at a part, or walk the parts with the arrow keys.`}
                caption={frame.takeaway}
                table={frame.table}
              >
                {Picture === undefined ? null : <Picture p={frame.picture} events={frame.events} />}
              </Figure>
              <Lanes view={info} frame={frame} shown={[frame.from / 1e9, frame.to / 1e9]} seek={seek} />
              <GaugePlots
                view={info}
                frame={frame}
                shown={[frame.from / 1e9, frame.to / 1e9]}
                theme={theme}
                seek={seek}
              />
              <Heat view={info} frame={frame} shown={[frame.from / 1e9, frame.to / 1e9]} seek={seek} />
              <Events session={session} />
              <Terminals session={session} />
            </div>
            <aside aria-label="Controls">
              <Controls session={session} />
              <BranchList session={session} />
              <Settings session={session} />
              <LinuxFiles session={session} />
              <TakeAway session={session} />
              <details class="panel" open>
                <summary>How true is this?</summary>
                <p>{info.howTrue}</p>
                <p class="muted">
                  Digest of this instant: <code data-digest>{frame.digest}</code>. The same machine, seed and inputs
                  give the same digest in Node. {frame.snapshots} snapshots,{" "}
                  {(frame.snapshotChars / 2 ** 20).toFixed(1)} MiB; replays{" "}
                  {frame.mismatch === null ? "agree with the first pass" : "differ"}.
                </p>
              </details>
            </aside>
          </div>
          <Transport session={session} />
        </>
      )}
    </>
  );
}
