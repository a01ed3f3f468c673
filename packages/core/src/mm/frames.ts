/**
 * Page frames: the machine's memory as columns, one typed array per field, indexed by page frame number (pfn). Linux's `struct
 * page` and page flags (kernel documents mm/physical_memory, admin-guide/mm/pagemap), 16 bytes a page instead of 64.
 *
 * - pfn 0 and 1 are the kernel's own and never handed out: 0 means "no page" everywhere, 1 is the zero page.
 * - All fields zero = free and untouched. Nothing is written at boot, so a machine costs only the memory it touches.
 * - A package adds a field with `k.mm.addColumn(name, type)`; `k.mm.bytesPerPage` is what all of them cost.
 * - `owner` and `index` of a used page say where it belongs: an address space or anonymous area (its id) and the page index
 *   there (low 32 bits). Of a free block they are links of the buddy allocator.
 */

export const PG_LOCKED = 1;
export const PG_REFERENCED: number = 1 << 1;
export const PG_UPTODATE: number = 1 << 2;
export const PG_DIRTY: number = 1 << 3;
export const PG_LRU: number = 1 << 4;
export const PG_ACTIVE: number = 1 << 5;
export const PG_WORKINGSET: number = 1 << 6;
export const PG_WRITEBACK: number = 1 << 7;
export const PG_RECLAIM: number = 1 << 8;
export const PG_SWAPBACKED: number = 1 << 9;
export const PG_UNEVICTABLE: number = 1 << 10;
export const PG_MLOCKED: number = 1 << 11;
export const PG_SWAPCACHE: number = 1 << 12;
export const PG_ANON: number = 1 << 13;
export const PG_KSM: number = 1 << 14;
/** First frame of a block of 2^order pages that is used as one, and the others. */
export const PG_HEAD: number = 1 << 15;
export const PG_TAIL: number = 1 << 16;
export const PG_ISOLATED: number = 1 << 17;
export const PG_STABLE: number = 1 << 18;
export const PG_LAZYFREE: number = 1 << 19;
export const PG_HINTED: number = 1 << 20;
export const PG_ZEROPAGE: number = 1 << 21;
export const PG_RESERVED: number = 1 << 22;
/** First frame of a free block. */
export const PG_BUDDY: number = 1 << 23;
/** Bytes are kept for it in `k.mm.pageData`. */
export const PG_DATA: number = 1 << 24;
/** A page of page tables. */
export const PG_TABLE: number = 1 << 25;
/** The order of a BUDDY, HEAD or TAIL stands in the top five bits. */
export const PG_ORDER_SHIFT = 27;

export const ZERO_PFN = 1;
/** Frames that are never handed out. */
export const RESERVED_PFNS = 2;

export const HPAGE_PMD_ORDER = 9;
export const HPAGE_PMD_NR = 512;

export type ColumnType = "Uint8" | "Int8" | "Uint16" | "Int16" | "Uint32" | "Int32";
export type ColumnArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

interface ColumnTypes {
  Uint8: Uint8Array;
  Int8: Int8Array;
  Uint16: Uint16Array;
  Int16: Int16Array;
  Uint32: Uint32Array;
  Int32: Int32Array;
}

/** The array type of a column. */
export type ColumnOf<T extends ColumnType> = ColumnTypes[T];

const ARRAYS: { readonly [T in ColumnType]: new (n: number) => ColumnTypes[T] } = {
  Uint8: Uint8Array,
  Int8: Int8Array,
  Uint16: Uint16Array,
  Int16: Int16Array,
  Uint32: Uint32Array,
  Int32: Int32Array,
};

export class Frames {
  /** Columns by name, core's first: all of a snapshot's per-page state. */
  readonly columns: Map<string, ColumnArray> = new Map();
  /** PG_ bits; the order of a block in the top five. */
  readonly flags: Int32Array;
  /** Users of the page; 0 = free. Sticks at 65535. */
  readonly refcount: Uint16Array;
  /** Page table entries that map it; of a huge page, entries that map the whole of it, at its head. */
  readonly mapcount: Uint16Array;
  readonly owner: Int32Array;
  /** Low 32 bits: read with `>>> 0`. */
  readonly index: Int32Array;

  constructor(
    /** Frames of the machine. */
    readonly nr: number,
  ) {
    this.flags = this.add("flags", "Int32");
    this.refcount = this.add("refcount", "Uint16");
    this.mapcount = this.add("mapcount", "Uint16");
    this.owner = this.add("owner", "Int32");
    this.index = this.add("index", "Int32");
  }

  /** A new column, all zero. TypeError if the name is taken or the type unknown. */
  add<T extends ColumnType>(name: string, type: T): ColumnOf<T> {
    if (this.columns.has(name)) throw new TypeError(`page column '${name}' is taken`);
    const A = ARRAYS[type];
    if (A === undefined)
      throw new TypeError(`page column '${name}': type must be ${Object.keys(ARRAYS).join(", ")}, not ${String(type)}`);
    const a = new A(this.nr);
    this.columns.set(name, a as ColumnArray);
    return a as ColumnOf<T>;
  }

  /** Bytes per page of all columns. */
  get bytesPerPage(): number {
    let n = 0;
    for (const a of this.columns.values()) n += a.BYTES_PER_ELEMENT;
    return n;
  }

  /** The first frame of the block that `pfn` is part of. */
  head(pfn: number): number {
    const f = this.flags[pfn];
    return (f & PG_TAIL) === 0 ? pfn : pfn & -(1 << (f >>> PG_ORDER_SHIFT));
  }

  /** Pages of the block whose head is `pfn`: 1 for a single page. */
  pages(pfn: number): number {
    const f = this.flags[pfn];
    return (f & PG_HEAD) === 0 ? 1 : 1 << (f >>> PG_ORDER_SHIFT);
  }
}
