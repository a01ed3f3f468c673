/** lscpu, out of /sys and /proc. util-linux 2.38. */
import { type CommandEnv, type CommandTable, maybeText } from "../command.js";
import { getopt, listArg } from "../getopt.js";

const CPU = "/sys/devices/system/cpu";

interface Topology {
  readonly online: readonly number[];
  readonly offline: string;
  readonly cores: number;
  readonly sockets: number;
  readonly threads: number;
}

function topology(env: CommandEnv): Topology {
  const online = listArg(env.sys.readText(`${CPU}/online`).trim(), "CPUs");
  const of = (cpu: number, file: string): string => maybeText(env, `${CPU}/cpu${cpu}/topology/${file}`)?.trim() ?? "";
  const sockets = new Set(online.map((c) => of(c, "physical_package_id")));
  const cores = new Set(online.map((c) => of(c, "thread_siblings_list") || String(c)));
  return {
    online,
    offline: maybeText(env, `${CPU}/offline`)?.trim() ?? "",
    sockets: sockets.size,
    cores: Math.max(1, Math.round(cores.size / sockets.size)),
    threads: Math.max(1, Math.round(online.length / cores.size)),
  };
}

/** Size of a kind of cache over all CPUs: bytes, and how many there are. */
function caches(env: CommandEnv): { name: string; bytes: number; instances: number }[] {
  const found = new Map<string, { bytes: number; shared: Set<string> }>();
  for (const cpu of listArg(env.sys.readText(`${CPU}/online`).trim(), "CPUs")) {
    for (let i = 0; ; i++) {
      const dir = `${CPU}/cpu${cpu}/cache/index${i}`;
      const level = maybeText(env, `${dir}/level`)?.trim();
      if (level === undefined) break;
      const type = maybeText(env, `${dir}/type`)?.trim();
      const name = `L${level}${type === "Data" ? "d" : type === "Instruction" ? "i" : ""}`;
      const kb = Number.parseInt(maybeText(env, `${dir}/size`) ?? "0", 10);
      const entry = found.get(name) ?? { bytes: kb * 1024, shared: new Set() };
      entry.shared.add(maybeText(env, `${dir}/shared_cpu_list`) ?? "");
      found.set(name, entry);
    }
  }
  return [...found].map(([name, e]) => ({ name, bytes: e.bytes * e.shared.size, instances: e.shared.size }));
}

const size = (bytes: number): string => {
  const unit = bytes >= 2 ** 20 ? ["MiB", 2 ** 20] : ["KiB", 1024];
  return `${Number((bytes / (unit[1] as number)).toFixed(1))} ${unit[0]}`;
};

export const hardwareCommands: CommandTable = {
  lscpu(args, env) {
    const o = getopt("lscpu", args, "json,J parse,p=? extended,e=? all,a");
    const info = env.sys.readText("/proc/cpuinfo");
    const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(info)?.[1] ?? "";
    const t = topology(env);
    const nodes = env.sys.readdir("/sys/devices/system/node").filter((n) => /^node\d+$/.test(n));
    if (o.has("parse")) {
      const of = (cpu: number, file: string): string =>
        maybeText(env, `${CPU}/cpu${cpu}/topology/${file}`)?.trim() ?? "";
      const head =
        "# The following is the parsable format, which can be fed to other\n# programs. Each different item in every column has an unique ID\n# starting usually from zero.\n# CPU,Core,Socket,Node\n";
      const cores: string[] = [];
      return (
        head +
        t.online
          .map((c) => {
            const core = `${of(c, "physical_package_id")}:${of(c, "core_id")}`;
            if (!cores.includes(core)) cores.push(core);
            const node = nodes.find((n) =>
              listArg(maybeText(env, `/sys/devices/system/node/${n}/cpulist`)?.trim() || "9999", "").includes(c),
            );
            return `${c},${cores.indexOf(core)},${of(c, "physical_package_id")},${node?.slice(4) ?? ""}\n`;
          })
          .join("")
      );
    }
    const rows: [string, string][] = [
      ["Architecture:", env.sys.uname().machine],
      ["CPU op-mode(s):", "32-bit, 64-bit"],
      ["Address sizes:", field("address sizes")],
      ["Byte Order:", "Little Endian"],
      ["CPU(s):", String(listArg(env.sys.readText(`${CPU}/present`).trim(), "CPUs").length)],
      ["On-line CPU(s) list:", env.sys.readText(`${CPU}/online`).trim()],
      ...(t.offline === "" ? [] : ([["Off-line CPU(s) list:", t.offline]] as [string, string][])),
      ["Vendor ID:", field("vendor_id")],
      ["Model name:", field("model name")],
      ["CPU family:", field("cpu family")],
      ["Model:", field("model")],
      ["Thread(s) per core:", String(t.threads)],
      ["Core(s) per socket:", String(t.cores)],
      ["Socket(s):", String(t.sockets)],
      ["Stepping:", field("stepping")],
      ["BogoMIPS:", field("bogomips")],
      ["Flags:", field("flags")],
      ...caches(env).map((c): [string, string] => [
        `${c.name} cache:`,
        `${size(c.bytes)} (${c.instances} instance${c.instances === 1 ? "" : "s"})`,
      ]),
      ["NUMA node(s):", String(nodes.length)],
      ...nodes.map((n): [string, string] => [
        `NUMA ${n} CPU(s):`,
        maybeText(env, `/sys/devices/system/node/${n}/cpulist`)?.trim() ?? "",
      ]),
    ];
    if (o.has("json"))
      return `${JSON.stringify({ lscpu: rows.map(([name, data]) => ({ field: name, data })) }, null, 3)}\n`;
    const width = Math.max(...rows.map(([n]) => n.length));
    return rows.map(([n, v]) => `${n.padEnd(width)} ${v}\n`).join("");
  },
};
