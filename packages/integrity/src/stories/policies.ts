/**
 * The story "Who is watched": the same workload under the builtin policies and one that looks at programs only.
 */
import { type CoreSys, O_RDONLY, O_RDWR, type Program, program } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { DISK_UUID, Rig } from "./rig.js";

type Knobs = { readonly files: number };

const PROGRAM = "story-idle";
const idle = /* @__PURE__ */ (() =>
  program(PROGRAM, function* (sys: Program<CoreSys>) {
    yield* sys.getpid();
    return 0;
  }))();

/** Parameters and rules of each policy. */
const policies: Readonly<Record<string, { cmdline: string; rules: readonly string[] }>> = {
  none: { cmdline: "", rules: [] },
  tcb: { cmdline: "ima_policy=tcb", rules: [] },
  "ima_tcb (legacy)": { cmdline: "ima_tcb", rules: [] },
  "programs only": { cmdline: "", rules: [`measure func=BPRM_CHECK fsuuid=${DISK_UUID}\n`] },
};

/** Root reads half of the files, opens some read-write; a user reads the others; programs run. */
function workload(rig: Rig, files: number): void {
  rig.kernel.core.programs.add(idle as never);
  for (let i = 0; i < files; i++) rig.write(`/mnt/f${i}`, `file ${i}`, 0o666);
  for (let i = 0; i < 4; i++) rig.write(`/mnt/p${i}`, `#!kk ${PROGRAM}\n#${i}\n`, 0o755);
  const user = rig.user(1000);
  for (let i = 0; i < files; i++) {
    if (i % 2 === 1) user.close(user.open(`/mnt/f${i}`, O_RDONLY));
    else rig.open(`/mnt/f${i}`, i % 10 === 0 ? O_RDWR : O_RDONLY);
  }
  for (let i = 0; i < 4; i++) rig.run(`/mnt/p${i}`);
}

export const policiesStory: Story<Knobs> = {
  id: "policies",
  question: "How much of the same workload does each policy measure?",
  source: "kernel document ABI/testing/ima_policy; LWN 2012-03",
  claim:
    "tcb measures what root reads and everything executed; the legacy policy misses what is opened read-write; a rule for programs measures these alone",
  assumes: ["a tenth of the files is opened for reading and writing, every second by a user"],
  knobs: { files: { kind: "number", default: 100, min: 10, max: 10_000, unit: "files" } },
  run(given) {
    const { files } = knobsOf(this.knobs, given);
    const rows = Object.entries(policies).map(([name, p]): [string, number] => {
      const rig = new Rig({ cmdline: p.cmdline, integrity: { profile: "debian-6.1" } });
      if (p.rules.length > 0) rig.api.loadPolicy(...p.rules);
      workload(rig, files);
      return [name, rig.lines().length - 1];
    });
    return {
      series: [],
      table: { columns: ["policy", "entries"], rows },
      numbers: Object.fromEntries(rows),
    };
  },
};
