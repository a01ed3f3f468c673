/**
 * Keyrings as a table: by name, the keys in them. Packages put keys in and look them up; there are no system calls.
 * keyrings(7).
 */
export interface Key {
  /** "asymmetric", "user", "encrypted" ... */
  readonly type: string;
  readonly desc: string;
  readonly payload: Uint8Array;
}

export class Keyrings {
  readonly byName: Map<string, Key[]> = new Map();

  /** Add a key; one of the same type and description is replaced. The keyring is made if it is not there. */
  add(keyring: string, key: Key): void {
    const keys = this.byName.get(keyring) ?? [];
    const i = keys.findIndex((k) => k.type === key.type && k.desc === key.desc);
    if (i >= 0) keys[i] = key;
    else keys.push(key);
    this.byName.set(keyring, keys);
  }

  /** The keys of a keyring in the order of their adding; none if it does not exist. */
  keys(keyring: string): readonly Key[] {
    return this.byName.get(keyring) ?? [];
  }

  find(keyring: string, type: string, desc: string): Key | undefined {
    return this.keys(keyring).find((k) => k.type === type && k.desc === desc);
  }
}
