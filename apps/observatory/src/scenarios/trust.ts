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
import {
  HASH_ALGO_SHA1,
  imaReplay,
  integrity,
  integrityStatusName,
  nobleCrypto,
  type OfflineEdit,
  toHex,
} from "@kernelkit/integrity";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Scenario } from "../lab/scenario.js";
import { BASE, some, tasksNamed, Wiring, write } from "./common.js";

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
      // somebody reads it while it is being written: a measurement that is worth nothing
      const w = yield* sys.open("/mnt/report", O_RDWR);
      yield* sys.close(yield* sys.open("/mnt/report", O_RDONLY));
      yield* sys.close(w);
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
/** What can be done to a file when its kernel is not looking. */
type Attack = (e: OfflineEdit, file: Inode, other: Inode, k: AssembledKernel) => void;
const newText = (k: AssembledKernel): Uint8Array => new TextEncoder().encode(`let everybody in, ${k.now}\n`);
/** The label that fits a content: anybody can compute it. */
function labelFor(k: AssembledKernel, data: Uint8Array): Uint8Array {
  const algo = k.integrity.state.hashAlgo;
  const digest = nobleCrypto.digest(algo, data);
  return Uint8Array.from([4, algo, ...digest]);
}
/** The file as it was delivered. */
function repair(e: OfflineEdit, file: Inode, k: AssembledKernel): void {
  const data = new TextEncoder().encode("the program web\n");
  e.write(file, data);
  e.xattr(file, "security.ima", labelFor(k, data));
  e.attr(file, { uid: 0, mode: 0o100644 });
}
/** Every so often somebody is at the disk; the next time the file is as it was. */
const NIGHT_NS = 1.1e9;
const nights = new Wiring<{ readonly id: number }>();
const ATTACKS: Readonly<Record<string, Attack>> = {
  content: (e, f, _other, k) => e.write(f, newText(k)),
  "content and label": (e, f, _other, k) => {
    const data = newText(k);
    e.write(f, data);
    e.xattr(f, "security.ima", labelFor(k, data));
  },
  mode: (e, f) => e.attr(f, { mode: 0o104777 }),
  owner: (e, f) => e.attr(f, { uid: 1000 }),
  "another file's label": (e, f, other) => e.xattr(f, "security.ima", other.xattrs?.get("security.ima") ?? null),
  "label removed": (e, f) => e.xattr(f, "security.ima", null),
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
  sees: "Every file that is opened is hashed; what was not seen before gets an entry in the list, and the entry is folded into a register that nobody can set back. Replaying the list must give the register's value. Every second somebody is at the disk and the program web is changed behind the kernel's back, then put right again: its next open tells another digest, and is refused where content and label do not fit. A false content with a fitting label passes appraisal - and stands in the list for ever.",
  howTrue:
    "List, templates, registers and verdicts are checked against recorded runs and real lists. The disk and the attacker are models.",
  binNs: 50e6,
  settings: {
    nights: { kind: "choice", default: "yes", choices: ["yes", "no"] },
    appraise: { kind: "choice", default: "enforce", choices: ["off", "log", "enforce", "fix"] },
    hash: { kind: "choice", default: "sha256", choices: ["sha1", "sha256", "sha512"] },
  },
  controls: [
    {
      name: "attack",
      what: "The disk is in other hands for a moment, and the program web is changed. The next open of it, or none, tells.",
      linux: "a screwdriver (VALUE); then cat /mnt/web",
      knob: { kind: "choice", default: "content", choices: Object.keys(ATTACKS) },
      apply(k, v) {
        const [web, db] = [inodeOf(k, "web"), inodeOf(k, "db")];
        if (web !== null && db !== null) k.integrity.offline((e) => ATTACKS[String(v)](e, web, db, k));
      },
    },
    {
      name: "a new version of login",
      what: "An update, as its packager would do it: content and a fitting label.",
      linux: "cp login /mnt/login; evmctl ima_hash /mnt/login",
      knob: { kind: "button" },
      apply(k) {
        const login = inodeOf(k, "login");
        if (login !== null) k.integrity.offline((e) => ATTACKS["content and label"](e, login, login, k));
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
    {
      name: "opens",
      unit: "1/s",
      group: "opens",
      rate: true,
      what: "Opens of the files by the programs of this machine, refused ones too.",
      linux: "strace -c -e open",
      read: (k) => tasksNamed(k, "opener", "editor").reduce((n, t) => n + (t.rest as { i: number }).i, 0),
    },
    {
      name: "refused",
      unit: "1/s",
      group: "opens",
      rate: true,
      what: "Opens that appraisal refused with EACCES.",
      linux: "type=INTEGRITY_DATA in the audit log",
      read: (k) =>
        tasksNamed(k, "opener", "editor").reduce((n, t) => n + ((t.rest as { refused?: number }).refused ?? 0), 0),
    },
  ],
  lanes: {
    title: "Verdicts",
    what: "What the kernel thinks of each file since it last looked at it.",
    max: FILES.length,
    states: [
      { name: "not looked at", what: "nobody has opened it since it changed", tone: "empty" },
      { name: "measured", what: "hashed and in the list", tone: "busy" },
      { name: "pass", what: "hashed, and its label fits", tone: "interrupt" },
      { name: "no label", what: "there is nothing to check it against", tone: "waiting" },
      { name: "fail", what: "content and label do not fit", tone: "bad" },
    ],
    names: () => [...FILES],
    read(k, out) {
      for (const [i, name] of FILES.entries()) {
        const inode = inodeOf(k, name);
        const iint = inode === null ? null : k.integrity.iint(inode);
        const verdict = integrityStatusName[iint?.status[0] ?? 6];
        out[i] =
          verdict === "pass" ? 2 : verdict === "fail" ? 4 : verdict === "no_label" ? 3 : iint?.isMeasured(10) ? 1 : 0;
      }
    },
  },
  heat: null,
  traces: [],
  files: [
    "/sys/kernel/security/ima/ascii_runtime_measurements",
    "/sys/kernel/security/ima/runtime_measurements_count",
    "/sys/kernel/security/ima/violations",
    "/sys/kernel/security/ima/policy",
  ],
  programs: [opener, writer],
  packages: { ...BASE, integrity },
  options: (s) => ({
    machine: { cpus: 1, memory: "256M" },
    cmdline: `ima_policy=${s["appraise"] === "off" ? "tcb" : "tcb|appraise_tcb"} ima_appraise=${s["appraise"]} ima_hash=${s["hash"]}`,
  }),
  statics(k) {
    k.core.state.root("observatory.files", { inodes: new Map<string, Inode>(), night: 0 });
    const id = k.core.events.define("observatory.night", () => {
      const d = k.core.state.rootNamed("observatory.files") as { night: number };
      const [web, db] = [inodeOf(k, "web"), inodeOf(k, "db")];
      if (web !== null && db !== null) {
        const names = Object.keys(ATTACKS);
        const night = d.night++;
        k.integrity.offline((e) => {
          if (night % 2 === 1) repair(e, web, k);
          else ATTACKS[names[(night / 2) % names.length]](e, web, db, k);
        });
      }
      k.core.events.at(k.core.now + NIGHT_NS, 0, id, null);
    });
    nights.set(k, { id });
  },
  setup(k, s) {
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
    if (s["nights"] === "yes") k.core.events.at(k.now + NIGHT_NS, 0, nights.get(k).id, null);
    k.spawn(opener, { i: 0, refused: 0 });
    k.spawn(writer, { i: 0 });
  },
  watch(k, emit) {
    const told = new Map<string, string>();
    k.trace.listen("raw_syscalls:sys_exit", (_name, t, call, ret) => {
      const task = t as { comm: string; nr: number };
      if (call !== "open" || (task.comm !== "opener" && task.comm !== "editor")) return;
      for (const name of FILES) {
        const inode = inodeOf(k, name);
        const iint = inode === null ? null : k.integrity.iint(inode);
        if (iint == null) continue;
        const verdict = `${integrityStatusName[iint.status[0] ?? 6]} ${iint.digest == null ? "" : toHex(iint.digest).slice(0, 12)}`;
        if (told.get(name) === verdict) continue;
        told.set(name, verdict);
        emit({ name: "verdict", text: `/mnt/${name}: ${verdict}`, value: count(k) });
      }
      if (typeof ret === "number" && ret < 0) emit({ name: "refused", text: `${task.comm}-${task.nr}: open = ${ret}` });
    });
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
