/**
 * What is counted per real user: processes (RLIMIT_NPROC) and queued signals (RLIMIT_SIGPENDING). One object per kernel uid while
 * any task has it. getrlimit(2).
 */
export class UserCounts {
  /** Tasks, threads included. */
  processes = 0;
  sigpending = 0;

  constructor(readonly uid: number) {}
}

export class Users {
  readonly byUid: Map<number, UserCounts> = new Map();

  get(uid: number): UserCounts {
    let u = this.byUid.get(uid);
    if (u === undefined) {
      u = new UserCounts(uid);
      this.byUid.set(uid, u);
    }
    return u;
  }

  /** A task of the user has gone. */
  dropTask(u: UserCounts): void {
    u.processes--;
    this.prune(u);
  }

  /** A queued signal of the user has been taken. */
  dropSignal(u: UserCounts): void {
    u.sigpending--;
    this.prune(u);
  }

  private prune(u: UserCounts): void {
    if (u.processes === 0 && u.sigpending === 0) this.byUid.delete(u.uid);
  }
}
