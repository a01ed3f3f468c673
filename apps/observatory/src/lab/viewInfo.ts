/** A scenario without its functions: what the page is told of it. */
import type { Knobs } from "@kernelkit/core/stories";
import { PACKAGES_KNOB } from "./compose.js";
import type { ViewInfo } from "./protocol.js";
import type { Scenario } from "./scenario.js";

/** A scenario's settings, and the one all have. */
export const settingsOf = (s: Scenario): Scenario["settings"] => ({ ...s.settings, packages: PACKAGES_KNOB });

/** Settings of a link or form, made to fit; what does not fit is named and left at its default. */
export function fitting(
  s: Scenario,
  given: Readonly<Record<string, unknown>>,
): { readonly settings: Knobs; readonly problems: readonly string[] } {
  const knobs = settingsOf(s);
  const settings: Record<string, number | string> = {};
  const problems: string[] = [];
  for (const [name, knob] of Object.entries(knobs)) settings[name] = knob.default;
  for (const [name, value] of Object.entries(given)) {
    const knob = Object.hasOwn(knobs, name) ? knobs[name] : undefined;
    if (knob === undefined) problems.push(`There is no setting '${name.slice(0, 30)}'.`);
    else if (knob.kind === "number") {
      const n = typeof value === "number" ? value : value === "" ? Number.NaN : Number(value);
      if (n >= knob.min && n <= knob.max) settings[name] = n;
      else problems.push(`${name}: ${knob.min} to ${knob.max} ${knob.unit}; ${knob.default} was used.`);
    } else if (knob.choices.includes(String(value))) settings[name] = String(value);
    else problems.push(`${name}: one of ${knob.choices.join(", ")}; ${knob.default} was used.`);
  }
  return { settings, problems };
}

export function viewInfo(s: Scenario): ViewInfo {
  const { id, name, question, sees, howTrue, binNs, lanes, heat, files } = s;
  return {
    id,
    name,
    question,
    sees,
    howTrue,
    binNs,
    settings: settingsOf(s),
    files,
    controls: s.controls.map((c) => ({ name: c.name, what: c.what, linux: c.linux, knob: c.knob })),
    gauges: s.gauges.map((g) => ({
      name: g.name,
      unit: g.unit,
      what: g.what,
      linux: g.linux,
      group: g.group,
      limit: g.limit === true,
      drag: g.drag ?? null,
    })),
    lanes: lanes === null ? null : { title: lanes.title, what: lanes.what, states: lanes.states },
    heat: heat === null ? null : { title: heat.title, what: heat.what, unit: heat.unit, steps: heat.steps },
  };
}
