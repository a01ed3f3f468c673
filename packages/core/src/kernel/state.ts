/**
 * State is data: everything that changes while a kernel runs hangs from registered roots, and one walk over it gives the
 * checkpoint, the state digest and the path at which two states differ.
 *
 * - `root(name, object)`: a living object whose fields are state. A restore fills this very object.
 * - `class(Ctor)`: instances may occur in state. `static transient = ["gen"]` names fields that can be rebuilt and are not
 *   state; a method `restored()` is called on each instance once the whole graph is back.
 * - `static(name, value)`: an object or function that does not change (an ops table, a definition, the kernel itself);
 *   state refers to it by name.
 * A function that is not a static, or an instance of a class nobody registered, throws and names its path.
 *
 * Allowed values: primitives, bigint, plain objects, arrays, Map, Set, ArrayBuffer views, registered classes.
 * Object identity is kept: what was shared is shared after a restore.
 */

type Ctor = { new (...args: never[]): object; readonly name: string; readonly transient?: readonly string[] };

/** A checkpoint's graph: `nodes[i]` describes object i; roots are named. Plain JSON. */
export interface StateGraph {
  readonly nodes: unknown[];
  readonly roots: Record<string, number>;
}

/** A value in the graph: JSON primitives as they are, everything else as a one-key object. */
type Enc = unknown;

const VIEWS: Record<string, new (b: ArrayBuffer) => ArrayBufferView> = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

export class StateRegistry {
  private readonly roots: Map<string, object> = new Map();
  private readonly rootNames: Map<object, string> = new Map();
  /** In order of registration; the two maps are made of them before the state is walked. */
  private readonly ctors: Set<Ctor> = new Set();
  private readonly classes: Map<string, Ctor> = new Map();
  private readonly classNames: Map<object, string> = new Map();
  private readonly statics: Map<string, object> = new Map();
  /** The other way round; made when it is first asked for. */
  private namesOfStatics: Map<unknown, string> | null = null;
  /** Parts of the state that are not made before somebody looks at them; in order. */
  private pending: (() => void)[] = [];

  /**
   * State (or statics) that a boot need not pay for: `make` makes it if it is not there yet. Called, in order of registration, before
   * the state is walked, so that no walk sees who has looked.
   */
  lazily(make: () => void): void {
    this.pending.push(make);
  }

  private settle(): void {
    while (this.pending.length > 0) {
      const { pending } = this;
      this.pending = [];
      for (const make of pending) make();
    }
  }

  root(name: string, object: object): void {
    if (this.roots.has(name)) throw new TypeError(`state root '${name}' is registered twice`);
    this.roots.set(name, object);
    this.rootNames.set(object, name);
  }

  /** A root, for observers; undefined: there is none of that name. */
  rootNamed(name: string): object | undefined {
    this.settle();
    return this.roots.get(name);
  }

  class(...ctors: Ctor[]): void {
    for (const ctor of ctors) this.ctors.add(ctor);
  }

  private indexClasses(): void {
    for (const ctor of this.ctors) {
      const other = this.classes.get(ctor.name);
      if (other !== undefined && other !== ctor) throw new TypeError(`state class '${ctor.name}' is registered twice`);
      this.classes.set(ctor.name, ctor);
      this.classNames.set(ctor.prototype, ctor.name);
    }
  }

  static(name: string, value: object): void {
    const other = this.statics.get(name);
    if (other !== undefined && other !== value) throw new TypeError(`static '${name}' is registered twice`);
    this.statics.set(name, value);
    this.namesOfStatics?.set(value, name);
  }

  staticNamed(name: string): object | undefined {
    return this.statics.get(name);
  }

  private get staticNames(): Map<unknown, string> {
    if (this.namesOfStatics === null) {
      this.namesOfStatics = new Map();
      for (const [name, value] of this.statics) this.namesOfStatics.set(value, name);
    }
    return this.namesOfStatics;
  }

