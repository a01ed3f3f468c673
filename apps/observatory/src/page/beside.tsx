/** A second kernel on the same clock: the same load and the same inputs, one setting different. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "./session.js";

export function Beside({ session }: { readonly session: Session }): JSX.Element | null {
  const { booted } = session;
  const names = Object.keys(booted?.view.settings ?? {}).filter((n) => n !== "packages");
  const [chosen, setName] = useState("");
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState("");
  if (booted === null) return null;
  const name = names.includes(chosen) ? chosen : names[0];
  const knob = booted.view.settings[name];
  const choices = knob.kind === "choice" ? knob.choices.filter((c) => c !== booted.settings[name]) : [];
  const picked = knob.kind === "choice" ? (choices.includes(value) ? value : choices[0]) : value;
  const put = (e: Event): void => {
    e.preventDefault();
    const v = knob.kind === "number" ? Number(picked) : picked;
    if (knob.kind === "number" && (picked.trim() === "" || !(Number(v) >= knob.min && Number(v) <= knob.max))) {
      setProblem(`${name}: a number from ${knob.min} to ${knob.max} ${knob.unit} is needed.`);
      return;
    }
    setProblem("");
    void session.besideIt([{ view: booted.view.id, settings: { ...booted.settings, [name]: v } }]);
  };
  return (
    <details class="panel">
      <summary>A kernel beside this one</summary>
      <p class="muted">On the same clock, with the same inputs, and one setting different.</p>
      <form class="row" onSubmit={put}>
        <label class="sr" for="beside-name">
          setting
        </label>
        <select id="beside-name" value={name} onChange={(e) => setName(e.currentTarget.value)}>
          {names.map((n) => (
            <option key={n} value={n}>
              {n}
            </option>
          ))}
        </select>
        <label class="sr" for="beside-value">
          its value there
        </label>
        {knob.kind === "choice" ? (
          <select id="beside-value" value={picked} onChange={(e) => setValue(e.currentTarget.value)}>
            {choices.map((c) => (
              <option key={c} value={c}>
                {c}
              </option>
            ))}
          </select>
        ) : (
          <input
            id="beside-value"
            size={7}
            inputMode="decimal"
            placeholder={`${knob.min} to ${knob.max}`}
            value={value}
            onInput={(e) => setValue(e.currentTarget.value.slice(0, 30))}
          />
        )}
        <button type="submit">Put it beside</button>
        {booted.others.length > 0 && (
          <button type="button" onClick={() => void session.besideIt([])}>
            Take it away
          </button>
        )}
      </form>
      <small role="alert" style="color:var(--bad)">
        {problem}
      </small>
    </details>
  );
}
