/** Fields that packages put on core's objects: `k.slots.task.add("memcg", init)` gives an index into `task.slots`. */
export class Slots<T> {
  private readonly names: string[] = [];
  private readonly inits: ((owner: T) => unknown)[] = [];

  /** A new field; `init` gives its first value for each new owner (plain state). TypeError if the name is taken. */
  add(name: string, init: (owner: T) => unknown): number {
    if (this.names.includes(name)) throw new TypeError(`slot '${name}' is taken`);
    this.names.push(name);
    this.inits.push(init);
    return this.names.length - 1;
  }

  /** The index of a field, -1: there is none of that name. */
  indexOf(name: string): number {
    return this.names.indexOf(name);
  }

  /** How many fields are defined. */
  get count(): number {
    return this.names.length;
  }

  /** Fill a new owner's slots. */
  fill(owner: T, slots: unknown[]): void {
    for (let i = 0; i < this.inits.length; i++) slots[i] = this.inits[i](owner);
  }
}
