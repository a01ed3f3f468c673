/** NUMA from the shell: numactl, numastat. numactl 2.0.16. */
import * as k from "@kernelkit/core";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, fieldsOf, maybeText } from "../command.js";
import { getopt, listArg } from "../getopt.js";
import { runChild } from "./process.js";

const NODE_DIR = "/sys/devices/system/node";

function nodesOf(env: CommandEnv): number[] {
  return listArg((maybeText(env, `${NODE_DIR}/online`) ?? "0").trim(), "nodes");
}
const cpusOf = (env: CommandEnv, node: number): number[] => {
  const list = env.sys.readText(`${NODE_DIR}/node${node}/cpulist`).trim();
  return list === "" ? [] : listArg(list, "cpus");
};
/** Values of a node's meminfo, kB by name. */
const nodeMeminfo = (env: CommandEnv, node: number): Map<string, number> =>
  new Map(
    [...env.sys.readText(`${NODE_DIR}/node${node}/meminfo`).matchAll(/^Node \d+ ([\w()]+): +(\d+)/gm)].map((m) => [
      m[1],
      Number(m[2]),
    ]),
  );

/** Node words: "0,2", "1-2", "all", "!0", "+0" (of those allowed). */
function nodesArg(env: CommandEnv, text: string): number[] {
  const have = nodesOf(env);
  const turned = text.startsWith("!");
  const bare = text.replace(/^[!+]/, "");
  const named = bare === "all" ? have : listArg(bare, "nodes");
  const bad = named.find((n) => !have.includes(n));
  if (bad !== undefined) throw new CommandFailed(`node argument ${bad} is out of range\nusage: numactl [--help]`);
  return turned ? have.filter((n) => !named.includes(n)) : named;
}

function hardware(env: CommandEnv): string {
  const nodes = nodesOf(env);
  const mb = (kb: number): number => Math.floor(kb / 1024);
  let out = `available: ${nodes.length} nodes (${maybeText(env, `${NODE_DIR}/online`)?.trim() ?? "0"})\n`;
  for (const n of nodes) {
    const m = nodeMeminfo(env, n);
    out += `node ${n} cpus:${cpusOf(env, n)
      .map((c) => ` ${c}`)
      .join("")}\n`;
    out += `node ${n} size: ${mb(m.get("MemTotal") ?? 0)} MB\nnode ${n} free: ${mb(m.get("MemFree") ?? 0)} MB\n`;
  }
  out += `node distances:\nnode ${nodes.map((n) => String(n).padStart(3)).join(" ")} \n`;
  for (const n of nodes) {
    const row = env.sys.readText(`${NODE_DIR}/node${n}/distance`).trim().split(" ");
    out += `${String(n).padStart(3)}: ${row.map((d) => d.padStart(3)).join(" ")} \n`;
  }
  return out;
}

const POLICIES = ["default", "preferred", "bind", "interleave", "local", "preferred-many", "weighted interleave"];

function show(env: CommandEnv): string {
  const { mode = 0, nodes = [] } = env.sys.get_mempolicy("mode", "mask", 1024, 0, 0);
  const allowed = env.sys.get_mempolicy(null, "mask", 1024, 0, k.MPOL_F_MEMS_ALLOWED).nodes ?? [];
  const cpus = env.sys.sched_getaffinity(0);
  const policy = mode & 0xff;
  const of = cpus.map((c) => nodesOf(env).find((n) => cpusOf(env, n).includes(c)) ?? 0);
  const list = (v: readonly number[]): string => v.map((n) => `${n} `).join("");
  const bound = policy === k.MPOL_BIND || policy === k.MPOL_INTERLEAVE ? nodes : allowed;
  const preferred = policy === k.MPOL_PREFERRED && nodes.length > 0 ? String(nodes[0]) : "current";
  return (
    `policy: ${POLICIES[policy]}\npreferred node: ${preferred}\n` +
    (policy === k.MPOL_INTERLEAVE ? `interleavemask: ${list(nodes)}\ninterleavenode: 0\n` : "") +
    `physcpubind: ${list(cpus)}\ncpubind: ${list([...new Set(of)])}\nnodebind: ${list([...new Set(of)])}\nmembind: ${list(policy === k.MPOL_BIND ? nodes : allowed)}\n` +
    `preferred: ${policy === k.MPOL_PREFERRED ? list(bound.slice(0, 1)) : ""}\n`
  );
}

const OPTIONS =
  "hardware,H show,s membind,m= cpunodebind,N= physcpubind,C= interleave,i= weighted-interleave,w= preferred,p= preferred-many,P= localalloc,l";

