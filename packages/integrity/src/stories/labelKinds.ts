/**
 * The story "Hash or signature": labels that follow the file against labels that hold it still, and what each policy looks at.
 */
import { O_RDONLY, O_WRONLY } from "@kernelkit/core";
import type { Story } from "@kernelkit/core/stories";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { signV2 } from "../digsig/digsigVerify.js";
import { attempt, Rig } from "./rig.js";

const ENFORCE = "ima_appraise_tcb ima_appraise=enforce";

/** The rows: what one does to a file of each kind. */
function outcomes(signed: boolean): string[] {
  const key = ecKeyFromSeed("vendor", nobleCrypto);
  const certificate = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
  const rig = new Rig({ cmdline: ENFORCE, integrity: { profile: "debian-6.1", keys: { ima: [certificate] } } });
  const text = "as installed\n";
  rig.write("/mnt/f", text);
  if (signed) {
    const digest = nobleCrypto.digest(HASH_ALGO_SHA256, utf8(text));
    rig.sys.setxattr("/mnt/f", "security.ima", signV2(key, HASH_ALGO_SHA256, digest, nobleCrypto));
  }
  const read = rig.open("/mnt/f", O_RDONLY);
  const write = attempt(() => {
    const fd = rig.sys.open("/mnt/f", O_WRONLY);
    rig.sys.write(fd, utf8("by the administrator\n"));
    rig.sys.close(fd);
  });
  const after = rig.open("/mnt/f");
  rig.sys.truncate("/mnt/f", 3);
  // The change by path shows when the inode is looked at afresh.
  const disk = rig.takeDisk();
  const fresh = new Rig({ cmdline: ENFORCE, integrity: { profile: "debian-6.1", keys: { ima: [certificate] } }, disk });
  return [read, write, after, fresh.open("/mnt/f")];
}

export const labelKinds: Story<Record<string, never>> = {
  id: "label-kinds",
  question: "What is a file with a hash as label good for, and what one with a signature?",
  source: "LWN 2012-03 (IMA appraisal extension: digital signatures)",
  claim: "a hash follows what a good file is changed to; a signed file cannot be opened for writing",
  assumes: [],
  knobs: {},
  run() {
    const names = ["read", "write", "read after that", "read after truncate(2) and a reboot"];
    const hash = outcomes(false);
    const signature = outcomes(true);
    return {
      series: [],
      table: { columns: ["", "hash", "signature"], rows: names.map((n, i) => [n, hash[i], signature[i]]) },
      numbers: {
        hashWritable: hash[1] === "ok" && hash[2] === "ok" ? 1 : 0,
        signedWritable: signature[1] === "ok" ? 1 : 0,
        truncatedPasses: hash[3] === "ok" || signature[3] === "ok" ? 1 : 0,
      },
    };
  },
};
