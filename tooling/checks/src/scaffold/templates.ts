// The files of a new package: small, whole, and already what CONTRIBUTING.md asks for. They are a package that counts forks and refuses
// more than a limit: state, a hook, a file, a sysctl, an option that is checked, tests. Its author replaces the mechanism and keeps the form.

/** Path from the root, and text. */
export type Files = Readonly<Record<string, string>>;

/** `page-table` -> `pageTable`. */
export const camel = (name: string): string => name.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase());
const pascal = (name: string): string => camel(`-${name}`);

export function templates(name: string): Files {
  const f = camel(name);
  const T = pascal(name);
  const home = `packages/${name}`;
  const manifest = {
    name: `@kernelkit/${name}`,
    version: "0.0.0",
    description: `Linux's ${name}`,
    license: "MIT",
    type: "module",
    sideEffects: false,
    keywords: ["linux", "kernel", "simulation", name],
    engines: { node: ">=20.19" },
    files: ["dist"],
    exports: {
      ".": { types: "./dist/index.d.ts", import: "./dist/index.js" },
      "./package.json": "./package.json",
    },
    scripts: { build: "tsup" },
    peerDependencies: { "@kernelkit/core": ">=0.1.0 <1" },
    devDependencies: { "@kernelkit/core": "workspace:*" },
  };
  return {
    [`${home}/package.json`]: `${JSON.stringify(manifest, null, 2)}\n`,
    [`${home}/tsconfig.json`]: `{\n  "extends": "../../tsconfig.base.json",\n  "include": ["*.ts", "src", "bench"]\n}\n`,
    [`${home}/tsup.config.ts`]: `export { default } from "../../tooling/presets/tsup.js";\n`,
    [`${home}/src/index.ts`]: `export type * from "./options.js";\nexport { ${f}, type ${T}Api } from "./${f}.js";\n`,
    [`${home}/src/options.ts`]: options(T, f),
    [`${home}/src/${f}.ts`]: feature(name, T, f),
    [`${home}/src/${f}.test.ts`]: test(name, f),
    [`${home}/README.md`]: readme(name, f),
    [`.changeset/new-${name}.md`]: `---\n"@kernelkit/${name}": minor\n---\n\nThe first version.\n`,
  };
}

const options = (T: string, f: string): string => `/** The options of \`${f}()\`, and what they may be. */

export interface ${T}Options {
  /** Forks that a user may make, 0..2^31-1; /proc/sys/kernel/${f}_limit changes it. Default 1000. */
  readonly limit?: number;
}

/** RangeError naming an option that is out of range. */
export function resolveOptions({ limit = 1000 }: ${T}Options): Required<${T}Options> {
  if (!(Number.isInteger(limit) && limit >= 0 && limit < 2 ** 31))
    throw new RangeError(\`${f}: limit must be a whole number from 0 to 2147483647, not \${limit}\`);
  return { limit };
}
`;

const feature = (name: string, T: string, f: string): string => `/**
 * ${name}: how many processes each user has made, and a limit on them. fork(2) beyond it fails with EAGAIN.
 *
 *     const kernel = createKernel().use(${f}({ limit: 100 })).boot();
 *     kernel.${f}.forks(0);
 *
 * Files: /proc/${name} (a line per user: uid and count), /proc/sys/kernel/${f}_limit.
 */
import { type Core, coreInstance, EAGAIN, type Feature, intSysctl, type SysBase } from "@kernelkit/core";
import { resolveOptions, type ${T}Options } from "./options.js";

export interface ${T}Api {
  /** Forks that were made by user \`uid\` so far. */
  forks(uid: number): number;
}

export function ${f}(options: ${T}Options = {}): Feature<"${f}", ${T}Api, SysBase> {
  const { limit } = resolveOptions(options);
  return {
    name: "${f}",
    core: coreInstance,
    install(k: Core) {
      const st = { limit, users: new Map<number, number>() };
      k.state.root("${f}", st);
      const forks = (uid: number): number => st.users.get(uid) ?? 0;
      k.hooks.fork.tap(150, "${f}", (fork) =>
        fork.stage === "task" && forks(fork.parent.cred.uid) >= st.limit ? EAGAIN : 0,
      );
      k.hooks.forked.tap(150, "${f}", (parent) => {
        st.users.set(parent.cred.uid, forks(parent.cred.uid) + 1);
      });
      k.proc?.file("/proc/${name}", { show: () => [...st.users].map(([uid, n]) => \`\${uid} \${n}\\n\`).join("") });
      const set = (_: unknown, value: number): void => {
        st.limit = value;
      };
      k.sysctl?.register("kernel/${f}_limit", intSysctl({ min: 0, get: () => st.limit, set }));
      return { api: { forks } };
    },
  };
}
`;

const test = (name: string, f: string): string => `import { createKernel } from "@kernelkit/core";
import { expect, it } from "vitest";
import { ${f} } from "./${f}.js";

it("a fork beyond the user's limit fails with EAGAIN and changes nothing", () => {
  const kernel = createKernel().use(${f}({ limit: 1 })).boot();
  const sys = kernel.sys(kernel.init);
  sys.fork();
  const before = sys.readText("/proc/${name}");
  expect(() => sys.fork()).toThrow(expect.objectContaining({ code: "EAGAIN", errno: -11 }));
  expect(sys.readText("/proc/${name}")).toBe(before);
  expect(kernel.${f}.forks(0)).toBe(1);
});

it("the limit is a sysctl: raised, forks go on", () => {
  const kernel = createKernel().use(${f}({ limit: 0 })).boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/proc/sys/kernel/${f}_limit", "2\\n");
  sys.fork();
  expect(sys.readText("/proc/${name}")).toBe("0 1\\n");
});

it("a limit that is no count is refused by name", () => {
  expect(() => ${f}({ limit: -1 })).toThrow(/^${f}: limit must be/);
});
`;

const FENCE = "```";
const readme = (name: string, f: string): string => `# @kernelkit/${name}

What it is, in three sentences. Which of Linux's mechanisms, for whom. What it does that others do not.

${FENCE}sh
npm install @kernelkit/core @kernelkit/${name}
${FENCE}

${FENCE}ts
import { createKernel } from "@kernelkit/core";
import { ${f} } from "@kernelkit/${name}";

const kernel = createKernel().use(${f}({ limit: 100 })).boot();
const sys = kernel.sys(kernel.init);
sys.fork();
console.log(sys.readText("/proc/${name}").trim(), kernel.${f}.forks(0));
${FENCE}

${FENCE}text output
0 1 1
${FENCE}

## Options and files

| option | default | what |
|---|---|---|
| \`limit\` | 1000 | forks that a user may make; beyond them fork(2) fails with EAGAIN |

| file | what |
|---|---|
| \`/proc/${name}\` | a line per user: uid and count |
| \`/proc/sys/kernel/${f}_limit\` | the limit |

## Differences from Linux

None are known.

## Not yet

What is missing, and the error that using it gives.

## Sources

fork(2); the kernel documents that describe the mechanism.
`;
