/** What a run can come to. Everything here follows from the run alone (no times, no machine), so that equal sweeps have equal results. */
export type Outcome =
  | {
      readonly status: "ok";
      /** null: the figure was not finite. */
      readonly measures: Readonly<Record<string, number | null>>;
      /** Hash of all that the run returned. */
      readonly digest: string;
    }
  /** The scenario threw, or returned no figures: it will do so again. */
  | { readonly status: "failed"; readonly error: string }
  /** It took longer than the limit of real time and was ended. */
  | { readonly status: "timeout"; readonly error: string }
  /** What ran it died, each time. */
  | { readonly status: "crashed"; readonly error: string };

export type Status = Outcome["status"];

/** Whether another try may end differently. */
export const mayDiffer = (status: Status): boolean => status === "timeout" || status === "crashed";
