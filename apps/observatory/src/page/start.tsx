/** The start: what this is, and three doors. */
import type { JSX } from "preact";
import { VIEWS } from "../lab/views.js";

export function Start(): JSX.Element {
  return (
    <>
      <h1>A Linux kernel one can look into</h1>
      <p>
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
      <h2>Views</h2>
      <ul class="cards">
        {VIEWS.map((v) => (
          <li key={v.id} class="panel">
            <a href={`#/see/${v.id}`}>{v.name}</a>
            <p>{v.question}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
