/** Instants with a name: they stand in the link. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "./session.js";

export function Bookmarks({ session }: { readonly session: Session }): JSX.Element {
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  const add = (e: Event): void => {
    e.preventDefault();
    const n = name.trim();
    const fits = /^[^@,&]{1,40}$/.test(n);
    setProblem(fits ? "" : "A name has 1 to 40 characters, no @ , or &.");
    if (!fits) return;
    session.bookmark(n);
    setName("");
  };
  return (
    <details class="panel">
      <summary>Bookmarks</summary>
      <form class="row" onSubmit={add}>
        <label class="sr" for="bookmark">
          name of this instant
        </label>
        <input
          id="bookmark"
          class="grow"
          size={10}
          maxLength={60}
          placeholder="name this instant"
          value={name}
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <button type="submit">Keep</button>
      </form>
      <small role="alert" style="color:var(--bad)">
        {problem}
      </small>
      <ul class="legend">
        {session.bookmarks.map((b) => (
          <li key={b.name} class="row">
            <button type="button" onClick={() => session.toBookmark(b.name)}>
              {b.name}
            </button>
            <small>{(b.at.ns / 1e9).toFixed(6)} s</small>
            <button type="button" aria-label={`✕ drop bookmark ${b.name}`} onClick={() => session.dropBookmark(b.name)}>
              ✕
            </button>
          </li>
        ))}
      </ul>
      <p class="muted">m and a letter keeps one, ' and the letter goes there.</p>
    </details>
  );
}
