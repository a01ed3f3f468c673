/** Integrity: what is opened is measured into a list and a register; a disk that is changed behind the kernel's back. */
import {
  type CoreSys,
  type Inode,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  type Program,
  program,
} from "@kernelkit/core";
import { HASH_ALGO_SHA1, imaReplay, integrityStatusName, toHex } from "@kernelkit/integrity";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { some, write } from "./common.js";

export interface TrustPicture {
  readonly entries: readonly {
    n: number;
    pcr: number;
    template: string;
    hash: string;
    path: string;
    violation: boolean;
  }[];
  readonly total: number;
  readonly violations: number;
  readonly register: string;
  readonly replayed: string;
  readonly files: readonly {
    path: string;
    size: number;
    version: number;
    digest: string;
    label: string;
    evm: string;
    verdict: string;
    measured: boolean;
  }[];
  readonly appraise: number;
  readonly policy: string;
}

const FILES = ["login", "web", "db", "cron", "report"] as const;
type Sys = Program<CoreSys>;
/** Opens one file after the other, reads it, now and then writes one. */
const opener = program("opener", function* (sys: Sys, s: { i: number; refused: number }) {
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.nanosleep(150_000_000);
    const path = `/mnt/${FILES[s.i % FILES.length]}`;
    try {
      const fd = yield* sys.open(path, O_RDONLY);
      yield* sys.read(fd, 64);
      yield* sys.close(fd);
    } catch {
      s.refused++;
    }
  }
});
const writer = program("editor", function* (sys: Sys, s: { i: number }) {
  for (; ; s.i++) {
    yield* sys.restPoint(s);
    yield* sys.nanosleep(1_300_000_000);
    try {
      const fd = yield* sys.open("/mnt/report", O_RDWR | O_CREAT | O_TRUNC, 0o644);
      yield* sys.write(fd, `report ${s.i}\n`);
      yield* sys.close(fd);
    } catch {
      // refused: tomorrow's report, then
    }
  }
});

/** A file's inode, by walking the names that are known: nothing is opened. */
function inodeOf(k: AssembledKernel, name: string): Inode | null {
  const d = k.core.state.rootNamed("observatory.files") as { inodes: Map<string, Inode> };
  return d.inodes.get(name) ?? null;
}
const attribute = (inode: Inode, name: string): string => {
  const v = inode.xattrs?.get(name);
  return v === undefined ? "" : toHex(v);
};
/** The register a true list would give. */
function replayed(k: AssembledKernel): string {
  const list = k.integrity.binaryMeasurements();
  if (list.length === 0) return "0".repeat(40);
  const v = imaReplay(list, { banks: [HASH_ALGO_SHA1] }).read(HASH_ALGO_SHA1, 10);
  return v === null ? "" : toHex(v);
}
const count = (k: AssembledKernel): number => k.integrity.state.list.count;

