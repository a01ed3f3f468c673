/**
 * Snapshots of a run: they make going back quick and define nothing (a run is its options, seed and inputs). Kept few: of
 * the old ones the one goes whose loss is felt least - the gap it leaves, held against how long ago it was.
 */
export interface Snapshot {
  readonly ns: number;
  /** Entries of the journal that had been applied. */
  readonly applied: number;
  /** The checkpoint, as JSON. */
  readonly text: string;
}

export class Snapshots {
  private list: Snapshot[] = [];

  constructor(
    /** Most characters of all together, and most of them. */
    private readonly budget: number = 64 * 2 ** 20,
    private readonly most: number = 48,
  ) {}

  get count(): number {
    return this.list.length;
  }
  get chars(): number {
    return this.list.reduce((n, s) => n + s.text.length, 0);
  }
  has(ns: number): boolean {
    return this.list.some((s) => s.ns === ns);
  }
  /** The earliest: the beginning of the run. */
  get first(): Snapshot {
    return this.list[0];
  }
  /** The latest one not after an instant. */
  before(ns: number): Snapshot | null {
    let best: Snapshot | null = null;
    for (const s of this.list) if (s.ns <= ns && (best === null || s.ns > best.ns)) best = s;
    return best;
  }

  add(s: Snapshot): void {
    this.list.push(s);
    this.list.sort((a, b) => a.ns - b.ns);
    while (this.list.length > 3 && (this.list.length > this.most || this.chars > this.budget)) this.thin();
  }

  /** One goes; never the first, never the last. */
  private thin(): void {
    const { list } = this;
    const end = list[list.length - 1].ns;
    let worst = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 1; i < list.length - 1; i++) {
      const cost = (list[i + 1].ns - list[i - 1].ns) / (end - list[i].ns + 1e9);
      if (cost < least) {
        least = cost;
        worst = i;
      }
    }
    list.splice(worst, 1);
  }

  /** Those not after an instant, for a branch that leaves there. */
  until(ns: number, applied: number): Snapshots {
    const s = new Snapshots(this.budget, this.most);
    s.list = this.list.filter((x) => x.ns <= ns && x.applied <= applied);
    return s;
  }
}
