/**
 * Reads a sweep from a file: a module (FILE.ts, FILE.js) whose default export is the sweep, or FILE.json, which names the scenario by
 * module and export:
 *
 *     { "scenario": { "module": "@kernelkit/powerclamp/stories", "export": "jitter" }, "space": { "target": [10, 25, 40] } }
 */
import { readFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as v from "valibot";
import { type Bundle, type BundleFolder, bundleModule, bundleWorker } from "./bundle.js";
import type { AnyScenario, Sweep } from "./define.js";
import { makePlan, type Plan } from "./plan.js";
import { checkScenario } from "./scenario.js";

export interface LoadedSweep {
  readonly plan: Plan;
  readonly bundle: Bundle;
}

const value = v.union([v.number(), v.string(), v.boolean()]);
const range = v.strictObject({
  from: v.number(),
  to: v.number(),
  steps: v.optional(v.number()),
  scale: v.optional(v.picklist(["linear", "log"])),
  whole: v.optional(v.boolean()),
});
const bound = v.strictObject({ measure: v.string(), min: v.optional(v.number()), max: v.optional(v.number()) });

/** All of a sweep but its scenario: checked in both kinds of files. */
const settings = {
  name: v.optional(v.string()),
  space: v.record(v.string(), v.union([v.array(value), range, v.literal(true)])),
  set: v.optional(v.record(v.string(), value)),
  design: v.optional(
    v.union([
      v.literal("grid"),
      v.strictObject({
        kind: v.picklist(["random", "latin-hypercube"]),
        points: v.number(),
        seed: v.optional(v.number()),
      }),
    ]),
  ),
  seeds: v.optional(v.union([v.number(), v.array(v.number())])),
  measures: v.optional(v.array(v.string())),
  objective: v.optional(
    v.strictObject({
      measure: v.string(),
      goal: v.picklist(["min", "max"]),
      subjectTo: v.optional(v.array(bound)),
    }),
  ),
  limits: v.optional(
    v.strictObject({
      wallMs: v.optional(v.pipe(v.number(), v.minValue(1))),
      virtualNs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      memoryMb: v.optional(v.pipe(v.number(), v.minValue(16))),
    }),
  ),
  attempts: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
};
const moduleSweep = v.strictObject({ ...settings, scenario: v.looseObject({}) });
const jsonSweep = v.strictObject({
  ...settings,
  scenario: v.strictObject({ module: v.string(), export: v.optional(v.string(), "default") }),
});

/** RangeError naming the field that is wrong. */
function checked<S extends v.GenericSchema>(schema: S, given: unknown, file: string): v.InferOutput<S> {
  const r = v.safeParse(schema, given);
  if (r.success) return r.output;
  const issue = r.issues[0];
  throw new RangeError(`${file}: ${v.getDotPath(issue) ?? "the sweep"}: ${issue.message}`);
}

/** What may be set over what the file says. */
export type Overrides = Pick<Sweep, "seeds" | "set" | "limits">;

/** Load, check and plan. `folder` keeps the bundles for as long as the sweep runs. */
export async function loadSweep(file: string, folder: BundleFolder, o: Overrides = {}): Promise<LoadedSweep> {
  const path = resolve(file);
  return extname(path) === ".json" ? loadJson(path, folder, o) : loadModule(path, folder, o);
}

async function load(bundle: Bundle, folder: BundleFolder): Promise<Record<string, unknown>> {
  return (await import(/* @vite-ignore */ pathToFileURL(folder.write(bundle.code)).href)) as Record<string, unknown>;
}

async function loadModule(path: string, folder: BundleFolder, o: Overrides): Promise<LoadedSweep> {
  const module = await load(await bundleModule(path), folder);
  const given = module.default;
  const sweep = checked(moduleSweep, given, path) as unknown as Sweep;
  checkScenario(sweep.scenario);
  // A scenario that is exported by itself is bundled without the sweep, which may then change without making results void.
  const name = Object.keys(module).find((k) => k !== "default" && module[k] === (given as Sweep).scenario);
  const bundle = await bundleWorker(path, name === undefined ? "m.default.scenario" : `m.${name}`, dirname(path));
  return finish({ ...sweep, scenario: (given as Sweep).scenario }, bundle, o);
}

async function loadJson(path: string, folder: BundleFolder, o: Overrides): Promise<LoadedSweep> {
  const sweep = checked(jsonSweep, JSON.parse(readFileSync(path, "utf8")), path);
  const { module, export: name } = sweep.scenario;
  const bundle = await bundleWorker(module, `m.${name}`, dirname(path));
  const { scenario } = await load(bundle, folder);
  return finish({ ...sweep, scenario: checkScenario(scenario) } as Sweep<AnyScenario>, bundle, o);
}

async function finish(sweep: Sweep, bundle: Bundle, o: Overrides): Promise<LoadedSweep> {
  const merged: Sweep = {
    ...sweep,
    ...(o.seeds === undefined ? {} : { seeds: o.seeds }),
    set: { ...sweep.set, ...o.set },
    limits: { ...sweep.limits, ...o.limits },
  };
  return { plan: await makePlan(merged, bundle.hash), bundle };
}
