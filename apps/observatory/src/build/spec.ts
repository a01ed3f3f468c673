/** What the builder asks for, and the program it prints. */
export interface MachineSpec {
  readonly cpus: number;
  readonly nodes: number;
  readonly memoryMiB: number;
  /** Rows of the distance table; empty: 10 and 20. */
  readonly distances: readonly (readonly number[])[];
  readonly cmdline: string;
  readonly seed: number;
  readonly packages: readonly string[];
}

export const PACKAGES: readonly { readonly name: string; readonly maker: string; readonly what: string }[] = [
  { name: "genirq", maker: "genirq", what: "interrupt lines, chips, flows" },
  { name: "integrity", maker: "integrity", what: "measured and appraised files, TPM, kexec" },
  { name: "memcg", maker: "memcg", what: "memory control groups" },
  { name: "namespaces", maker: "namespaces", what: "containers' namespaces" },
  { name: "numa", maker: "numa", what: "memory policies and balancing" },
  { name: "powerclamp", maker: "powerclamp", what: "idle injection, thermal, power" },
  { name: "printk-syslog", maker: "printkSyslog", what: "the kernel log" },
  { name: "writeback", maker: "writeback", what: "dirty pages and disks" },
];

export const DEFAULT_SPEC: MachineSpec = {
  cpus: 4,
  nodes: 1,
  memoryMiB: 1024,
  distances: [],
  cmdline: "",
  seed: 1,
  packages: PACKAGES.map((p) => p.name),
};

/** The program that builds the same kernel from npm. */
export function programText(s: MachineSpec): string {
  const used = PACKAGES.filter((p) => s.packages.includes(p.name));
  const machine = [
    `cpus: ${s.cpus}`,
    ...(s.nodes > 1 ? [`nodes: ${s.nodes}`] : []),
    `memory: "${s.memoryMiB}M"`,
    ...(s.distances.length > 0 ? [`distances: ${JSON.stringify(s.distances)}`] : []),
  ];
  return `// npm install ${["core", ...used.map((p) => p.name)].map((n) => `@kernelkit/${n}`).join(" ")}
import { createKernel } from "@kernelkit/core";
${used.map((p) => `import { ${p.maker} } from "@kernelkit/${p.name}";\n`).join("")}
const kernel = createKernel({ machine: { ${machine.join(", ")} }, cmdline: ${JSON.stringify(s.cmdline)}, seed: ${s.seed} })${used.map((p) => `.use(${p.maker}())`).join("")}.boot();
kernel.run("1s");
console.log(kernel.digest());
`;
}

/** Rows of numbers, a row a line. */
export function parseDistances(text: string): number[][] | string {
  const rows = text
    .split("\n")
    .map((l) => l.trim())
    .filter((l) => l !== "")
    .map((l) => l.split(/[\s,]+/).map(Number));
  const bad = rows.findIndex((r) => r.some((n) => !Number.isInteger(n) || n < 10 || n > 255));
  return bad < 0 ? rows : `distances, row ${bad + 1}: whole numbers from 10 to 255 are needed`;
}
