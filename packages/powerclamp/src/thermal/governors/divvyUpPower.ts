/**
 * divvyUpPower: a budget shared among actors in proportion to what they ask for; what exceeds an actor's maximum goes to
 * those who have room, in proportion to their room (driver-api/thermal/power_allocator).
 */

export interface PowerActor {
  /** Weighted request, mW. */
  readonly requested: number;
  /** The most it can use, mW. */
  readonly max: number;
}

/** mW granted to each actor. Shares are rounded to the nearest mW, so the sum may differ from the budget by a few. */
export function divvyUpPower(actors: readonly PowerActor[], budgetMw: number): number[] {
  // nobody asks for anything: nobody gets anything
  const total = actors.reduce((sum, a) => sum + a.requested, 0) || 1;
  let extra = 0;
  const granted = actors.map((a) => {
    const g = Math.round((a.requested * budgetMw) / total);
    if (g > a.max) extra += g - a.max;
    return Math.min(g, a.max);
  });
  const room = actors.map((a, i) => a.max - granted[i]);
  const totalRoom = room.reduce((sum, r) => sum + r, 0);
  if (extra === 0 || totalRoom === 0) return granted;
  extra = Math.min(extra, totalRoom);
  return granted.map((g, i) => g + Math.round((room[i] * extra) / totalRoom));
}
