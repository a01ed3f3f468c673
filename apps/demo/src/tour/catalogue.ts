/** Every story of every package, by its id. */
import type { Knobs, Story } from "@kernelkit/core/stories";
import * as genirq from "@kernelkit/genirq/stories";
import * as integrity from "@kernelkit/integrity/stories";
import * as memcg from "@kernelkit/memcg/stories";
import * as namespaces from "@kernelkit/namespaces/stories";
import * as numa from "@kernelkit/numa/stories";
import * as powerclamp from "@kernelkit/powerclamp/stories";
import * as printk from "@kernelkit/printk-syslog/stories";
import * as writeback from "@kernelkit/writeback/stories";

/** A story and the package it is from. */
export interface Entry {
  readonly package: string;
  readonly story: Story<Knobs>;
}

const isStory = (v: unknown): v is Story<Knobs> =>
  typeof v === "object" && v !== null && "question" in v && "run" in v && typeof v.run === "function";

const PACKAGES: Readonly<Record<string, object>> = {
  "printk-syslog": printk,
  memcg,
  writeback,
  genirq,
  powerclamp,
  numa,
  namespaces,
  integrity,
};

export const CATALOGUE: readonly Entry[] = Object.entries(PACKAGES).flatMap(([name, stories]) =>
  Object.values(stories)
    .filter(isStory)
    .map((story) => ({ package: name, story })),
);

/** The stories asked for: ids, or names of packages; all without any. RangeError naming one that is not there. */
export function stories(asked: readonly string[]): readonly Entry[] {
  if (asked.length === 0) return CATALOGUE;
  return asked.flatMap((name) => {
    const found = CATALOGUE.filter((e) => e.story.id === name || e.package === name);
    if (found.length === 0)
      throw new RangeError(`story: no '${name}'; there are ${CATALOGUE.map((e) => e.story.id).join(", ")}`);
    return found;
  });
}

/** `name=value` settings for one story: numbers where the knob is one. RangeError for what is not of that form. */
export function settings(story: Story<Knobs>, texts: readonly string[]): Knobs {
  const out: Record<string, number | string> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at <= 0) throw new RangeError(`setting: '${text}'; NAME=VALUE is needed`);
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    out[name] = story.knobs[name]?.kind === "number" ? Number(value) : value;
  }
  return out;
}
