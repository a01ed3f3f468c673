/**
 * coolingStats: how often and how long a cooling device was in each state, the files of `cooling_deviceN/stats`
 * (driver-api/thermal/sysfs-api).
 *
 * It remembers the states that were *asked for*, whatever the driver made of them, and counts changes only.
 */

/** Beyond this the table is not allocated and the device has no stats directory (the largest kzalloc). */
const MAX_TABLE_BYTES = 4 * 1024 * 1024;
const PAGE_SIZE = 4096;

export class CoolingStats {
  state = 0;
  totalTrans = 0;
  lastTimeNs: number;
  /** ns in each state up to `lastTimeNs`. */
  readonly timeInState: Float64Array;
  /** [from * states + to]: number of changes. */
  readonly transTable: Uint32Array;

  constructor(
    readonly states: number,
    nowNs: number,
  ) {
    this.lastTimeNs = nowNs;
    this.timeInState = new Float64Array(states);
    this.transTable = new Uint32Array(states * states);
  }

  /** Statistics for a device of states 0..maxState, or null if they would be too big. */
  static create(maxState: number, nowNs: number): CoolingStats | null {
    const states = maxState + 1;
    return states * states * 4 > MAX_TABLE_BYTES ? null : new CoolingStats(states, nowNs);
  }

  /** The device was set to `state`. */
  update(state: number, nowNs: number): void {
    if (state === this.state) return;
    this.timeInState[this.state] += nowNs - this.lastTimeNs;
    this.lastTimeNs = nowNs;
    this.transTable[this.state * this.states + state]++;
    this.state = state;
    this.totalTrans++;
  }

  /** Everything back to zero; the present state goes on accruing. */
  reset(nowNs: number): void {
    this.totalTrans = 0;
    this.lastTimeNs = nowNs;
    this.timeInState.fill(0);
    this.transTable.fill(0);
  }

  /** `time_in_state_ms`: one line a state, milliseconds truncated. */
  timeInStateText(nowNs: number): string {
    let text = "";
    for (let i = 0; i < this.states; i++) {
      const ns = this.timeInState[i] + (i === this.state ? nowNs - this.lastTimeNs : 0);
      text += `state${i}\t${Math.floor(ns / 1e6)}\n`;
    }
    return text;
  }

  /** `trans_table`, or null when it does not fit in a page (the reader then gets EFBIG). */
  transTableText(): string | null {
    let text = " From  :    To\n       : ";
    for (let i = 0; i < this.states; i++) text += `state${String(i).padStart(2)}  `;
    text += "\n";
    for (let from = 0; from < this.states; from++) {
      if (text.length >= PAGE_SIZE) return null;
      text += `state${String(from).padStart(2)}:`;
      for (let to = 0; to < this.states; to++) {
        text += `${String(this.transTable[from * this.states + to]).padStart(8)} `;
      }
      text += "\n";
    }
    return text.length >= PAGE_SIZE ? null : text;
  }
}
