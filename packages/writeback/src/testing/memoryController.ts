/** The smallest memory controller, for tests: who dirtied a page first pays for it, without limits but the one that is set. */
import {
  type Core,
  type Css,
  type Feature,
  NR_FILE_DIRTY,
  NR_FILE_PAGES,
  NR_WRITEBACK,
  statePages,
  stateSlot,
} from "@kernelkit/core";

interface Counts {
  filepages: number;
  dirty: number;
  writeback: number;
  /** Pages. */
  max: number;
}

export interface TestMemoryApi {
  /** Limit of a group, pages. */
  setMax(css: Css, pages: number): void;
  cssOf(path: string): Css;
}

export function testMemory(): Feature<"testMemory", TestMemoryApi, object, never, "memcg"> {
  const owners: (Css | undefined)[] = [];
  let index = -1;
  const of = (css: Css): Counts => css.data as Counts;
  let root: Css | null = null;
  const cssOfPage = (pfn: number): Css => owners[pfn] ?? (root as Css);
  return {
    name: "testMemory",
    gives: {
      memcg: (k: Core) => ({
        cssOfTask: (t) => k.cgroup.css(t, index),
        cssOfPage,
        wbStats(css, out) {
          const c = of(css);
          Object.assign(out, {
            filepages: c.filepages,
            dirty: c.dirty,
            writeback: c.writeback,
            headroom: c.max - c.filepages,
          });
        },
      }),
    },
    install(k) {
      index = k.cgroup.register({
        name: "memory",
        cssAlloc(_k, css) {
          css.data = { filepages: 0, dirty: 0, writeback: 0, max: Number.POSITIVE_INFINITY } satisfies Counts;
          root ??= css;
        },
      });
      k.hooks.pageCharge.tap(100, "testMemory", (pfn, r) => {
        if (r.task !== null) owners[pfn] = k.cgroup.css(r.task, index);
        return 0;
      });
      k.hooks.pageUncharge.tap(100, "testMemory", (pfn) => {
        owners[pfn] = undefined;
      });
      k.hooks.pageState.tap(100, "testMemory", (pfn, change) => {
        const c = of(cssOfPage(pfn));
        const n = statePages(change);
        const slot = stateSlot(change);
        if (slot === NR_FILE_PAGES) c.filepages += n;
        else if (slot === NR_FILE_DIRTY) c.dirty += n;
        else if (slot === NR_WRITEBACK) c.writeback += n;
      });
      const api: TestMemoryApi = {
        setMax(css, pages) {
          of(css).max = pages;
        },
        cssOf(path) {
          const task = k.tasks.all().find((t) => k.cgroup.css(t, index).cgroup.path === path);
          if (task === undefined) throw new RangeError(`no task in ${path}`);
          return k.cgroup.css(task, index);
        },
      };
      return { api };
    },
  };
}
