/** How true: what is checked, what is modelled, and how one can find out. */
import type { JSX } from "preact";
import { VIEWS } from "../lab/views.js";

export function Truth(): JSX.Element {
  return (
    <>
      <h1>How true is this?</h1>
      <p>
        The kernel of this page is the one of the packages: nothing in it is drawn by hand, and no number on a page is
        stored. Its behaviour is held against behaviour recorded on real Linux, case by case;{" "}
        <code>npm run conformance</code> in the repository prints the score, package by package, with the cases that do
        not pass yet.
      </p>
      <h2>What is exact</h2>
      <p>
        System calls with their errors, files of /proc and /sys, limits, counters, the arithmetic of control loops, the
        order of chip calls: what a program can observe. The same machine, options, seed and inputs give the same run,
        bit for bit, in Node and in any browser; each view shows the digest of the instant, and each replay is compared
        with the first pass.
      </p>
      <h2>What is a model</h2>
      <p>
        Disks, power, temperature, what remote memory costs, devices and attackers. Each view and each story says which
        of them it leans on:
      </p>
      <ul>
        {VIEWS.map((v) => (
          <li key={v.id}>
            <a href={`#/see/${v.id}`}>{v.name}</a>: {v.question}
          </li>
        ))}
      </ul>
      <h2>What this page does not do</h2>
      <p>
        It asks no server for anything once it is loaded, keeps nothing but the choice of light or dark, and sends
        nothing.
      </p>
    </>
  );
}
