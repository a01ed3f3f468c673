/**
 * A table made from another one: `{ ...base, ...more }`, as a call that a bundler may leave out when nobody uses the result (it must keep a
 * spread, which could run a getter). Write it as a pure call where a module makes a table: `extend(treeOps, { lookup })`.
 */
export function extend<A extends object, B extends object>(base: A, more: B): Omit<A, keyof B> & B {
  return { ...base, ...more };
}
