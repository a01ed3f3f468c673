/** A scenario without its functions: what the page is told of it. */
import type { ViewInfo } from "./protocol.js";
import type { Scenario } from "./scenario.js";

export function viewInfo(s: Scenario): ViewInfo {
  const { id, name, question, sees, howTrue, binNs, settings, lanes, heat, files } = s;
  return {
    id,
    name,
    question,
    sees,
    howTrue,
    binNs,
    settings,
    files,
    controls: s.controls.map((c) => ({ name: c.name, what: c.what, linux: c.linux, knob: c.knob })),
    gauges: s.gauges.map((g) => ({
      name: g.name,
      unit: g.unit,
      what: g.what,
      linux: g.linux,
      group: g.group,
      limit: g.limit === true,
    })),
    lanes: lanes === null ? null : { title: lanes.title, what: lanes.what, states: lanes.states },
    heat: heat === null ? null : { title: heat.title, what: heat.what, unit: heat.unit, steps: heat.steps },
  };
}