  isStatic(value: unknown): boolean {
    return this.staticNames.has(value);
  }

  /** The whole state (or only the named roots) as plain JSON data. */
  save(only?: readonly string[]): StateGraph {
    this.settle();
    this.indexClasses();
    const nodes: unknown[] = [];
    const ids = new Map<object, number>();
    const todo: { object: object; id: number; path: string }[] = [];
    const enc = (v: unknown, path: string): Enc => {
      switch (typeof v) {
        case "string":
        case "boolean":
          return v;
        case "number":
          return Number.isFinite(v) && !Object.is(v, -0) ? v : { n: Object.is(v, -0) ? "-0" : String(v) };
        case "undefined":
          return { u: 1 };
        case "bigint":
          return { b: String(v) };
        case "symbol":
        case "function": {
          const name = this.staticNames.get(v);
          if (name === undefined) throw new TypeError(`state holds a ${typeof v} at ${path}`);
          return { s: name };
        }
      }
      if (v === null) return null;
      const object = v as object;
      const stat = this.staticNames.get(object);
      if (stat !== undefined) return { s: stat };
      const root = this.rootNames.get(object);
      if (root !== undefined && only === undefined) return { r: root };
      let id = ids.get(object);
      if (id === undefined) {
        id = nodes.length;
        nodes.push(null);
        ids.set(object, id);
        todo.push({ object, id, path });
      }
      return { o: id };
    };
    const fields = (object: object, transient: readonly string[] | undefined, path: string): Record<string, Enc> => {
      const out: Record<string, Enc> = {};
      for (const k of Object.keys(object)) {
        if (transient?.includes(k)) continue;
        out[k] = enc((object as Record<string, unknown>)[k], `${path}.${k}`);
      }
      return out;
    };
    const node = (object: object, path: string): unknown => {
      if (Array.isArray(object)) return { a: object.map((v, i) => enc(v, `${path}[${i}]`)) };
      if (object instanceof Map)
        return { m: [...object].map(([k, v]) => [enc(k, `${path}.key`), enc(v, `${path}.get(${String(k)})`)]) };
      if (object instanceof Set) return { S: [...object].map((v) => enc(v, `${path}.item`)) };
      if (ArrayBuffer.isView(object)) {
        const view = object as ArrayBufferView;
        return {
          t: view.constructor.name,
          d: encodeBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)),
        };
      }
      const proto = Object.getPrototypeOf(object);
      if (proto === Object.prototype || proto === null) return { f: fields(object, undefined, path) };
      const name = this.classNames.get(proto);
      if (name === undefined)
        throw new TypeError(`state holds an instance of unregistered class '${object.constructor?.name}' at ${path}`);
      return { c: name, f: fields(object, (this.classes.get(name) as Ctor).transient, path) };
    };
    const roots: Record<string, number> = {};
    for (const name of [...this.roots.keys()].sort()) {
      if (only !== undefined && !only.includes(name)) continue;
      const object = this.roots.get(name) as object;
      const id = nodes.length;
      nodes.push(null);
      ids.set(object, id);
      roots[name] = id;
      nodes[id] = { f: fields(object, (object.constructor as Ctor).transient, name) };
      for (let next = todo.pop(); next !== undefined; next = todo.pop()) nodes[next.id] = node(next.object, next.path);
    }
    return { nodes, roots };
  }

  /**
   * Put a saved state back. Objects that live at the same path now (made by the same boot, or held by a user since the
   * checkpoint) are filled in place, so references to them stay good; numbered ones (`serial`) only if the number is the same.
   * Everything else is made anew. Throws (TypeError) when the graph names a class, static or root that this kernel does not
   * have; the kernel is then not usable.
   */
  load(graph: StateGraph): void {
    this.settle();
    this.indexClasses();
    const nodes = graph.nodes as Node[];
    const made = this.pair(graph, nodes);
    nodes.forEach((n, i) => {
      if (made[i] === null) made[i] = this.make(n);
    });
    const dec = (v: Enc): unknown => {
      if (typeof v !== "object" || v === null) return v;
      const e = v as { o?: number; s?: string; r?: string; n?: string; b?: string; u?: number };
      if (e.o !== undefined) return made[e.o];
      if (e.s !== undefined) {
        const s = this.statics.get(e.s);
        if (s === undefined) throw new TypeError(`checkpoint names '${e.s}', which this kernel does not have`);
        return s;
      }
      if (e.r !== undefined) return this.roots.get(e.r);
      if (e.n !== undefined) return Number(e.n);
      if (e.b !== undefined) return BigInt(e.b);
      return undefined;
    };
    nodes.forEach((n, i) => {
      const object = made[i] as object;
      if (n.a) {
        const array = object as unknown[];
        array.length = 0;
        for (const v of n.a) array.push(dec(v));
      } else if (n.m) {
        const map = object as Map<unknown, unknown>;
        map.clear();
        for (const [k, v] of n.m) map.set(dec(k), dec(v));
      } else if (n.S) {
        const set = object as Set<unknown>;
        set.clear();
        for (const v of n.S) set.add(dec(v));
      } else if (n.f) {
        const record = object as Record<string, unknown>;
        if (n.c === undefined)
          for (const k of Object.keys(record)) if (!(k in n.f) && !isTransient(object, k)) delete record[k];
        for (const k of Object.keys(n.f)) record[k] = dec(n.f[k]);
      }
    });
    const rootIds = new Set(Object.values(graph.roots));
    for (let i = 0; i < made.length; i++) {
      if (!rootIds.has(i)) (made[i] as { restored?: () => void }).restored?.();
    }
    for (const name of Object.keys(graph.roots).sort())
      (this.roots.get(name) as { restored?: () => void }).restored?.();
  }

  /** Find the living object of each node, by walking state and graph side by side from the roots. */
  private pair(graph: StateGraph, nodes: Node[]): (object | null)[] {
    const made: (object | null)[] = new Array(nodes.length).fill(null);
    const claimed = new Set<object>();
    const todo: number[] = [];
    for (const [name, id] of Object.entries(graph.roots)) {
      const root = this.roots.get(name);
      if (root === undefined) throw new TypeError(`checkpoint has state '${name}', which this kernel does not have`);
      made[id] = root;
      claimed.add(root);
      todo.push(id);
    }
    const match = (v: Enc, living: unknown): void => {
      const id = (v as { o?: number } | null)?.o;
      if (id === undefined || made[id] !== null || typeof living !== "object" || living === null || claimed.has(living))
        return;
      if (this.staticNames.has(living) || !this.fits(nodes[id], living)) return;
      claimed.add(living);
      if (nodes[id].t !== undefined) (living as Uint8Array).set(this.make(nodes[id]) as Uint8Array);
      made[id] = living;
      todo.push(id);
    };
    for (let i = 0; i < todo.length; i++) {
      const n = nodes[todo[i]];
      const living = made[todo[i]] as object;
      if (n.a) for (let j = 0; j < n.a.length; j++) match(n.a[j], (living as unknown[])[j]);
      else if (n.m) {
        for (const [k, v] of n.m) if (typeof k !== "object") match(v, (living as Map<unknown, unknown>).get(k));
      } else if (n.f) for (const k of Object.keys(n.f)) match(n.f[k], (living as Record<string, unknown>)[k]);
    }
    return made;
  }

  /** Can the living object be filled with what the node describes? */
  private fits(n: Node, living: object): boolean {
    if (n.a) return Array.isArray(living);
    if (n.m) return living instanceof Map;
    if (n.S) return living instanceof Set;
    if (n.t !== undefined) {
      if (living.constructor.name !== n.t) return false;
      return (living as Uint8Array).byteLength === Number((n.d as string).slice(0, (n.d as string).indexOf(":")));
    }
    if (n.c === undefined) return Object.getPrototypeOf(living) === Object.prototype;
    if (this.classNames.get(Object.getPrototypeOf(living)) !== n.c) return false;
    const serial = n.f?.["serial"];
    return serial === undefined || (living as { serial?: unknown }).serial === serial;
  }

  private make(n: Node): object {
    if (n.a) return [];
    if (n.m) return new Map();
    if (n.S) return new Set();
    if (n.t !== undefined) {
      const View = VIEWS[n.t];
      if (View === undefined) throw new TypeError(`checkpoint has an unknown array type '${n.t}'`);
      return new View(decodeBytes(n.d as string));
    }
    if (n.c === undefined) return {};
    const ctor = this.classes.get(n.c);
    if (ctor === undefined) throw new TypeError(`checkpoint has class '${n.c}', which this kernel does not have`);
    return Object.create(ctor.prototype) as object;
  }
}

