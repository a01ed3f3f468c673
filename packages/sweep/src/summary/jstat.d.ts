/** What is used of jstat, which ships no types. */
declare module "jstat" {
  interface JStat {
    mean(values: readonly number[]): number;
    median(values: readonly number[]): number;
    min(values: readonly number[]): number;
    max(values: readonly number[]): number;
    /** `sample`: divide by n - 1. */
    stdev(values: readonly number[], sample: boolean): number;
    readonly studentt: { inv(p: number, degreesOfFreedom: number): number };
  }
  const jstat: { readonly jStat: JStat };
  export default jstat;
}
