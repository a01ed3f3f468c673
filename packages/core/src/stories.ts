/**
 * The entry `@kernelkit/core/stories`: what a story is. A question about Linux, answered by running rivals on the same workload. A
 * story is data and a run: whoever shows it (command line, page, sweep) draws the series and the table that the run returns; nothing
 * in it is a stored result. Each package has its own in `@kernelkit/PACKAGE/stories`.
 *
 *     import { jitter } from "@kernelkit/powerclamp/stories";
 *     const { table, numbers } = jitter.run({ seconds: 10 });
 */

/** A knob of a story, with what it may be set to. */
export type Knob =
  | {
      readonly kind: "number";
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly unit: string;
    }
  | { readonly kind: "choice"; readonly default: string; readonly choices: readonly string[] };

/** A quantity over time (seconds) or over another quantity, named by `of`. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly of: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface StoryResult {
  readonly series: readonly Series[];
  readonly table: Table;
  /** The figures the claim is about, by name. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Settings of a run, by knob. */
export type Knobs = Readonly<Record<string, number | string>>;

export interface Story<P extends Knobs> {
  readonly id: string;
  /** One sentence. */
  readonly question: string;
  /** Where the question comes from: a short name of an article, or a kernel document. */
  readonly source: string;
  /** What is expected, with the band. */
  readonly claim: string;
  /** Where this project's model, not Linux, decides a number. */
  readonly assumes: readonly string[];
  readonly knobs: { readonly [K in keyof P]: Knob };
  /** Run it. RangeError for a knob outside its range (names it). Missing knobs take their defaults. */
  run(knobs?: Partial<P>): StoryResult;
}

/** The knobs of a run: given ones checked, the rest by default. */
export function knobsOf<P extends Knobs>(knobs: Story<P>["knobs"], given: Partial<P> = {}): P {
  const out: Record<string, number | string> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(knobs, name))
      throw new RangeError(`story: no knob '${name}'; there are ${Object.keys(knobs).join(", ")}`);
  }
  for (const [name, knob] of Object.entries(knobs) as [string, Knob][]) {
    const v = given[name] ?? knob.default;
    if (
      knob.kind === "choice"
        ? !knob.choices.includes(v as string)
        : !((v as number) >= knob.min && (v as number) <= knob.max)
    ) {
      const allowed = knob.kind === "choice" ? knob.choices.join(", ") : `${knob.min}..${knob.max} ${knob.unit}`;
      throw new RangeError(`story: ${name} must be ${allowed}, not ${String(v)}`);
    }
    out[name] = v;
  }
  return out as P;
}
