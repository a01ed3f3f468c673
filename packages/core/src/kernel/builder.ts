/**
 * How a kernel is put together: the parts of core that it has, then the packages given with `.use(...)`, in order of names; see
 * kernel/feature.ts. createKernel.ts, full.ts and simulator.ts say which parts.
 */
import type { Checkpoint } from "./checkpoint.js";
import { Core, type Part } from "./core.js";
import { coreInstance, otherCore } from "./coreInstance.js";
import type { Builder, EmptyApi, Feature } from "./feature.js";
import { KernelObject } from "./kernel.js";
import { type KernelOptions, resolveOptions } from "./options.js";
import type { AnyProgramDef } from "./program.js";

type AnyFeature = Feature<string, unknown, never, never, never>;

/** Names that a package cannot have, since the kernel has them. */
const TAKEN: ReadonlySet<string> = /* @__PURE__ */ new Set(["core", "features", "constructor"]);

/** A builder over exactly the given parts of core. */
export function assemble<S>(parts: readonly Part[], options: KernelOptions): Builder<EmptyApi, S> {
  const resolved = resolveOptions(options);
  const features: AnyFeature[] = [];
  const make = (): KernelObject<S> => {
    features.sort((a, b) => (a.name < b.name ? -1 : 1));
    const k = new Core(resolved);
    for (const p of parts) p.install(k);
    const given = new Map<string, string>();
    for (const f of features) {
      for (const [c, give] of Object.entries((f.gives ?? {}) as Record<string, (k: Core) => unknown>)) {
        const other = given.get(c);
        if (other !== undefined) throw new TypeError(`contract '${c}' is given by both '${other}' and '${f.name}'`);
        given.set(c, f.name);
        (k.contracts as Record<string, unknown>)[c] = give(k);
      }
    }
    for (const f of features)
      for (const need of (f.needs ?? []) as readonly string[])
        if (!(need in k.contracts))
          throw new TypeError(`package '${f.name}' needs contract '${need}': .use() a package that gives it`);
    const boots: (() => void)[] = [];
    const kernel = new KernelObject<S>(
      k,
      features.map((f) => f.name),
    );
    for (const f of features) {
      const i = f.install(k) as { api: unknown; sys?: object; boot?: () => void };
      if (i.sys !== undefined) k.syscalls.add(i.sys);
      if (i.boot !== undefined) boots.push(i.boot);
      Object.defineProperty(kernel, f.name, { value: i.api, enumerable: true });
    }
    k.state.lazily(() => {
      for (const e of k.syscalls.byName.values()) k.state.static(`sys.${e.name}`, e);
    });
    k.entry.ready();
    for (const p of parts) p.boot?.(k);
    for (const boot of boots) boot();
    k.tasks.finishBoot();
    k.booted = true;
    return kernel;
  };
  const b = {
    use(f: AnyFeature) {
      if (typeof f?.name !== "string" || typeof f.install !== "function")
        throw new TypeError(`use: takes a feature, such as memcg() gives; not ${String(f)}`);
      if (f.core !== undefined && f.core !== coreInstance) throw otherCore(`use: package '${f.name}'`);
      if (features.some((x) => x.name === f.name)) throw new TypeError(`use: package '${f.name}' is used twice`);
      if (TAKEN.has(f.name) || f.name in KernelObject.prototype)
        throw new TypeError(`use: a package cannot be named '${f.name}'`);
      features.push(f);
      return b;
    },
    boot: make,
    restore(c: Checkpoint, programs: readonly AnyProgramDef[] = []) {
      const kernel = make();
      for (const p of programs) kernel.core.programs.add(p);
      kernel.restore(c);
      return kernel;
    },
  };
  return b as unknown as Builder<EmptyApi, S>;
}
