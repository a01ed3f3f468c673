/** What can be done in a thread of its own: a story, a share of the recorded cases. `worker.ts` is the thread, `pool.ts` hands it out. */
import type { StoryResult } from "@kernelkit/core/stories";
import { type Part, type RunReport, runConformance } from "kernelkit-conformance";
import { settings, stories } from "../tour/catalogue.js";

export interface StoryWork {
  readonly id: string;
  /** `name=value` settings of its knobs. */
  readonly set: readonly string[];
}

export interface CasesWork {
  readonly package: string;
  readonly part: Part;
}

/** RangeError for a story or a setting that is not there. */
export function story(w: StoryWork): StoryResult {
  const [e] = stories([w.id]);
  return e.story.run(settings(e.story, w.set));
}

/** RangeError for a package without cases. */
export function cases(w: CasesWork): Promise<RunReport> {
  return runConformance({ packages: [w.package], part: w.part });
}
