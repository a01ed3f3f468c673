/**
 * The story "The next kernel": which kernels a running one lets in, with and without lockdown, and what purgatory makes of memory that
 * changed after loading.
 */
import { O_RDONLY } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { utf8 } from "../bytes.js";
import { ecKeyFromSeed, makeCertificate } from "../crypto/makeCertificate.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import { makeBzImage } from "../kexec/bzImage.js";
import { signPe } from "../kexec/peSign.js";
import { attempt, Rig } from "./rig.js";

type Knobs = { readonly lockdown: string };

const ON_CRASH = 2;
const NO_INITRAMFS = 4;
const KEXEC = 0x45584543;

const key = /* @__PURE__ */ (() => ecKeyFromSeed("vendor", nobleCrypto))();
const certificate = /* @__PURE__ */ (() => makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto }))();

function machine(lockdown: string): Rig {
  const cmdline = `crashkernel=64M${lockdown === "none" ? "" : ` lockdown=${lockdown}`}`;
  const rig = new Rig({ cmdline, integrity: { keys: { builtin: [certificate] } } });
  const unsigned = makeBzImage(utf8("a kernel"));
  const signed = signPe(unsigned, { key, certificate, crypto: nobleCrypto });
  const altered = signed.slice();
  altered[4100] ^= 1;
  for (const [name, image] of Object.entries({ signed, unsigned, altered })) rig.write(`/mnt/${name}`, image);
  return rig;
}

function load(rig: Rig, name: string, flags = 0): string {
  return attempt(() => {
    const fd = rig.sys.open(`/mnt/${name}`, O_RDONLY);
    rig.sys.kexec_file_load(fd, -1, "root=/dev/vda", NO_INITRAMFS | flags);
  });
}

/** Jumps to what is loaded: "kexec", "halt"... or "stays". */
function jump(rig: Rig): string {
  attempt(() => rig.sys.reboot(0xfee1dead, 672274793, KEXEC));
  const { jumped } = rig.api.state.kexec;
  return jumped === "" ? "stays" : jumped;
}

const attempts: Readonly<Record<string, (rig: Rig) => string>> = {
  "signed image": (rig) => `${load(rig, "signed")}, ${jump(rig)}`,
  "unsigned image": (rig) => `${load(rig, "unsigned")}, ${jump(rig)}`,
  "image altered after it was signed": (rig) => `${load(rig, "altered")}, ${jump(rig)}`,
  "signed image, a segment altered in memory": (rig) => {
    const loaded = load(rig, "signed");
    const segment = rig.api.kexecImage?.segments.find((s) => s.name === "kernel");
    if (segment !== undefined) segment.bytes[10] ^= 1;
    return `${loaded}, ${jump(rig)}`;
  },
  "kexec_load(2) with segments of user space": (rig) => {
    const segment = { buf: utf8("code"), mem: 0x1000000, memsz: 4096 };
    return `${attempt(() => rig.sys.kexec_load(0x1000000, 1, [segment], 0))}, ${jump(rig)}`;
  },
  "crash kernel, then a panic": (rig) => {
    const loaded = load(rig, "signed", ON_CRASH);
    try {
      rig.kernel.core.panic("by hand");
    } catch {
      // The machine has stopped, or runs the crash kernel.
    }
    const { jumped } = rig.api.state.kexec;
    return `${loaded}, ${jumped === "" ? "stays" : jumped}`;
  },
};

export const secureKexec: Story<Knobs> = {
  id: "secure-kexec",
  question: "Can kexec boot what the vendor did not sign?",
  source: "The H, kernel column 3.17 (secure kexec)",
  claim:
    "without lockdown anything boots but what changed in memory after loading; locked down only the vendor's images do, kexec_load(2) does not, and the crash kernel still runs",
  assumes: ["images are small ones of our own making, with a real PE/COFF signature"],
  knobs: { lockdown: { kind: "choice", default: "integrity", choices: ["none", "integrity", "confidentiality"] } },
  run(given) {
    const { lockdown } = knobsOf(this.knobs, given);
    const rows = Object.entries(attempts).map(([name, f]) => [name, f(machine("none")), f(machine(lockdown))]);
    const boots = (column: number): number =>
      rows.filter((r) => r[column].endsWith("kexec") || r[column].endsWith("crash")).length;
    return {
      series: [],
      table: { columns: ["attempt", "no lockdown", `lockdown=${lockdown}`], rows },
      numbers: { boots: boots(1), bootsLockedDown: boots(2), attempts: rows.length },
    };
  },
};
