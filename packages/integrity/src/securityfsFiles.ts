/**
 * securityfsFiles: what integrity shows below /sys/kernel/security: the measurement lists, counters, policy, EVM's switches, lockdown; and the
 * TPM's registers in sysfs. Kernel documents ABI/testing/{ima_policy,evm,sysfs-class-tpm}, security/IMA-templates.
 */
import { CAP_SYS_ADMIN, type Ctx, capable, E2BIG, EEXIST, EINVAL, EPERM, fail, type PseudoFile } from "@kernelkit/core";
import { HASH_ALGO_SHA1, hashAlgoName } from "./abi/hashAlgo.js";
import { AUDIT_INTEGRITY_EVM_XATTR, untrusted } from "./audit.js";
import { toHex } from "./bytes.js";
import { evmInitKey } from "./evm/evmKey.js";
import { EVM_ALLOW_METADATA_WRITES, EVM_INIT_HMAC, EVM_INIT_X509, EVM_SETUP_COMPLETE } from "./ima/imaState.js";
import { POLICY_PATH, policyFileOps } from "./ima/policyFile.js";
import type { Integrity } from "./integrityCore.js";
import { LOCKDOWN_NONE, parseLockdown, showLockdown } from "./kexec/lockdown.js";
import { latin1Bytes } from "./list/asciiList.js";
import { IMPLEMENTATION_PCR } from "./tpm/pcrs.js";

const IMA = "integrity/ima";

function requireAdmin(c: Ctx): void {
  if (!capable(c.k, c.task, CAP_SYS_ADMIN)) fail(EPERM);
}

/** The whole ascii list of a bank, one byte per character. */
export function asciiList(g: Integrity, column: number): Uint8Array {
  const { list } = g.state;
  const lines: string[] = [];
  for (let i = 0; i < list.count; i++) lines.push(list.asciiEntry(i, column));
  return latin1Bytes(lines.join(""));
}

function listFiles(g: Integrity): void {
  // State is reached through g.state at each call: a restore puts other objects there.
  const { securityfs } = g.k;
  const pair = (suffix: string, column: number): void => {
    const ascii: PseudoFile = { mode: 0o440, show: () => asciiList(g, column) };
    const binary: PseudoFile = { mode: 0o440, show: () => g.state.list.toBinary(0, column) };
    securityfs.file(`${IMA}/ascii_runtime_measurements${suffix}`, ascii);
    securityfs.file(`${IMA}/binary_runtime_measurements${suffix}`, binary);
  };
  if (g.o.profile.perBankLists) {
    g.state.list.digests.forEach((d, column) => {
      pair(`_${hashAlgoName[d.algo]}`, column);
    });
    securityfs.link(`${IMA}/ascii_runtime_measurements`, "ascii_runtime_measurements_sha1");
    securityfs.link(`${IMA}/binary_runtime_measurements`, "binary_runtime_measurements_sha1");
  } else {
    pair("", g.state.list.column(HASH_ALGO_SHA1));
  }
  securityfs.file(`${IMA}/runtime_measurements_count`, { mode: 0o440, show: () => `${g.state.list.count}\n` });
  securityfs.file(`${IMA}/violations`, { mode: 0o440, show: () => `${g.state.list.violations}\n` });
}

/** A number in any base with an optional newline, at most 32 bits; -1 if it is none. */
function parseUint(text: string): number {
  const t = text.replace(/\n$/, "");
  const m = /^\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(t);
  if (m === null) return -1;
  const v = /^0[0-7]+$/.test(m[1]) ? Number.parseInt(m[1], 8) : Number(m[1]);
  return v <= 0xffffffff ? v : -1;
}

/** A write to the file `evm`. Bytes taken, or -errno. */
function storeEvm(g: Integrity, text: string): number {
  const { evm } = g.state;
  if (evm.setupComplete) return -EPERM;
  const v = parseUint(text);
  if (v <= 0) return -EINVAL;
  const complete = v >= EVM_SETUP_COMPLETE;
  const bits = complete ? v - EVM_SETUP_COMPLETE : v;
  if ((bits & ~(EVM_INIT_HMAC | EVM_INIT_X509 | EVM_ALLOW_METADATA_WRITES)) !== 0) return -EINVAL;
  if ((bits & EVM_ALLOW_METADATA_WRITES) !== 0 && (evm.initialized & EVM_INIT_HMAC) !== 0) return -EPERM;
  if ((bits & EVM_INIT_HMAC) !== 0) {
    const rc = evmInitKey(g);
    if (rc !== 0) return rc;
  }
  evm.initialized |= bits;
  if (complete || (bits & EVM_INIT_HMAC) !== 0) evm.setupComplete = true;
  if ((evm.initialized & EVM_INIT_HMAC) !== 0) evm.initialized &= ~EVM_ALLOW_METADATA_WRITES;
  return text.length;
}