export const trustScenario: Scenario<TrustPicture> = {
  id: "trust",
  name: "Integrity",
  question: "Would we have noticed, and could we prove it?",
  sees: "Every file that is opened is hashed; what was not seen before gets an entry in the list, and the entry is folded into a register that nobody can set back. Replaying the list must give the register's value. Change a file behind the kernel's back: the next open tells another digest, or is refused where appraisal is on.",
  howTrue:
    "List, templates, registers and verdicts are checked against recorded runs and real lists. The disk and the attacker are models.",
  binNs: 50e6,
  settings: {
    appraise: { kind: "choice", default: "log", choices: ["off", "log", "enforce", "fix"] },
    hash: { kind: "choice", default: "sha256", choices: ["sha1", "sha256", "sha512"] },
  },
  controls: [
    ...(["login", "web"] as const).map((name) => ({
      name: `change ${name} offline`,
      what: `The disk is in other hands for a moment: the content of ${name} changes, its label does not.`,
      linux: `a screwdriver; then cat /mnt/${name}`,
      knob: { kind: "button" } as const,
      apply(k: AssembledKernel) {
        const inode = inodeOf(k, name);
        if (inode === null) return;
        k.integrity.offline((e) => e.write(inode, new TextEncoder().encode(`changed at ${k.now}\n`)));
      },
    })),
    {
      name: "drop the label of db",
      what: "The file loses its security.ima, as a copy by a tool that knows no attributes does.",
      linux: "setfattr -x security.ima /mnt/db (offline)",
      knob: { kind: "button" },
      apply(k) {
        const inode = inodeOf(k, "db");
        if (inode !== null) k.integrity.offline((e) => e.xattr(inode, "security.ima", null));
      },
    },
    {
      name: "read while written",
      what: "A file is opened for writing and read at the same time: the measurement is not worth anything, a violation.",
      linux: "exec 3>>/mnt/web; cat /mnt/web",
      knob: { kind: "button" },
      apply(k) {
        const sys = k.sys(k.init);
        const w = sys.open("/mnt/web", O_RDWR);
        sys.close(sys.open("/mnt/web", O_RDONLY));
        sys.close(w);
      },
    },
  ],
  gauges: [
    {
      name: "entries",
      unit: "",
      group: "list",
      what: "Entries of the measurement list.",
      linux: "/sys/kernel/security/ima/runtime_measurements_count",
      read: count,
    },
    {
      name: "violations",
      unit: "",
      group: "list",
      what: "Entries that say that a measurement is worth nothing.",
      linux: "/sys/kernel/security/ima/violations",
      read: (k) => k.integrity.state.list.violations,
    },
  ],
  lanes: null,
  heat: null,
  traces: ["raw_syscalls:sys_exit"],
  files: [
    "/sys/kernel/security/ima/ascii_runtime_measurements",
    "/sys/kernel/security/ima/runtime_measurements_count",
    "/sys/kernel/security/ima/violations",
    "/sys/kernel/security/ima/policy",
  ],
  programs: [opener, writer],
  options: (s) => ({
    machine: { cpus: 1, memory: "256M" },
    cmdline: `ima_policy=${s["appraise"] === "off" ? "tcb" : "tcb|appraise_tcb"} ima_appraise=${s["appraise"]} ima_hash=${s["hash"]}`,
  }),
  statics(k) {
    k.core.state.root("observatory.files", { inodes: new Map<string, Inode>() });
  },
  setup(k) {
    const sys = k.sys(k.init);
    k.vfs.addDisk({ name: "vda", type: "ext4" });
    sys.mount("/dev/vda", "/mnt", "ext4", 0);
    const { inodes } = k.core.state.rootNamed("observatory.files") as { inodes: Map<string, Inode> };
    for (const name of FILES) {
      write(k, `/mnt/${name}`, `the program ${name}\n`);
      const fd = sys.open(`/mnt/${name}`, O_PATH);
      const inode = k.init.files?.get(fd)?.inode;
      if (inode !== undefined) inodes.set(name, inode);
      sys.close(fd);
    }
    k.spawn(opener, { i: 0, refused: 0 });
    k.spawn(writer, { i: 0 });
  },
  watch(k, emit) {
    k.core.hooks.audit.tap(950, "observatory", ({ body }) => emit({ name: "audit", text: body }));
  },
  picture(k) {
    const all = k.integrity.measurements();
    return {
      entries: all.slice(-9).map((e) => ({
        n: e.index,
        pcr: e.pcr,
        template: e.template,
        hash: toHex(e.templateHash),
        path: e.path,
        violation: e.violation,
      })),
      total: all.length,
      violations: k.integrity.state.list.violations,
      register: k.integrity.pcrRead("sha1", 10),
      replayed: replayed(k),
      appraise: k.integrity.state.appraise,
      policy: `${k.integrity.policy().trim().split("\n").length} rules`,
      files: FILES.flatMap((name) => {
        const inode = inodeOf(k, name);
        if (inode === null) return [];
        const iint = k.integrity.iint(inode);
        return [
          {
            path: `/mnt/${name}`,
            size: inode.size,
            version: iint?.version ?? 0,
            digest: iint?.digest == null ? "" : toHex(iint.digest),
            label: attribute(inode, "security.ima"),
            evm: attribute(inode, "security.evm"),
            verdict: integrityStatusName[iint?.status[0] ?? 6],
            measured: iint?.isMeasured(10) ?? false,
          },
        ];
      }),
    };
  },
  table: (p) => ({
    columns: ["entry", "pcr", "template", "hash", "file", "violation"],
    rows: p.entries.map((e) => [e.n, e.pcr, e.template, e.hash, e.path, e.violation ? "yes" : ""]),
  }),
  takeaway(p) {
    const bad = p.files.filter((f) => f.verdict === "fail" || f.verdict === "no_label");
    return `${some(p.total, "entry", "entries")}, ${some(p.violations, "violation")}. The register reads ${p.register.slice(0, 8)}…; replaying the list gives ${p.replayed.slice(0, 8)}…: ${p.register === p.replayed ? "the list is true" : "they differ"}. ${bad.length === 0 ? "No file has failed its check." : `${bad.map((f) => `${f.path}: ${f.verdict}`).join(", ")}.`}`;
  },
};
