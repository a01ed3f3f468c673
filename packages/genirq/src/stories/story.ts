/**
 * story: a question about Linux, answered by running rivals on the same workload. A story is data and a run: whoever shows it draws the
 * series and the table that the run returns; nothing in it is a stored result.
 */

/** A knob of a story: a number in a range. */
export interface Knob {
  readonly kind: "number";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** A quantity over another one, named by `of`. */
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

export interface Story<P extends Readonly<Record<string, number>>> {
  readonly id: string;
  /** One sentence. */
  readonly question: string;
  /** Where the question comes from. */
  readonly source: string;
  /** What is expected, with the band. */
  readonly claim: string;
  /** Where this project's model, not Linux, decides a number. */
  readonly assumes: readonly string[];
  readonly knobs: { readonly [K in keyof P]: Knob };
  /** Run it. RangeError for a knob outside its range. Missing knobs take their defaults. */
  run(knobs?: Partial<P>): StoryResult;
}

/** The knobs of a run: given ones checked, the rest by default. */
export function knobsOf<P extends Readonly<Record<string, number>>>(
  knobs: Story<P>["knobs"],
  given: Partial<P> = {},
): P {
  const out: Record<string, number> = {};
  for (const name of Object.keys(given))
    if (!(name in knobs)) throw new RangeError(`story: no knob '${name}'; there are ${Object.keys(knobs).join(", ")}`);
  for (const [name, knob] of Object.entries(knobs) as [string, Knob][]) {
    const v = given[name] ?? knob.default;
    if (!(v >= knob.min && v <= knob.max))
      throw new RangeError(`story: ${name} must be ${knob.min}..${knob.max} ${knob.unit}, not ${v}`);
    out[name] = v;
  }
  return out as P;
}
