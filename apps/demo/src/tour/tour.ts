/** `kernelkit tour`: run stories, show them, write what is asked for. */
import { knobsOf, type StoryResult } from "@kernelkit/core/stories";
import { SingleBar } from "cli-progress";
import { inOrder, openPool, type Pool } from "../pool/pool.js";
import { type Entry, settings, stories } from "./catalogue.js";
import { storyText } from "./show.js";
import { type Outputs, writeResult } from "./write.js";

export interface TourOptions extends Outputs {
  /** `name=value`, for the stories that have the knob. */
  readonly set?: readonly string[];
  /** One sentence per story instead of tables and plots. */
  readonly brief?: boolean;
}

/** What a brief tour says of a story. */
function line(e: Entry, r: StoryResult): string {
  const [name, v] = Object.entries(r.numbers)[0] ?? ["", 0];
  const first = name === "" ? "" : ` ${name} ${Number(v.toPrecision(4))}`;
  return `${`${e.package}/${e.story.id}`.padEnd(34)} ${e.story.question}${first === "" ? "" : ` [${first.trim()}]`}\n`;
}

/**
 * Run the stories asked for (ids or packages; all without any), as many at a time as the pool has threads, and show them in their order.
 * RangeError for a story or a setting that is not there.
 */
export async function tour(
  asked: readonly string[],
  o: TourOptions,
  write: (text: string) => void,
  pool?: Pool,
): Promise<void> {
  const chosen = stories(asked);
  const known = new Set(chosen.flatMap((e) => Object.keys(e.story.knobs)));
  for (const s of o.set ?? []) {
    const name = s.split("=")[0];
    if (!known.has(name))
      throw new RangeError(`setting: no story here has '${name}'; there are ${[...known].join(", ")}`);
  }
  const mine = (e: Entry): string[] => (o.set ?? []).filter((s) => Object.hasOwn(e.story.knobs, s.split("=")[0]));
  // a wrong value is said before anything is run
  for (const e of chosen) knobsOf(e.story.knobs, settings(e.story, mine(e)));
  const bar =
    process.stderr.isTTY && chosen.length > 1
      ? new SingleBar({ format: "{bar} {value}/{total} {id}", stream: process.stderr, clearOnComplete: true })
      : null;
  bar?.start(chosen.length, 0, { id: "" });
  const threads = pool ?? openPool(chosen.length === 1 ? { threads: 1 } : {});
  const run = async (e: Entry): Promise<[Entry, StoryResult]> => [
    e,
    await threads.story({ id: e.story.id, set: mine(e) }),
  ];
  try {
    for await (const [e, result] of inOrder(threads, chosen, run)) {
      write(o.brief === true ? line(e, result) : `${storyText(e, result)}\n`);
      await writeResult(e, result, o);
      bar?.increment({ id: e.story.id });
    }
  } finally {
    if (pool === undefined) await threads.close();
    bar?.stop();
  }
}

/** The same for programs. */
export function listJson(asked: readonly string[]): string {
  const list = stories(asked).map(({ package: name, story }) => {
    const { id, question, claim, source, knobs } = story;
    return { package: name, id, question, claim, source, knobs };
  });
  return `${JSON.stringify(list, null, 1)}\n`;
}

/** Every story, its question and its knobs. */
export function listText(asked: readonly string[]): string {
  return stories(asked)
    .map(({ package: name, story }) => {
      const knobs = Object.entries(story.knobs).map(([k, v]) =>
        v.kind === "choice"
          ? `${k}=${v.default} (${v.choices.join("|")})`
          : `${k}=${v.default} (${v.min}..${v.max} ${v.unit})`,
      );
      return `${name}/${story.id}\n  ${story.question}\n${knobs.map((k) => `    ${k}\n`).join("")}`;
    })
    .join("");
}