/** An object of a checkpoint: array, map, set, typed array, or fields of a plain object or (c) a class. */
interface Node {
  a?: Enc[];
  m?: [Enc, Enc][];
  S?: Enc[];
  t?: string;
  d?: string;
  f?: Record<string, Enc>;
  c?: string;
}

function isTransient(object: object, field: string): boolean {
  return ((object.constructor as Ctor | undefined)?.transient ?? []).includes(field);
}

const B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const CODES: Uint8Array = /* @__PURE__ */ Uint8Array.from(B64, (c) => c.charCodeAt(0));
/** Bytes encoded at a time: a multiple of three. */
const PIECE = 6144;

function base64(bytes: Uint8Array, from: number, to: number): string {
  const codes: number[] = [];
  for (let i = from; i < to; i += 3) {
    const w = (bytes[i] << 16) | ((i + 1 < to ? bytes[i + 1] : 0) << 8) | (i + 2 < to ? bytes[i + 2] : 0);
    codes.push(CODES[w >> 18], CODES[(w >> 12) & 63], CODES[(w >> 6) & 63], CODES[w & 63]);
  }
  return String.fromCharCode(...codes);
}

/** Bytes as text: runs of zeros as `.N.`, the rest base64 in blocks, total length first. */
function encodeBytes(bytes: Uint8Array): string {
  const parts = [`${bytes.length}:`];
  let i = 0;
  while (i < bytes.length) {
    let z = i;
    while (z < bytes.length && bytes[z] === 0) z++;
    if (z - i >= 12 || z === bytes.length) {
      parts.push(`.${z - i}.`);
      i = z;
      continue;
    }
    // a block ends where 12 or more zeros begin
    let e = i;
    let zeros = 0;
    while (e < bytes.length && zeros < 12) {
      zeros = bytes[e] === 0 ? zeros + 1 : 0;
      e++;
    }
    if (zeros >= 12) e -= zeros;
    parts.push(`${e - i}=`);
    // in pieces: a string grown by four characters at a time is a rope of as many parts
    for (; i < e; i += PIECE) parts.push(base64(bytes, i, Math.min(e, i + PIECE)));
    i = e;
  }
  return parts.join("");
}

function decodeBytes(text: string): ArrayBuffer {
  let p = text.indexOf(":");
  const out = new Uint8Array(Number(text.slice(0, p)));
  p++;
  let o = 0;
  while (p < text.length) {
    if (text[p] === ".") {
      const q = text.indexOf(".", p + 1);
      o += Number(text.slice(p + 1, q));
      p = q + 1;
      continue;
    }
    const q = text.indexOf("=", p);
    const len = Number(text.slice(p, q));
    p = q + 1;
    for (let k = 0; k < len; k += 3) {
      let w = 0;
      for (let j = 0; j < 4; j++) w = (w << 6) | B64.indexOf(text[p++]);
      out[o + k] = w >> 16;
      if (k + 1 < len) out[o + k + 1] = w >> 8;
      if (k + 2 < len) out[o + k + 2] = w;
    }
    o += len;
  }
  return out.buffer;
}
