/**
 * The story "First the labels": a disk is labelled by opening every file once in fix mode; then it can be enforced.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { Rig } from "./rig.js";

type Knobs = { readonly files: number; readonly bytes: number; readonly missed: number };

const FIX = "ima_appraise_tcb ima_appraise=fix";
const ENFORCE = "ima_appraise_tcb ima_appraise=enforce";

export const labelling: Story<Knobs> = {
  id: "labelling",
  question: "How does a machine get from no labels to enforced ones?",
  source: "LWN 2012-03 (IMA appraisal extension)",
  claim:
    "enforced without labels no file of root's opens; after ima_appraise=fix and one open of every file all of them do, except exactly those that were forgotten",
  assumes: ["the files are root's, on one ext4; they were put there by a kernel without IMA"],
  knobs: {
    files: { kind: "number", default: 60, min: 1, max: 5000, unit: "files" },
    bytes: { kind: "number", default: 3000, min: 0, max: 1_000_000, unit: "bytes each" },
    missed: { kind: "number", default: 7, min: 0, max: 5000, unit: "files not opened" },
  },
  run(given) {
    const o = knobsOf(this.knobs, given);
    const installer = new Rig({ cmdline: "ima_appraise=off" });
    const content = new Uint8Array(o.bytes);
    for (let i = 0; i < o.files; i++) {
      content.fill(i);
      installer.write(`/mnt/f${i}`, content);
    }
    const bare = installer.takeDisk();
    const refused = (rig: Rig): number => rig.files("/mnt").filter((path) => rig.open(path) !== "ok").length;
    const before = refused(new Rig({ cmdline: ENFORCE, disk: bare }));

    const fix = new Rig({ cmdline: FIX, disk: bare });
    const x: number[] = [];
    const y: number[] = [];
    fix.files("/mnt").forEach((path, i) => {
      if (i < o.files - o.missed) fix.open(path);
      x.push(i + 1);
      y.push([...fix.takeDisk().values()].filter((f) => f.xattrs.has("security.ima")).length);
    });
    const disk = fix.takeDisk();
    const enforced = new Rig({ cmdline: ENFORCE, disk });
    const after = refused(enforced);
    // A file that is good stays good when it is rewritten: its label follows.
    enforced.write("/mnt/f0", "rewritten");
    const rewritten = enforced.open("/mnt/f0") === "ok" ? 0 : 1;
    return {
      series: [{ name: "labels", unit: "files", of: "files opened in fix mode", x, y }],
      table: {
        columns: ["boot", "files refused"],
        rows: [
          ["enforce, no labels", before],
          ["enforce, after fix", after],
          ["a good file, rewritten", rewritten],
        ],
      },
      numbers: { before, after, rewritten },
    };
  },
};
