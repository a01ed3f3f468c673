/**
 * The story "The disk was in other hands": six changes made while the machine was off, and who notices at the next boot.
 */

import { knobsOf, type Story } from "@kernelkit/core/stories";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { XATTR_NAME_IMA } from "../abi/xattr.js";
import { concatBytes, utf8 } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { copyDisk, DISK_UUID, type DiskFile, type DiskImage, Rig } from "./rig.js";

type Knobs = { readonly profile: string };

const VICTIM = "/mnt/login";
const OTHER = "/mnt/other";
const KEY = utf8("evm-key that the attacker does not have");
/** Every file of the disk, whoever owns it: then a change of owner is no way out of the policy. */
const POLICY = `appraise func=FILE_CHECK fsuuid=${DISK_UUID}\n`;

/** The label that fits a content: anybody can compute it. */
function labelOf(data: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(4, 4), nobleCrypto.digest(HASH_ALGO_SHA256, data)]);
}

type Attack = (victim: DiskFile, other: DiskFile) => void;

const attacks: Readonly<Record<string, Attack>> = {
  content: (v) => {
    v.data = utf8("let everybody in\n");
  },
  "content and label": (v) => {
    v.data = utf8("let everybody in\n");
    v.xattrs.set(XATTR_NAME_IMA, labelOf(v.data));
  },
  mode: (v) => {
    v.mode = 0o4777;
  },
  owner: (v) => {
    v.uid = 1000;
  },
  "content, label and seal of another file": (v, other) => {
    v.data = other.data.slice();
    for (const [name, value] of other.xattrs) v.xattrs.set(name, value.slice());
  },
  "label removed": (v) => {
    v.xattrs.delete(XATTR_NAME_IMA);
  },
};

const defences = ["none", "IMA", "IMA and EVM"] as const;
type Defence = (typeof defences)[number];

function boot(d: Defence, mode: "fix" | "enforce", profile: Knobs["profile"], disk?: DiskImage): Rig {
  const rig = new Rig({
    cmdline: `ima_appraise=${mode}${mode === "fix" ? " evm=fix" : ""}`,
    integrity: { profile: profile as "6.18" },
    ...(disk !== undefined && { disk }),
  });
  if (d === "none") return rig;
  if (d === "IMA and EVM") rig.evm(KEY);
  rig.api.loadPolicy(POLICY);
  return rig;
}

/** The installed machine: two files, labelled and sealed as the defence has it. */
function install(d: Defence, profile: string): DiskImage {
  const rig = boot(d, "fix", profile);
  rig.write(VICTIM, "check the password\n");
  rig.write(OTHER, "an old version with a hole\n");
  for (const path of [VICTIM, OTHER]) rig.open(path);
  return rig.takeDisk();
}

function attacked(disk: DiskImage, attack: Attack): DiskImage {
  const copy = copyDisk(disk);
  attack(copy.get(VICTIM) as DiskFile, copy.get(OTHER) as DiskFile);
  return copy;
}

export const offlineAttacks: Story<Knobs> = {
  id: "offline-attacks",
  question: "A disk is changed while its machine is off: who notices, and when?",
  source: "LWN 2012-03 (IMA appraisal extension)",
  claim:
    "without IMA nothing is noticed; IMA alone sees changed content and a missing label at the next open, but neither a label that was changed along nor metadata; with EVM all six are refused",
  assumes: ["the attacker writes the disk as he likes, and does not have the key of the HMAC"],
  knobs: { profile: { kind: "choice", default: "6.18", choices: ["6.18", "debian-6.1"] } },
  run(given) {
    const { profile } = knobsOf(this.knobs, given);
    const caught: Record<string, number> = {};
    const columns = defences.map((d) => {
      const disk = install(d, profile);
      const untouched = boot(d, "enforce", profile, disk);
      const cells = Object.values(attacks).map((a) => boot(d, "enforce", profile, attacked(disk, a)).open(VICTIM));
      caught[d] = cells.filter((c) => c !== "ok").length;
      caught[`${d}: untouched`] = untouched.open(VICTIM) === "ok" ? 0 : 1;
      return cells;
    });
    return {
      series: [],
      table: {
        columns: ["change", ...defences],
        rows: Object.keys(attacks).map((name, i) => [
          name,
          ...columns.map((c) => (c[i] === "ok" ? "not noticed" : `${c[i]} at the first open`)),
        ]),
      },
      numbers: caught,
    };
  },
};
