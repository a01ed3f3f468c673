/** Look inside: one view of the running kernel, and what stands beside it. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { FramePart, ViewInfo } from "../lab/protocol.js";
import type { ViewId } from "../lab/scenario.js";
import { PICTURES } from "../pictures/index.js";
import { Areas } from "./area.js";
import { Beside } from "./beside.js";
import { Bookmarks } from "./bookmarks.js";
import { Events } from "./events.js";
import { Figure } from "./figure.js";
import { Halo, Inspector } from "./inspector.js";
import type { Link } from "./link.js";
import { Guard, Paced } from "./paced.js";
import { takeRun } from "./pendingRun.js";
import { GaugePlots } from "./plot.js";
import { Session } from "./session.js";
import { BranchList, Controls, LinuxFiles, Settings } from "./side.js";
import { TakeAway } from "./takeAway.js";
import { Terminals } from "./terminals.js";
import { Heat, Lanes } from "./time.js";
import { Transport, useTimeKeys } from "./transport.js";

export interface LookProps {
  readonly view: ViewId;
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

/** The picture of one kernel, with its words. */
export function PictureOf({
  title,
  part,
  session,
}: {
  readonly title: string;
  readonly part: FramePart;
  readonly session: Session;
}): JSX.Element {
  const Picture = PICTURES[part.view];
  return (
    <Guard name={title}>
      <Figure
        title={title}
        what="Point at a part, or walk the parts with the arrow keys; f follows one through all pictures."
        caption={part.takeaway}
        table={part.table}
        onFollow={(of) => session.setFollow(of)}
      >
        <Picture p={part.picture as never} events={part === session.frame ? session.frame.events : []} />
      </Figure>
    </Guard>
  );
}

/** What differs between the settings of two kernels, in words. */
const difference = (view: ViewInfo, a: FramePart, b: FramePart): string =>
  Object.keys(view.settings)
    .filter((n) => a.settings[n] !== b.settings[n])
    .map((n) => `${n} ${b.settings[n]}`)
    .join(", ") || "the same settings";

export function Look({ view, link, theme }: LookProps): JSX.Element {
  const session = useSession();
  useTimeKeys(session);
  useEffect(() => {
    session.window = link.window;
    session.filter = link.filter;
    session.follow = link.follow;
    session.bookmarks = link.bookmarks;
    const beside = link.beside === null ? [] : [{ view, settings: { ...link.settings, ...link.beside } }];
    const { seed, settings, journal, at } = link;
    const file = takeRun(view);
    void session.boot(file ?? { view, seed, settings, journal, at, beside }).then(() => {
      if (file !== null) session.say(`${file.says} ${session.said}`);
      if (link.run && at !== null) void session.run();
    });
  }, [view, link]);
  const { booted, frame } = session;
  const info = booted?.view.id === view ? booted.view : null;
  if (info === null || frame === null)
    return (
      <>
        <Said session={session} />
        <p class="panel">{session.progress === "" ? "Waiting for the kernel." : `${session.progress} …`}</p>
      </>
    );
  const live = frame.running;
  const shown = [frame.from / 1e9, frame.to / 1e9] as const;
  const seek = (s: number): void => void session.seek({ ns: Math.round(s * 1e9), k: 0 });
  const rival = frame.others.find((o) => o.view === view);
  const paced = (children: ComponentChildren, every = 0): JSX.Element => (
    <Paced live={live} every={every}>
      {children}
    </Paced>
  );
  return (
    <>
      <Said session={session} />
      <h1>{info.question}</h1>
      <p class="wide-text">{info.sees}</p>
      <Halo of={session.follow} />
      <div class="cols">
        <div>
          {paced(
            rival === undefined ? (
              <PictureOf title={info.name} part={frame} session={session} />
            ) : (
              <div class="pair">
                <PictureOf title={`A: ${info.name}`} part={frame} session={session} />
                <PictureOf title={`B: ${difference(info, frame, rival)}`} part={rival} session={session} />
              </div>
            ),
            30,
          )}
          {paced(<Lanes view={info} frame={frame} shown={shown} seek={seek} follow={session.follow} />, 50)}
          {paced(<GaugePlots session={session} view={info} theme={theme} />, 30)}
          {paced(<Heat view={info} frame={frame} shown={shown} seek={seek} />, 100)}
          <Areas session={session} />
          {paced(<Events session={session} />, 150)}
          <Terminals session={session} />
        </div>
        <aside aria-label="Controls">
          <Controls session={session} />
          <Inspector session={session} />
          <Beside session={session} />
          <Bookmarks session={session} />
          <BranchList session={session} />
          <Settings session={session} />
          <LinuxFiles session={session} />
          <TakeAway session={session} />
          <details class="panel" open>
            <summary>How true is this?</summary>
            <p>{info.howTrue}</p>
            <p class="muted">
              Digest of this instant: <code data-digest>{frame.digest}</code>. The same machine, seed and inputs give
              the same digest in Node. {frame.snapshots} snapshots, {(frame.snapshotChars / 2 ** 20).toFixed(1)} MiB;
              replays {frame.mismatch === null ? "agree with the first pass" : "differ"}.{" "}
              <a href="#/truth">What is exact, what is a model</a>
            </p>
          </details>
        </aside>
      </div>
      <Transport session={session} />
    </>
  );
}

/** What the last act answered, and a kernel that has stopped. */
export function Said({ session }: { readonly session: Session }): JSX.Element {
  const { problem, said } = session;
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
      <div role="status" aria-live="polite" class={said === "" ? "sr" : "note said"}>
        {said}
        {said !== "" && (
          <button
            type="button"
            aria-label="✕ dismiss the message"
            onClick={() => {
              session.said = "";
              session.changed();
            }}
          >
            ✕
          </button>
        )}
      </div>
    </>
  );
}
