/** Build a machine: what it costs, whether it boots, and the program that makes it at home. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Built } from "../build/machine.js";
import { DEFAULT_SPEC, type MachineSpec, PACKAGES, parseDistances, programText } from "../build/spec.js";
import { KnobInput } from "./knob.js";
import { save } from "./save.js";

const number = (min: number, max: number, def: number, unit: string) =>
  ({ kind: "number", default: def, min, max, unit }) as const;

export function Build(): JSX.Element {
  const [spec, setSpec] = useState<MachineSpec>(DEFAULT_SPEC);
  const [distances, setDistances] = useState("");
  const [built, setBuilt] = useState<Built | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const worker = useRef<Worker | null>(null);
  useEffect(() => () => worker.current?.terminate(), []);
  const set = (o: Partial<MachineSpec>): void => {
    setSpec({ ...spec, ...o });
    setBuilt(null);
  };
  const boot = (): void => {
    worker.current?.terminate();
    const w = new Worker(new URL("../build/worker.ts", import.meta.url), { type: "module" });
    worker.current = w;
    setBusy(true);
    setProblem("");
    w.onmessage = (e: MessageEvent<{ ok: Built } | { err: string }>) => {
      if ("ok" in e.data) setBuilt(e.data.ok);
      else setProblem(e.data.err);
      setBusy(false);
      w.terminate();
    };
    w.onerror = (e) => {
      e.preventDefault();
      setProblem(e.message);
      setBusy(false);
    };
    w.postMessage(spec);
  };
  const text = programText(spec);
  return (
    <>
      <h1>Build a machine</h1>
      <p>Choose what is in it; boot it here; take it home as a program that gives the same digest.</p>
      <div class="cols">
        <div>
          <section class="panel">
            <h2>Hardware</h2>
            <KnobInput
              name="CPUs"
              knob={number(1, 256, 4, "CPUs")}
              value={spec.cpus}
              onChange={(v) => set({ cpus: Number(v) })}
            />
            {spec.cpus > 64 && <p class="muted">Above 64 CPUs a boot takes seconds.</p>}
            <KnobInput
              name="nodes"
              knob={number(1, 8, 1, "nodes")}
              value={spec.nodes}
              onChange={(v) => set({ nodes: Number(v) })}
            />
            <KnobInput
              name="memory"
              knob={number(64, 65536, 1024, "MiB")}
              value={spec.memoryMiB}
              onChange={(v) => set({ memoryMiB: Number(v) })}
            />
            <KnobInput
              name="seed"
              knob={number(0, 4294967295, 1, "")}
              value={spec.seed}
              onChange={(v) => set({ seed: Number(v) })}
            />
            <div class="control">
              <label for="distances">distances between nodes, a row a line (empty: 10 and 20)</label>
              <textarea
                id="distances"
                rows={3}
                value={distances}
                onInput={(e) => {
                  setDistances(e.currentTarget.value.slice(0, 2000));
                  const d = parseDistances(e.currentTarget.value.slice(0, 2000));
                  if (typeof d === "string") setProblem(d);
                  else {
                    setProblem("");
                    set({ distances: d });
                  }
                }}
              />
            </div>
            <div class="control">
              <label for="cmdline">kernel command line</label>
              <input
                id="cmdline"
                class="mono"
                value={spec.cmdline}
                onInput={(e) => set({ cmdline: e.currentTarget.value.slice(0, 2000) })}
              />
            </div>
          </section>
          <fieldset class="panel">
            <legend>Packages</legend>
            {PACKAGES.map((p) => (
              <div key={p.name}>
                <label>
                  <input
                    type="checkbox"
                    checked={spec.packages.includes(p.name)}
                    onChange={(e) =>
                      set({
                        packages: PACKAGES.map((x) => x.name).filter((n) =>
                          n === p.name ? e.currentTarget.checked : spec.packages.includes(n),
                        ),
                      })
                    }
                  />{" "}
                  {p.name} <span class="muted">{p.what}</span>
                </label>
              </div>
            ))}
          </fieldset>
        </div>
        <aside aria-label="Result">
          <section class="panel">
            <button type="button" class="primary" disabled={busy} onClick={boot}>
              {busy ? "Booting …" : "Boot it"}
            </button>
            <div role="status">
              {problem !== "" && <p style="color:var(--bad)">{problem}</p>}
              {built !== null && (
                <p>
                  It boots and runs a second in {built.bootMs.toFixed(0)} ms. {built.bytesPerPage} bytes per page,{" "}
                  {built.columnsMiB.toFixed(1)} MiB of columns. Digest <code>{built.digest}</code>.
                </p>
              )}
            </div>
            {built !== null && <pre tabIndex={0}>{built.bootLog}</pre>}
          </section>
        </aside>
      </div>
      <section class="panel">
        <div class="row">
          <h2 class="grow">The program</h2>
          <button type="button" onClick={() => save("machine.mjs", "text/javascript", text)}>
            Save machine.mjs
          </button>
          <button type="button" onClick={() => void navigator.clipboard?.writeText(text).catch(() => {})}>
            Copy
          </button>
        </div>
        <pre tabIndex={0}>{text}</pre>
      </section>
    </>
  );
}
