/** Events up to the cursor, newest first: filter, go there, ask why. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { KernelEvent } from "../lab/scenario.js";
import { useDraft } from "./draft.js";
import type { Session } from "./session.js";

export function Events({ session }: { readonly session: Session }): JSX.Element | null {
  const f = session.frame;
  const draft = useDraft(session.filter);
  const [chain, setChain] = useState<readonly KernelEvent[] | null>(null);
  if (f === null) return null;
  const why = async (e: KernelEvent): Promise<void> => {
    const r = await session.act("why", (l) => l.ask("why", { event: e.event, ns: e.ns }));
    setChain(r?.chain ?? null);
  };
  return (
    <section class="panel" aria-label="Events">
      <div class="row">
        <h2 class="grow">Events</h2>
        <label for="filter">filter</label>
        <input
          id="filter"
          type="search"
          placeholder="pid=12 value>100 t>3s"
          value={draft.value}
          onInput={draft.onInput}
          aria-describedby="filter-says"
          onChange={(e) => {
            session.filter = e.currentTarget.value.slice(0, 500);
            session.filterProblem = "";
            draft.taken();
            session.changed();
          }}
        />
        <button type="button" onClick={() => void session.find(-1)}>
          previous
        </button>
        <button type="button" onClick={() => void session.find(1)}>
          next
        </button>
      </div>
      <p id="filter-says" class="muted" role="status">
        {session.filterProblem === "" ? (
          `${f.matches} up to the cursor${session.filter === "" ? "" : " fit"}, ${f.later} later ones; ${f.left} left of the time shown, ${f.right} right of it${f.folded > 0 ? `, ${f.folded} older ones no longer kept (go there to see them)` : ""}.`
        ) : (
          <span style="color:var(--bad)">{session.filterProblem}. All are shown.</span>
        )}
      </p>
      <Watch session={session} />
      {chain !== null && (
        <div class="note">
          <div class="row">
            <h3 class="grow">Why? From the event back to its causes</h3>
            <button type="button" onClick={() => setChain(null)}>
              Close
            </button>
          </div>
          {chain.length < 2 && <p>Nothing that was recorded made it run: its cause has no tracepoint here.</p>}
          <ol>
            {chain.map((e) => (
              <li key={`${e.ns} ${e.event} ${e.name}`}>
                <button type="button" onClick={() => void session.seek({ ns: e.ns, k: 0 })}>
                  {(e.ns / 1e9).toFixed(9)} s
                </button>{" "}
                {e.name}: {e.text}
              </li>
            ))}
          </ol>
        </div>
      )}
      <section class="scroll" tabIndex={0} aria-label="list of events">
        <table class="events">
          <thead>
            <tr>
              <th scope="col">time, s</th>
              <th scope="col" class="n">
                cpu
              </th>
              <th scope="col">task</th>
              <th scope="col">event</th>
              <th scope="col">why</th>
              <th scope="col">text</th>
            </tr>
          </thead>
          <tbody>
            {f.events.slice(0, 60).map((e, i) => (
              <tr key={`${e.ns} ${e.event} ${f.matches - i}`}>
                <td>
                  <button
                    type="button"
                    class="mono"
                    tabIndex={i === 0 ? 0 : -1}
                    onClick={() => void session.seek({ ns: e.ns, k: 0 })}
                  >
                    {(e.ns / 1e9).toFixed(6)}
                  </button>
                </td>
                <td class="n">{e.cpu}</td>
                <td>
                  <button
                    type="button"
                    class="bare"
                    tabIndex={-1}
                    title="only events of this task"
                    onClick={() => {
                      session.filter = `pid=${e.pid}`;
                      session.changed();
                    }}
                  >
                    {e.comm}-{e.pid}
                  </button>
                </td>
                <td>{e.name.replace(/^[a-z_]+:/, "")}</td>
                <td>
                  <button
                    type="button"
                    tabIndex={i === 0 ? 0 : -1}
                    aria-label={`? why ${e.name}`}
                    onClick={() => void why(e)}
                  >
                    ?
                  </button>
                </td>
                <td class="mono">{e.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

/** What is to stop or slow the run: any filter. */
function Watch({ session }: { readonly session: Session }): JSX.Element {
  const { watch } = session;
  const draft = useDraft(watch.filter);
  const [act, setAct] = useState<"stop" | "slow">(watch.act);
  const set = (filter: string, how: "stop" | "slow"): void => {
    draft.taken();
    void session.setWatch(filter, how);
  };
  return (
    <form
      class="row"
      onSubmit={(e) => {
        e.preventDefault();
        set(draft.value, act);
      }}
    >
      <label for="watch-act">when an event fits,</label>
      <select id="watch-act" value={act} onChange={(e) => setAct(e.currentTarget.value as "stop")}>
        <option value="stop">stop there</option>
        <option value="slow">go slowly</option>
      </select>
      <label class="sr" for="watch">
        filter that stops or slows the run
      </label>
      <input
        id="watch"
        type="search"
        class="grow"
        maxLength={500}
        placeholder="event~oom, value>150"
        value={draft.value}
        onInput={draft.onInput}
      />
      <button type="submit">Watch for it</button>
      {watch.filter !== "" && (
        <button type="button" onClick={() => set("", act)}>
          Watch no more
        </button>
      )}
    </form>
  );
}
