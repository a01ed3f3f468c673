/**
 * The story "Containers in containers": one in the other, each with a range of the ids of the one around it. The same process has a
 * number and a user in each; each level sees those below and nothing above.
 */
import { CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, SIGCHLD } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { boot, childOf, errnoOf, PR_SET_DUMPABLE } from "./rig.js";

type Knobs = { readonly depth: number };
const knobs: Story<Knobs>["knobs"] = { depth: { kind: "number", default: 3, min: 1, max: 8, unit: "containers" } };

const FLAGS = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
/** Ids of the outermost, and how much less each inner one has. */
const RANGE = 65536;
const STEP = 4096;

export const nested: Story<Knobs> = {
  id: "nested-containers",
  question: "Who is a process three containers deep, seen from each of them?",
  source: "user_namespaces(7), pid_namespaces(7); Virtualization: now what?",
  claim: "one number per level from its own up, ids add up, and what is outside is pid 0 or nobody",
  assumes: [],
  knobs,
  run(given) {
    const { depth } = knobsOf(knobs, given);
    const kernel = boot();
    let at = kernel.init;
    const levels = [at];
    for (let i = 1; i <= depth; i++) {
      const inner = childOf(kernel, at, kernel.sys(at).clone(FLAGS));
      const nr = inner.pid.nrNs(kernel.tasks.pidNsOf(at) as never);
      const base = i === 1 ? 100000 : STEP;
      const map = `0 ${base} ${RANGE - (i - 1) * STEP}`;
      kernel.sys(at).writeFile(`/proc/${nr}/uid_map`, map);
      kernel.sys(at).writeFile(`/proc/${nr}/gid_map`, map);
      const sys = kernel.sys(inner);
      sys.setresgid(0, 0, 0);
      sys.setresuid(0, 0, 0);
      sys.prctl(PR_SET_DUMPABLE, 1);
      sys.sethostname(`level${i}`);
      sys.mount("proc", "/proc", "proc", 0);
      levels.push(inner);
      at = inner;
    }
    const innermost = at;
    const rows = levels.map((t, i) => {
      const sys = kernel.sys(t);
      const nr = innermost.pid.nr[i];
      const status = sys.readText(`/proc/${nr}/status`);
      const field = (name: string): string => new RegExp(`^${name}:\\t(.*)$`, "m").exec(status)?.[1] ?? "";
      return [
        i,
        sys.uname().nodename,
        nr,
        field("Uid").split("\t")[0],
        field("NSpid").replaceAll("\t", " "),
        sys.getppid(),
      ];
    });
    // from inside: nobody above can be named
    const inner = kernel.sys(innermost);
    const above = levels.slice(0, -1).filter((t) => errnoOf(() => inner.kill(t.nr + 1000000, 0)) !== "ESRCH").length;
    const kuid = innermost.cred.uid;
    return {
      series: [],
      table: {
        columns: ["level", "hostname", "its pid there", "its uid there", "NSpid", "getppid of that level's init"],
        rows,
      },
      numbers: {
        levels: depth,
        pidsOfInnermost: innermost.pid.nr.length,
        kuid,
        expectedKuid: 100000 + (depth - 1) * STEP,
        seesAbove: above,
        entriesOfProc: inner.readdir("/proc").filter((n) => /^\d+$/.test(n)).length,
      },
    };
  },
};
