/**
 * Numbers that are given back are given again, the lowest first: mount ids, anonymous device numbers, peer groups, inode numbers of
 * namespaces. `free` is ascending.
 */

/** The lowest number that is free; `next()` makes one that was never given. */
export function takeLowest(free: number[], next: () => number): number {
  return free.length > 0 ? (free.shift() as number) : next();
}

/** `n` is free again. */
export function giveBack(free: number[], n: number): void {
  let i = free.length;
  while (i > 0 && free[i - 1] > n) i--;
  free.splice(i, 0, n);
}