/** A write to evm_xattrs: one more protected name, or "." to lock the list. */
function storeEvmXattrs(g: Integrity, raw: string): number {
  const { evm } = g.state;
  if (evm.namesLocked) return -EPERM;
  if (raw.length > 255) return -E2BIG;
  const name = raw.replace(/\n$/, "").split("\0")[0];
  const record = (res: number): void => g.k.audit(AUDIT_INTEGRITY_EVM_XATTR, `xattr=${untrusted(name)} res=${res}`);
  if (name === ".") {
    evm.namesLocked = true;
    record(1);
    return raw.length;
  }
  if (!name.startsWith("security.") || name.length === "security.".length) {
    record(0);
    return -EINVAL;
  }
  const there = evm.names.find((x) => x.name === name);
  if (there?.enabled === true) {
    record(0);
    return -EEXIST;
  }
  if (there !== undefined) there.enabled = true;
  else evm.names.push({ name, enabled: true });
  record(1);
  return raw.length;
}

function evmFiles(g: Integrity): void {
  const { securityfs } = g.k;
  const evm: PseudoFile = {
    mode: 0o660,
    show: () => String(g.state.evm.initialized),
    store(c, _o, text) {
      requireAdmin(c);
      return storeEvm(g, text);
    },
  };
  securityfs.file("integrity/evm/evm", evm);
  securityfs.link("evm", "integrity/evm/evm");
  if (!g.o.profile.evmAddXattrs) return;
  securityfs.file("integrity/evm/evm_xattrs", {
    mode: 0o660,
    show: () =>
      g.state.evm.names
        .filter((x) => x.enabled)
        .map((x) => `${x.name}\n`)
        .join(""),
    store(c, _o, text) {
      requireAdmin(c);
      return storeEvmXattrs(g, text);
    },
  });
}

/** The level may only rise. 0 or -EPERM. */
export function lockKernelDown(g: Integrity, where: string, level: number): number {
  const { kexec } = g.state;
  if (kexec.lockdown >= level) return -EPERM;
  kexec.lockdown = level;
  const what = `Kernel is locked down from ${where}; see man kernel_lockdown.7`;
  g.k.log(5, what);
  return 0;
}

function lockdownFile(g: Integrity): void {
  g.k.securityfs.file("lockdown", {
    mode: 0o644,
    show: () => showLockdown(g.state.kexec.lockdown),
    store(c, _o, text) {
      requireAdmin(c);
      const level = parseLockdown(text);
      if (level < 0) return -EINVAL;
      const rc = level === LOCKDOWN_NONE ? -EPERM : lockKernelDown(g, "securityfs", level);
      return rc === 0 ? text.length : rc;
    },
  });
}

function tpmFiles(g: Integrity): void {
  const { tpm } = g.state;
  if (tpm === null) return;
  tpm.banks.forEach(({ algo }, b) => {
    for (let i = 0; i < IMPLEMENTATION_PCR; i++) {
      const show = (): string => {
        const now = g.state.tpm;
        return now === null ? "" : `${toHex(now.read(now.banks[b], i)).toUpperCase()}\n`;
      };
      g.k.sysfs.file(`/sys/class/tpm/tpm0/pcr-${hashAlgoName[algo]}/${i}`, { mode: 0o444, show });
    }
  });
  g.k.sysfs.file("/sys/class/tpm/tpm0/tpm_version_major", { mode: 0o444, show: () => "2\n" });
}

/** Makes all files. */
export function installFiles(g: Integrity): void {
  const { securityfs } = g.k;
  listFiles(g);
  const ops = policyFileOps(g);
  g.k.state.static("fops.ima_policy", ops);
  securityfs.file(POLICY_PATH, { mode: g.o.profile.readPolicy ? 0o600 : 0o200, ops });
  securityfs.link("ima", IMA);
  evmFiles(g);
  lockdownFile(g);
  tpmFiles(g);
}
