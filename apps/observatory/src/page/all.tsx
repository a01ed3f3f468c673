/** Six views at once: as many kernels on one clock. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ViewId } from "../lab/scenario.js";
import { VIEWS } from "../lab/views.js";
import type { Link } from "./link.js";
import { PictureOf, Said, useSession } from "./look.js";
import { Paced } from "./paced.js";
import { Transport, useTimeKeys } from "./transport.js";

const SHOWN: readonly ViewId[] = ["wb", "mem", "numa", "power", "irq", "log"];

export function All({ link }: { readonly link: Link }): JSX.Element {
  const session = useSession();
  useTimeKeys(session);
  useEffect(() => {
    const [first, ...others] = SHOWN;
    void session.boot({
      view: first,
      seed: link.seed,
      settings: {},
      at: link.at,
      beside: others.map((view) => ({ view, settings: {} })),
    });
  }, [link]);
  const { frame } = session;
  return (
    <>
      <Said session={session} />
      <h1>Six kernels on one clock</h1>
      <p>Each is a machine of its own, with the same seed and the same time: where one goes, all go.</p>
      {frame === null ? (
        <p class="panel">{session.progress === "" ? "Waiting for the kernels." : `${session.progress} …`}</p>
      ) : (
        <>
          <div class="six">
            {[frame, ...frame.others].map((part) => (
              <section key={part.view} aria-label={nameOf(part.view)}>
                <Paced live={frame.running} every={200}>
                  <PictureOf title={nameOf(part.view)} part={part} session={session} />
                </Paced>
                <a href={`#/see/${part.view}`}>Look closer at {nameOf(part.view).toLowerCase()}</a>
              </section>
            ))}
          </div>
          <Transport session={session} />
        </>
      )}
    </>
  );
}

const nameOf = (id: ViewId): string => VIEWS.find((v) => v.id === id)?.name ?? id;
