/**
 * story: a question about Linux, answered by running rivals on the same workload. A story is data and a run: whoever shows it (command
 * line, page) draws the series and the table that the run returns; nothing in it is a stored result.
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

type Knobs = Readonly<Record<string, number | string>>;

export interface Story<P extends Knobs> {
  readonly id: string;
  /** One sentence. */
  readonly question: string;
  /** Where the question comes from: a short name of an article, or a kernel document. */
  readonly source: string;
  /** What is expected. */
  readonly claim: string;
  /** Where this project's model, not Linux, decides something. */
  readonly assumes: readonly string[];
  readonly knobs: { readonly [K in keyof P]: Knob };
  /** Run it. RangeError for a knob outside its range (names it). Missing knobs take their defaults. */
  run(knobs?: Partial<P>): StoryResult;
}

function checked(name: string, knob: Knob, v: number | string): number | string {
  const good =
    knob.kind === "choice"
      ? knob.choices.includes(String(v))
      : typeof v === "number" && Number.isInteger(v) && v >= knob.min && v <= knob.max;
  if (good) return v;
  const allowed = knob.kind === "choice" ? knob.choices.join(", ") : `${knob.min}..${knob.max} ${knob.unit}`;
  throw new RangeError(`story: ${name} must be ${allowed}, not ${String(v)}`);
}

/** The knobs of a run: given ones checked, the rest by default. */
export function knobsOf<P extends Knobs>(knobs: Story<P>["knobs"], given: Partial<P> = {}): P {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(knobs, name))
      throw new RangeError(`story: no knob '${name}'; there are ${Object.keys(knobs).join(", ")}`);
  }
  const out: Record<string, number | string> = {};
  for (const [name, knob] of Object.entries(knobs) as [string, Knob][])
    out[name] = checked(name, knob, given[name] ?? knob.default);
  return out as P;
}
