/**
 * The kernel command line: `name`, `name=value`, `name="quoted value"`, `module.param=value`, `sysctl.a.b=value`, and after
 * `--` the words for init. Dashes and underscores in names are alike. Documentation/admin-guide/kernel-parameters.
 */
export class Cmdline {
  /** In order: [name, value or null]. */
  readonly words: readonly (readonly [string, string | null])[];
  readonly initArgs: readonly string[];

  constructor(readonly text: string) {
    const words: [string, string | null][] = [];
    const initArgs: string[] = [];
    let afterDashes = false;
    for (const w of split(text)) {
      if (afterDashes) initArgs.push(w);
      else if (w === "--") afterDashes = true;
      else {
        const eq = w.indexOf("=");
        words.push(eq < 0 ? [w, null] : [w.slice(0, eq), w.slice(eq + 1)]);
      }
    }
    this.words = words;
    this.initArgs = initArgs;
  }

  /** Last value of `name`; "" for a word without a value; undefined if it is not there. */
  get(name: string): string | undefined {
    const n = norm(name);
    let v: string | undefined;
    for (const [k, x] of this.words) if (norm(k) === n) v = x ?? "";
    return v;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Every value of `name`, in order. */
  all(name: string): string[] {
    const n = norm(name);
    return this.words.filter(([k]) => norm(k) === n).map(([, v]) => v ?? "");
  }

  /** `module.param=value` words of a module, in order. */
  moduleParams(module: string): [string, string | null][] {
    const prefix = `${norm(module)}.`;
    return this.words.filter(([k]) => norm(k).startsWith(prefix)).map(([k, v]) => [norm(k).slice(prefix.length), v]);
  }

  /** `sysctl.a.b=value` words as [path below /proc/sys, value]. */
  sysctls(): [string, string][] {
    return this.words
      .filter(([k, v]) => k.startsWith("sysctl.") && v !== null)
      .map(([k, v]) => [k.slice(7).replaceAll(".", "/"), v as string]);
  }
}

function norm(name: string): string {
  return name.replaceAll("-", "_");
}

/** Words of the line; double quotes keep blanks together and are dropped. */
function split(text: string): string[] {
  const out: string[] = [];
  let word = "";
  let quoted = false;
  let any = false;
  for (const c of text) {
    if (c === '"') {
      quoted = !quoted;
      any = true;
    } else if (!quoted && /\s/.test(c)) {
      if (any) out.push(word);
      word = "";
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push(word);
  return out;
}
