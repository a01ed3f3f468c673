/**
 * The story "Changed while open": what a file's digest and label are worth when it is written, mapped or cut while somebody has it
 * open, and what i_version saves.
 */
import { MAP_SHARED, O_RDONLY, O_RDWR, O_WRONLY, PROT_READ, PROT_WRITE } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { toHex, utf8 } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { type DiskImage, Rig } from "./rig.js";

type Knobs = { readonly rounds: number };

const PATH = "/mnt/f";
const CMDLINE = "ima_policy=tcb ima_appraise_tcb ima_appraise=enforce";

/** Counts digests over the file's content: there is one line of a known length in it. */
class Counting {
  files = 0;
  readonly crypto: CryptoProvider = {
    ...nobleCrypto,
    digest: (algo, data) => {
      if (algo === HASH_ALGO_SHA256 && data.length === CONTENT.length) this.files++;
      return nobleCrypto.digest(algo, data);
    },
  };
}

/** 37 bytes: no template data, no register and no label is as long. */
const CONTENT = utf8("thirty-seven bytes of file content...");

type Design = "always" | "mount-option" | "none";
const designs: readonly Design[] = ["always", "mount-option", "none"];

/** What a round does with the file; returns when the writer has closed. */
const changes: Readonly<Record<string, (rig: Rig, i: number) => void>> = {
  "written, then closed": (rig, i) => {
    const fd = rig.sys.open(PATH, O_WRONLY);
    rig.sys.write(fd, utf8(String(i % 10)));
    rig.sys.close(fd);
  },
  "opened for writing, closed unchanged": (rig) => {
    rig.sys.close(rig.sys.open(PATH, O_WRONLY));
  },
  "written once, from then on closed unchanged": (rig, i) => {
    const fd = rig.sys.open(PATH, O_WRONLY);
    if (i === 0) rig.sys.write(fd, utf8("T"));
    rig.sys.close(fd);
  },
  "mapped, closed, stored into, unmapped": (rig, i) => {
    const fd = rig.sys.open(PATH, O_RDWR);
    const at = rig.sys.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    rig.sys.close(fd);
    rig.sys.store(at, utf8(String((i + 5) % 10)));
    rig.sys.munmap(at, 4096);
  },
  "cut and restored by path, not opened": (rig) => {
    rig.sys.truncate(PATH, 3);
    rig.sys.truncate(PATH, CONTENT.length);
  },
};

interface Seen {
  /** Times the content was hashed per round. */
  hashed: number;
  /** After the last round: does the label fit the content, and does the file open? */
  fits: string;
  opens: string;
}

/** The file as an earlier boot left it, with its label. */
function labelled(): DiskImage {
  const fix = new Rig({ cmdline: "ima_appraise_tcb ima_appraise=fix" });
  fix.write(PATH, CONTENT);
  fix.open(PATH);
  return fix.takeDisk();
}

function labelFits(rig: Rig): boolean {
  const data = rig.takeDisk().get(PATH)?.data ?? new Uint8Array(0);
  const label = rig.sys.getxattr(PATH, "security.ima");
  return toHex(label) === `0404${toHex(nobleCrypto.digest(HASH_ALGO_SHA256, data))}`;
}

function observe(design: Design, change: (rig: Rig, i: number) => void, rounds: number): Seen {
  const counting = new Counting();
  const rig = new Rig({ cmdline: CMDLINE, integrity: { iversion: design, crypto: counting.crypto }, disk: labelled() });
  rig.open(PATH);
  counting.files = 0;
  for (let i = 0; i < rounds; i++) {
    change(rig, i);
    rig.open(PATH, O_RDONLY);
  }
  const hashed = counting.files / rounds;
  const opens = rig.open(PATH);
  return { hashed, opens, fits: labelFits(rig) ? "yes" : "no" };
}

export const changedWhileOpen: Story<Knobs> = {
  id: "changed-while-open",
  question: "A file is changed while it is open: when is it hashed again, and is its label true afterwards?",
  source: "LWN 2012-03 (IMA appraisal extension)",
  claim:
    "the last writer's close decides: with i_version only a changed file is hashed again, without it every one that was open for writing; writing the label moves the counter too (ext4 since 6.1), so a file once relabelled is hashed at every writer's close; a change by truncate(2) is not noticed until somebody writes or the inode is forgotten",
  assumes: ["each round ends with one open for reading"],
  knobs: { rounds: { kind: "number", default: 10, min: 1, max: 1000, unit: "rounds" } },
  run(given) {
    const { rounds } = knobsOf(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const [name, change] of Object.entries(changes)) {
      for (const design of designs) {
        const s = observe(design, change, rounds);
        rows.push([name, design, s.hashed, s.fits, s.opens]);
        numbers[`${design}: ${name}`] = s.hashed;
        numbers[`${design}: ${name}: fits`] = s.fits === "yes" ? 1 : 0;
      }
    }
    return {
      series: [],
      table: { columns: ["what happens", "i_version", "hashed per round", "label fits", "opens"], rows },
      numbers,
    };
  },
};