function numactl(args: string[], env: CommandEnv): ReturnType<typeof runChild> | string {
  const o = getopt("numactl", args, OPTIONS, { command: true });
  if (o.has("hardware")) return hardware(env);
  if (o.has("show")) return show(env);
  if (o.rest.length === 0)
    throw new CommandFailed(
      "usage: numactl [--all | -a] [--interleave= | -i <nodes>] [--preferred= | -p <node>] [--membind= | -m <nodes>] command args ...",
    );
  const modes: Readonly<Record<string, number>> = {
    membind: k.MPOL_BIND,
    interleave: k.MPOL_INTERLEAVE,
    "weighted-interleave": k.MPOL_WEIGHTED_INTERLEAVE,
    preferred: k.MPOL_PREFERRED,
    "preferred-many": k.MPOL_PREFERRED_MANY,
  };
  const policies = o.given.filter(([n]) => n in modes || n === "localalloc");
  if (policies.length > 1) throw new CommandFailed("Conflicting policies");
  return runChild(env, "numactl", o.rest, (sys) => {
    if (o.has("cpunodebind")) {
      const cpus = nodesArg(env, o.get("cpunodebind") as string).flatMap((n) => cpusOf(env, n));
      attempt("sched_setaffinity", () => sys.sched_setaffinity(0, cpus));
    }
    if (o.has("physcpubind"))
      attempt("sched_setaffinity", () =>
        sys.sched_setaffinity(0, listArg((o.get("physcpubind") as string).replace(/^[+]/, ""), "cpus")),
      );
    const [name, value] = policies[0] ?? [];
    if (name === "localalloc") attempt("set_mempolicy", () => sys.set_mempolicy(k.MPOL_LOCAL, null, 0));
    else if (name !== undefined)
      attempt("set_mempolicy", () => sys.set_mempolicy(modes[name], nodesArg(env, value as string), 1024));
  });
}

/** A table with a column per node, as numastat prints it. */
function nodeTable(
  env: CommandEnv,
  title: string,
  rows: readonly (readonly [string, readonly number[]])[],
  total: boolean,
): string {
  const nodes = nodesOf(env);
  const heads = [...nodes.map((n) => `Node ${n}`), ...(total ? ["Total"] : [])];
  const line = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(16)}${cells.map((c) => ` ${c.padStart(15)}`).join("")}\n`;
  return (
    title +
    line("", heads).replace(/^ {16}/, " ".repeat(16)) +
    line(
      "",
      heads.map(() => "---------------"),
    ) +
    rows
      .map(([name, v]) =>
        line(
          name,
          [...v, ...(total ? [v.reduce((a, b) => a + b, 0)] : [])].map((x) => x.toFixed(2)),
        ),
      )
      .join("")
  );
}

function numastat(args: string[], env: CommandEnv): string {
  const o = getopt("numastat", args, "c,c m,m n,n p,p= s,s=? v,v z,z");
  const nodes = nodesOf(env);
  if (o.has("m")) {
    const infos = nodes.map((n) => nodeMeminfo(env, n));
    const names = [...(infos[0]?.keys() ?? [])];
    const pages = (name: string): number => (name.startsWith("HugePages_") ? 2048 : 1);
    const rows = names.map((name) => [name, infos.map((m) => ((m.get(name) ?? 0) * pages(name)) / 1024)] as const);
    return nodeTable(env, "\nPer-node system memory usage (in MBs):\n", rows, true);
  }
  if (o.has("p")) {
    const pid = Number(o.get("p"));
    const maps = maybeText(env, `/proc/${pid}/numa_maps`);
    if (maps === null) throw new CommandFailed(`Can't read /proc/${pid}/numa_maps`);
    const kinds = {
      Huge: nodes.map(() => 0),
      Heap: nodes.map(() => 0),
      Stack: nodes.map(() => 0),
      Private: nodes.map(() => 0),
    };
    for (const l of maps.split("\n")) {
      const kind = / heap/.test(l) ? "Heap" : / stack/.test(l) ? "Stack" : / huge/.test(l) ? "Huge" : "Private";
      for (const m of l.matchAll(/ N(\d+)=(\d+)/g))
        kinds[kind][nodes.indexOf(Number(m[1]))] += (Number(m[2]) * 4096) / 2 ** 20;
    }
    const comm = maybeText(env, `/proc/${pid}/comm`)?.trim() ?? "";
    const total = nodes.map((_, i) => Object.values(kinds).reduce((s, v) => s + v[i], 0));
    const rows = [...Object.entries(kinds), ["Total", total] as [string, number[]]];
    return nodeTable(env, `\nPer-node process memory usage (in MBs) for PID ${pid} (${comm})\n`, rows, true);
  }
  const stats = nodes.map((n) =>
    fieldsOf(env.sys.readText(`${NODE_DIR}/node${n}/numastat`).replace(/^(\w+) /gm, "$1: ")),
  );
  const names = [...(stats[0]?.keys() ?? [])];
  const head = `${" ".repeat(16)}${nodes.map((n) => ` ${`node${n}`.padStart(15)}`).join("")}\n`;
  return (
    head +
    names
      .map((name) => `${name.padEnd(16)}${stats.map((s) => ` ${(s.get(name) ?? "0").padStart(15)}`).join("")}\n`)
      .join("")
  );
}

export const numaCommands: CommandTable = { numactl, numastat };
