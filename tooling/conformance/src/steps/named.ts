/**
 * Descriptors and mappings that a case names without `$` ("k", "m"): each task has its own names, a child starts with its
 * parent's.
 */
import { Mismatch } from "../outcome.js";
import type { Session } from "../session.js";

/** A mapping: where it is and how long, bytes. */
export interface NamedMap {
  readonly addr: number;
  readonly length: number;
}

export class Names<T> {
  private readonly byTask: Map<string, Map<string, T>> = new Map();

  constructor(private readonly what: string) {}

  set(task: string, name: string, value: T): void {
    let names = this.byTask.get(task);
    if (names === undefined) {
      names = new Map();
      this.byTask.set(task, names);
    }
    names.set(name, value);
  }

  /** Mismatch if the task has nothing of that name. */
  get(task: string, name: unknown): T {
    const value = this.find(task, String(name));
    if (value === undefined)
      throw new Mismatch(`a ${this.what} named ${String(name)} of task ${task}`, "there is none");
    return value;
  }

  find(task: string, name: string): T | undefined {
    return this.byTask.get(task)?.get(name);
  }

  delete(task: string, name: string): void {
    this.byTask.get(task)?.delete(name);
  }

  /** A child has what its parent has. */
  inherit(parent: string, child: string): void {
    this.byTask.set(child, new Map(this.byTask.get(parent)));
  }
}

/** The descriptors of this case's tasks. */
export const fdNames = (s: Session): Names<number> => s.state("fds", () => new Names<number>("descriptor"));

/** The mappings of this case's tasks. */
export const mapNames = (s: Session): Names<NamedMap> => s.state("maps", () => new Names<NamedMap>("mapping"));

/** The number of a descriptor: given as such, or by its name. */
export const fdOf = (s: Session, task: string, fd: unknown): number =>
  typeof fd === "number" ? fd : fdNames(s).get(task, fd);
