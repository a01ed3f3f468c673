/** Build a machine: what it costs, whether it boots, and the program that makes it at home. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Built } from "../build/machine.js";
import { DEFAULT_SPEC, type MachineSpec, PACKAGES, parseDistances, programText } from "../build/spec.js";
import { VIEWS } from "../lab/views.js";
import { KnobInput } from "./knob.js";
import { save } from "./save.js";
import { startWorker } from "./startWorker.js";

const number = (min: number, max: number, def: number, unit: string) =>
  ({ kind: "number", default: def, min, max, unit }) as const;

/** Packages that each view needs beside core. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  wb: ["writeback"],
  mem: ["memcg", "writeback"],
  numa: ["numa"],
  power: ["powerclamp"],
  irq: ["genirq"],
  log: ["printk-syslog", "namespaces"],
  ns: ["namespaces"],
  trust: ["integrity"],
};

/** Bytes of each package in this page's own bundle; null: not known (yet, or where the page was not built). */
function useSizes(): Readonly<Record<string, number>> | null {
  const [sizes, set] = useState<Readonly<Record<string, number>> | null>(null);
  useEffect(() => {
    fetch(new URL("sizes.json", location.href.replace(/#.*/, "")))
      .then((r) => (r.ok ? r.json() : null))
      .then(set, () => set(null));
  }, []);
  return sizes;
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

export function Build(): JSX.Element {
  const sizes = useSizes();
  const weigh = (name: string): number =>
    sizes === null ? 0 : (sizes[name] ?? 0) + (name === "integrity" ? (sizes["crypto"] ?? 0) : 0);
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
    setBusy(true);
    setProblem("");
    const w = startWorker(
      "build",
      (m: { ok: Built } | { err: string }) => {
        if ("ok" in m) setBuilt(m.ok);
        else setProblem(m.err);
        setBusy(false);
        w.terminate();
      },
      (text) => {
        setProblem(text);
        setBusy(false);
      },
    );
    worker.current = w;
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
                  {sizes !== null && <span class="muted">, {kB(weigh(p.name))}</span>}
                </label>
              </div>
            ))}
            {sizes !== null && (
              <p>
                In a bundle, minified and compressed: core {kB(weigh("core"))}, with what is on{" "}
                <b data-bundle>{kB(spec.packages.reduce((n, p) => n + weigh(p), weigh("core")))}</b>. Measured in this
                page's own bundle; a bundler drops more of what a program does not use.
              </p>
            )}
            <h3>What can be looked at in it</h3>
            <ul class="legend">
              {VIEWS.map((v) => {
                const without = NEEDED[v.id].filter((n) => !spec.packages.includes(n));
                return (
                  <li key={v.id}>
                    {without.length === 0 ? (
                      <>
                        ✓ <a href={`#/see/${v.id}`}>{v.name}</a>
                      </>
                    ) : (
                      `✗ ${v.name}: there is none without ${without.join(" and ")}`
                    )}
                  </li>
                );
              })}
            </ul>
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
