/** The start: a kernel that runs already, and three doors. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { VIEWS } from "../lab/views.js";
import { PictureOf, Said, useSession } from "./look.js";
import { Paced } from "./paced.js";
import { GaugePlots } from "./plot.js";
import { Controls } from "./side.js";
import { Transport, useTimeKeys } from "./transport.js";

export function Start({ theme }: { readonly theme: string }): JSX.Element {
  const session = useSession();
  useTimeKeys(session);
  useEffect(() => {
    void session.boot({ view: "wb", seed: 7, settings: {} });
  }, [session]);
  const { frame, booted } = session;
  return (
    <>
      <h1>A Linux kernel one can look into</h1>
      <p class="wide-text">
        The kernel's mechanisms, in this page: see one at work, go back to the instant it happened, change one thing,
        and see what would have happened instead. It runs here, in your browser; nothing is sent anywhere.
      </p>
      <ul class="cards">
        <li class="panel">
          <a href="#/stories">Stories</a>
          <p>Questions people argued about, answered by rival designs on the same load.</p>
        </li>
        <li class="panel">
          <a href="#/see/wb">Look inside</a>
          <p>A running kernel, a view per subsystem, with a time axis that goes both ways.</p>
        </li>
        <li class="panel">
          <a href="#/build">Build a machine</a>
          <p>CPUs, nodes, memory, packages, boot parameters; take it home as a program of ten lines.</p>
        </li>
      </ul>
      <Said session={session} />
      <h2>Four tasks write faster than the disk: drag the limit and see who has to wait</h2>
      {frame === null || booted === null ? (
        <p class="panel skeleton">{session.progress === "" ? "Loading the kernel …" : `${session.progress} …`}</p>
      ) : (
        <div class="cols">
          <Paced live={frame.running} every={30}>
            <PictureOf title="Writeback, now" part={frame} session={session} />
            <GaugePlots session={session} view={booted.view} theme={theme} only="pages" />
          </Paced>
          <aside aria-label="Controls">
            <Controls session={session} most={2} />
            <p class="panel">
              <a href="#/see/wb">All of this view</a>: writers, pauses, events, terminals.
            </p>
          </aside>
        </div>
      )}
      <h2>Views</h2>
      <ul class="cards">
        {VIEWS.map((v) => (
          <li key={v.id} class="panel">
            <a href={`#/see/${v.id}`}>{v.name}</a>
            <p>{v.question}</p>
          </li>
        ))}
      </ul>
      {frame !== null && <Transport session={session} />}
    </>
  );
}
