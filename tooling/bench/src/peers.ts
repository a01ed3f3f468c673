// The npm libraries that benchmarks are held to, by name. A benchmark file loads them here, `(await peers.flatqueue()).default`, since they are
// dependencies of this tool and of no package. One that is not installed rejects, and its row is shown as absent.
//
// simjs and simscript are written for a page: loading one gives the process the two globals that it looks for.

export const peers = {
  datastructuresPriorityQueue: (): Promise<typeof import("@datastructures-js/priority-queue")> =>
    import("@datastructures-js/priority-queue"),
  eventemitter3: (): Promise<typeof import("eventemitter3")> => import("eventemitter3"),
  flatqueue: (): Promise<typeof import("flatqueue")> => import("flatqueue"),
  heapJs: (): Promise<typeof import("heap-js")> => import("heap-js"),
  lruCache: (): Promise<typeof import("lru-cache")> => import("lru-cache"),
  memfs: (): Promise<typeof import("memfs")> => import("memfs"),
  mitt: (): Promise<typeof import("mitt")> => import("mitt"),
  mnemonist: (): Promise<typeof import("mnemonist")> => import("mnemonist"),
  nanoevents: (): Promise<typeof import("nanoevents")> => import("nanoevents"),
  pino: (): Promise<typeof import("pino")> => import("pino"),
  quickLru: (): Promise<typeof import("quick-lru")> => import("quick-lru"),
  roarr: (): Promise<typeof import("roarr")> => import("roarr"),
  simjs: (): Promise<Simjs> => loadSimjs(),
  simscript: (): Promise<Simscript> => loadSimscript(),
  tinyqueue: (): Promise<typeof import("tinyqueue")> => import("tinyqueue"),
  winston: (): Promise<typeof import("winston")> => import("winston"),
} as const;

/** The part of simjs's `Sim` that a benchmark of sleeping processes uses; the library has no types of its own. */
export interface Simjs {
  readonly Sim: new () => {
    addEntity(entity: new (...args: never[]) => object): object;
    simulate(until: number): boolean;
  };
  /** A subclass's `start` is called when the simulation starts. */
  readonly Entity: new (
    ...args: never[]
  ) => { setTimer(delay: number): { done(callback: (this: unknown) => void): unknown }; time(): number };
}

type Simscript = Pick<typeof import("simscript"), "Simulation" | "Entity">;

interface Page {
  window?: { Sim?: Simjs };
  requestAnimationFrame?: (callback: () => void) => unknown;
}

function page(): Page {
  const global = globalThis as unknown as Page;
  global.window ??= {};
  global.requestAnimationFrame ??= (callback) => setImmediate(callback);
  return global;
}

async function loadSimjs(): Promise<Simjs> {
  const { window } = page();
  // @ts-expect-error: the library has no types
  await import("simjs");
  return window?.Sim as Simjs;
}

async function loadSimscript(): Promise<Simscript> {
  page();
  // Its main file draws and needs a document; these two do not.
  const [{ Simulation }, { Entity }] = await Promise.all([
    import("simscript/dist/simulation.js"),
    import("simscript/dist/entity.js"),
  ]);
  return { Simulation, Entity };
}
