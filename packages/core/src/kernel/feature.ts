/**
 * What a package is to a kernel: a `Feature`, and the builder that composes features. `use` describes a set; what is missing
 * is a compile error at `boot()`:
 *
 *     Type 'MissingContract<"package 'memcg' needs contract 'swap': .use() a package that gives it">' has no call signatures.
 *
 * A package is a function with its written return type:
 *
 *     export function memcg(o?: MemcgOptions): Feature<"memcg", MemcgApi, MemcgSys> { ... }
 */
import type { MemcgOps } from "../mm/memcgOps.js";
import type { SwapOps } from "../mm/swap.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Impl, SysBase } from "../sys/types.js";
import type { Core } from "./core.js";
import type { CoreInstance } from "./coreInstance.js";
import type { Kernel } from "./kernel.js";

/**
 * Interfaces that packages meet through, named by core or by declaration merging. A contract that nobody gives is absent from
 * `k.contracts`; a package that cannot do without it names it in `needs`.
 */
export interface Contracts {
  swap: SwapOps;
  memcg: MemcgOps;
  /** Memory policies as mount options: `parse` gives plain state (null: the default) or fails EINVAL, `text` is what is shown. */
  mempolicy: { parse(text: string): object | null; text(policy: object): string };
}

export type ContractName = keyof Contracts & string;

export interface Feature<
  N extends string,
  Api,
  Sys = SysBase,
  Needs extends ContractName = never,
  Gives extends ContractName = never,
> {
  readonly name: N;
  /** The copy of core that the package was built against; `use` refuses another than its own. */
  readonly core?: CoreInstance;
  readonly needs?: readonly Needs[];
  /** Made before any install. A contract may be kept during install but not called before boot. */
  readonly gives?: { readonly [C in Gives]: (k: Core) => Contracts[C] };
  /** Taps hooks, registers files, calls, state. Runs once, in order of names. */
  install(k: Core): Installed<Api, Sys>;
}

export interface Installed<Api, Sys> {
  readonly api: Api;
  readonly sys?: Impl<Sys>;
  /** After every package is installed and memory is sized: make kernel threads, arm timers. */
  boot?(): void;
}

export interface MissingContract<Message extends string> {
  readonly missing: Message;
}

type Unmet<Need extends string, Have extends string> = Need extends `${infer P}:${infer C}`
  ? C extends Have
    ? never
    : `package '${P}' needs contract '${C}': .use() a package that gives it`
  : never;

export interface Builder<A, S, Need extends string = never, Have extends string = never> {
  /** Add a package. The order of `use` never matters. TypeError if its name is taken. */
  use<N extends string, Api, Sys, Ne extends ContractName = never, G extends ContractName = never>(
    feature: Feature<N, Api, Sys, Ne, G>,
  ): Builder<A & { readonly [K in N]: Api }, S & Sys, Need | `${N}:${Ne}`, Have | G>;
  /** Make the kernel. */
  readonly boot: [Unmet<Need, Have>] extends [never] ? () => Kernel<A, S> : MissingContract<Unmet<Need, Have>>;
  /** Make the kernel and put a checkpoint's state into it. Same options and packages as the one it was taken from. */
  readonly restore: [Unmet<Need, Have>] extends [never]
    ? (
        checkpoint: import("./checkpoint.js").Checkpoint,
        programs?: readonly import("./program.js").AnyProgramDef[],
      ) => Kernel<A, S>
    : MissingContract<Unmet<Need, Have>>;
}

export type EmptyApi = Record<never, never>;
export type CoreBuilder = Builder<EmptyApi, CoreSys>;
