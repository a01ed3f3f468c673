/** Beside the picture: controls of the running kernel, settings of a new one, branches, Linux's files, exports. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useDraft } from "./draft.js";
import { KnobInput } from "./knob.js";
import type { Session } from "./session.js";

export function Controls({
  session,
  most = Number.POSITIVE_INFINITY,
}: {
  readonly session: Session;
  /** So many of them are shown. */
  readonly most?: number;
}): JSX.Element | null {
  const view = session.booted?.view;
  const [values, setValues] = useState<Record<string, number | string>>({});
  if (view === undefined || view.controls.length === 0) return null;
  const set = (name: string, v: number | string): void => {
    setValues({ ...values, [name]: v });
    void session.input(name, v);
  };
  return (
    <section class="panel" aria-label="Change it now">
      <h2>Change it now</h2>
      {view.controls.slice(0, most).map((c) => {
        const { knob } = c;
        const value = values[c.name] ?? (knob.kind === "button" ? "" : knob.default);
        return (
          <div key={c.name}>
            {knob.kind === "button" ? (
              <button type="button" onClick={() => set(c.name, "")}>
                {c.name}
              </button>
            ) : (
              <KnobInput name={c.name} knob={knob} value={value} onChange={(v) => set(c.name, v)} />
            )}
            <p class="muted">
              {c.what} <code>{c.linux.replace("VALUE", String(value))}</code>
            </p>
          </div>
        );
      })}
    </section>
  );
}

export function Settings({ session }: { readonly session: Session }): JSX.Element | null {
  const { booted } = session;
  const [problem, setProblem] = useState("");
  const seed = useDraft(String(booted?.seed ?? ""));
  if (booted === null) return null;
  const again = (seed: number, settings: Record<string, number | string>): void => {
    void session.boot({ view: booted.view.id, seed, settings });
  };
  return (
    <details class="panel">
      <summary>The machine (a change boots it anew)</summary>
      <div class="control">
        <label for="seed">seed</label>
        <input
          id="seed"
          type="text"
          inputMode="numeric"
          value={seed.value}
          onInput={seed.onInput}
          onChange={(e) => {
            const text = e.currentTarget.value.trim();
            if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** 32) {
              setProblem("seed: a whole number from 0 to 4294967295 is needed.");
              return;
            }
            setProblem("");
            seed.taken();
            again(Number(text), { ...booted.settings });
          }}
        />
        <small role="alert" style="color:var(--bad)">
          {problem}
        </small>
      </div>
      {Object.entries(booted.view.settings).map(([name, knob]) => (
        <KnobInput
          key={name}
          name={name}
          knob={knob}
          value={booted.settings[name]}
          onChange={(v) => again(booted.seed, { ...booted.settings, [name]: v })}
        />
      ))}
    </details>
  );
}

export function BranchList({ session }: { readonly session: Session }): JSX.Element | null {
  const f = session.frame;
  if (f === null || f.branches.length < 2) return null;
  return (
    <section class="panel" aria-label="Branches">
      <h2>Branches</h2>
      <p class="muted">An input in the past begins a new one; the old future stays.</p>
      <ul class="legend">
        {f.branches.map((b) => (
          <li key={b.id} class="row">
            <button
              type="button"
              aria-pressed={b.id === f.branch}
              onClick={() => void session.act("branch", (l) => l.ask("branch", { branch: b.id }))}
            >
              {b.name}
            </button>
            <small>
              from {(b.fork / 1e9).toFixed(3)} s to {(b.frontier / 1e9).toFixed(3)} s, {b.inputs} inputs
            </small>
            {b.id !== f.branch && (
              <button type="button" onClick={() => void session.differ(f.branch, b.id)}>
                first difference
              </button>
            )}
            {b.id !== f.branch && (
              <button
                type="button"
                aria-label={`✕ throw branch ${b.name} away`}
                onClick={() => void session.act("drop", (l) => l.ask("drop", { branch: b.id }))}
              >
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A file's text, with the lines marked that show what the view's plots show. */
function Marked({ text, words }: { readonly text: string; readonly words: ReadonlySet<string> }): JSX.Element {
  return (
    <>
      {text.split("\n").map((line, i) => {
        const known = line.split(/[\s:=]+/).some((w) => words.has(w));
        return (
          <span key={`${i} ${line}`}>
            {known ? <mark>{line}</mark> : line}
            {"\n"}
          </span>
        );
      })}
    </>
  );
}

export function LinuxFiles({ session }: { readonly session: Session }): JSX.Element | null {
  const view = session.booted?.view;
  const [path, setPath] = useState("");
  const [shown, setShown] = useState<{ path: string; text: string; at: number } | null>(null);
  if (view === undefined) return null;
  // the first word of where Linux shows a quantity is its name in the file
  const words = new Set(view.gauges.map((g) => g.linux.split(/[\s,;:(]/)[0]).filter((w) => /^[a-z_]{4,}$/.test(w)));
  const read = async (p: string): Promise<void> => {
    setPath(p);
    const r = await session.act("read", (l) => l.ask("read", { path: p }));
    if (r !== null) setShown({ path: p, text: r.text, at: session.frame?.now ?? 0 });
  };
  return (
    <details class="panel">
      <summary>Read it in Linux</summary>
      <p class="muted">
        The file at the cursor, as a system call would give it; reading it here leaves the run as it is.
      </p>
      <div class="row">
        {view.files.map((p) => (
          <button key={p} type="button" class="mono" onClick={() => void read(p)}>
            {p}
          </button>
        ))}
      </div>
      <form
        class="row"
        onSubmit={(e) => {
          e.preventDefault();
          void read(path);
        }}
      >
        <label for="path">any file</label>
        <input id="path" class="grow" value={path} maxLength={255} onInput={(e) => setPath(e.currentTarget.value)} />
        <button type="submit">Read</button>
      </form>
      {shown !== null && (
        <>
          <p>
            <code>cat {shown.path}</code> at {(shown.at / 1e9).toFixed(9)} s
          </p>
          <pre tabIndex={0}>{shown.text === "" ? "(empty)" : <Marked text={shown.text} words={words} />}</pre>
        </>
      )}
    </details>
  );
}
