/**
 * Kernel modules as packages register them: a name, parameters, what loading and unloading do. /sys/module/NAME shows them; the
 * command line's `NAME.param=value` sets parameters before the module is loaded. init_module(2), delete_module(2),
 * Documentation/admin-guide/kernel-parameters.
 */
import { EBUSY, EEXIST, ENOENT } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";

/** A module parameter: text in, text out. */
export interface ModuleParam {
  /** Mode of /sys/module/NAME/parameters/PARAM; 0: not shown. */
  readonly mode: number;
  /** What reading shows, without newline. */
  get(): string;
  /** Set from text; fail(errno) if it is not acceptable. */
  set(text: string): void;
}

export interface ModuleDef {
  readonly name: string;
  readonly params?: Readonly<Record<string, ModuleParam>>;
  /** Part of the kernel image: always there, cannot be unloaded. */
  readonly builtin?: boolean;
  init?(): void;
  /** Missing: it cannot be unloaded (EBUSY). */
  exit?(): void;
}

export class Modules {
  static readonly transient: readonly string[] = ["defs", "watchers"];
  private readonly defs: Map<string, ModuleDef> = new Map();
  /** Names of loaded modules in order of loading: state. */
  readonly loaded: Set<string> = new Set();
  private readonly watchers: ((def: ModuleDef, loaded: boolean) => void)[] = [];

  constructor(readonly k: Core) {
    k.state.root("modules", this);
  }

  /** Make a module known; a built-in one is there from now on. TypeError if the name is taken. */
  register(def: ModuleDef): void {
    if (this.defs.has(def.name)) throw new TypeError(`module '${def.name}' is registered twice`);
    this.defs.set(def.name, def);
    if (def.builtin === true) this.load(def.name);
  }

  get(name: string): ModuleDef | undefined {
    return this.defs.get(norm(name)) ?? this.defs.get(name);
  }

  /** Names that can be loaded, in order of registration. */
  names(): string[] {
    return [...this.defs.keys()];
  }

  isLoaded(name: string): boolean {
    return this.loaded.has(name);
  }

  /** Load with parameters ("a=1 b=2" as words): those of the command line come first. ENOENT unknown; EEXIST loaded; EINVAL value. */
  load(name: string, args: readonly string[] = []): void {
    const def = this.get(name);
    if (def === undefined) fail(ENOENT);
    if (this.loaded.has(def.name)) fail(EEXIST);
    for (const [param, value] of this.k.cmdline.moduleParams(def.name)) this.setParam(def, param, value ?? "");
    for (const a of args) {
      const eq = a.indexOf("=");
      this.setParam(def, eq < 0 ? a : a.slice(0, eq), eq < 0 ? "" : a.slice(eq + 1));
    }
    def.init?.();
    this.loaded.add(def.name);
    for (const w of this.watchers) w(def, true);
  }

  /** ENOENT not loaded; EBUSY built in, or without an exit. */
  unload(name: string): void {
    const def = this.get(name);
    if (def === undefined || !this.loaded.has(def.name)) fail(ENOENT);
    if (def.builtin === true || def.exit === undefined) fail(EBUSY);
    def.exit();
    this.loaded.delete(def.name);
    for (const w of this.watchers) w(def, false);
  }

  /** Be told of loading and unloading (sysfs). */
  watch(fn: (def: ModuleDef, loaded: boolean) => void): void {
    this.watchers.push(fn);
    for (const name of this.loaded) fn(this.defs.get(name) as ModuleDef, true);
  }

  private setParam(def: ModuleDef, param: string, value: string): void {
    const p = def.params?.[norm(param)] ?? def.params?.[param];
    if (p !== undefined) p.set(value);
    else this.k.log(4, `${def.name}: unknown parameter '${param}' ignored`);
  }
}

function norm(name: string): string {
  return name.replaceAll("-", "_");
}
