/**
 * integrity: the package as a feature.
 *
 *     const kernel = createKernel({ cmdline: "ima_policy=tcb ima_appraise=enforce" }).use(integrity()).boot();
 *     kernel.sys(kernel.init).open("/usr/bin/x", O_RDONLY);
 *     kernel.integrity.asciiMeasurements();
 *
 * Without a policy on the command line nothing is looked at: one entry, boot_aggregate, is in the list.
 */
import { type Core, coreInstance, type ExecCheck, type Feature, intSysctl, type OpenFile } from "@kernelkit/core";
import { IntegrityApi } from "./api.js";
import { text, utf8 } from "./bytes.js";
import { pemToDer } from "./crypto/parsePublicKey.js";
import {
  evmInodeChanged,
  evmInodeRemovexattr,
  evmInodeSetattr,
  evmInodeSetxattr,
  evmXattrChanged,
} from "./evm/evmHooks.js";
import { Iint } from "./ima/iint.js";
import {
  imaBprmCheck,
  imaFileCheck,
  imaFileFree,
  imaFileMmap,
  imaFileMprotect,
  imaInodePostSetattr,
  imaInodeRemovexattr,
  imaInodeSetxattr,
} from "./ima/imaHooks.js";
import { EvmState, KexecState } from "./ima/imaState.js";
import { imaInit } from "./ima/init.js";
import { Integrity } from "./integrityCore.js";
import type { IntegritySys } from "./integritySys.js";
import { installKexec, reserveCrashkernel } from "./kexec/kexecBoot.js";
import { kexecCalls } from "./kexec/kexecCalls.js";
import { KexecImage, KexecSegment } from "./kexec/kexecImage.js";
import { LOCKDOWN_INTEGRITY, parseLockdown } from "./kexec/lockdown.js";
import { addX509, KEYRING_BUILTIN, KEYRING_PLATFORM, keyringName } from "./keyrings.js";
import { DigestColumn, MeasurementList } from "./list/measurementList.js";
import { moduleCalls } from "./moduleCalls.js";
import { type IntegrityOptions, resolveIntegrityOptions } from "./options.js";
import { ImaRule } from "./policy/rule.js";
import { installFiles, lockKernelDown } from "./securityfsFiles.js";
import { PcrBank, PcrBanks } from "./tpm/pcrs.js";

/** Where integrity's listeners stand among a hook's: last of those who may refuse. */
const IMA = 850;
const EVM = 860;

function tapIma(g: Integrity): void {
  const { hooks } = g.k;
  hooks.pathOpen.tap(IMA, "ima", (file, mask) => (g.asleep ? 0 : imaFileCheck(g, file, mask)));
  hooks.mmapCheck.tap(IMA, "ima", (_t, m) => (g.asleep ? 0 : imaFileMmap(g, m.file, m.prot)));
  hooks.mprotectCheck.tap(IMA, "ima", (_t, m) => (g.asleep ? 0 : imaFileMprotect(g, m.vma, m.prot)));
  hooks.execCheck.tap(IMA, "ima", (t, e) => {
    if (g.asleep || g.state.policyFlag === 0) return 0;
    const { file } = e as ExecCheck;
    const opened = imaFileCheck(g, file, 0);
    return opened !== 0 ? opened : imaBprmCheck(g, file, t.cred);
  });
  hooks.finalFput.tap(IMA, "ima", (file: OpenFile) => {
    if (!g.asleep) imaFileFree(g, file);
  });
  hooks.xattrSet.tap(IMA, "ima", (dentry, x) => (g.asleep ? 0 : imaInodeSetxattr(g, dentry, x.name, x.value)));
  hooks.xattrRemove.tap(IMA, "ima", (dentry, name) => (g.asleep ? 0 : imaInodeRemovexattr(g, dentry, name)));
  hooks.inodeChanged.tap(IMA, "ima", (dentry) => {
    if (!g.asleep) imaInodePostSetattr(g, dentry);
  });
}

function tapEvm(g: Integrity): void {
  const { hooks } = g.k;
  hooks.xattrSet.tap(EVM, "evm", (dentry, x) => (g.asleep ? 0 : evmInodeSetxattr(g, dentry, x.name, x.value)));
  hooks.xattrRemove.tap(EVM, "evm", (dentry, name) => (g.asleep ? 0 : evmInodeRemovexattr(g, dentry, name)));
  hooks.setattr.tap(EVM, "evm", (dentry, a) => (g.asleep ? 0 : evmInodeSetattr(g, dentry, a)));
  hooks.xattrChanged.tap(EVM, "evm", (dentry, name) => {
    if (!g.asleep) evmXattrChanged(g, dentry, name);
  });
  hooks.inodeChanged.tap(EVM, "evm", (dentry, a) => {
    if (!g.asleep) evmInodeChanged(g, dentry, a);
  });
}

function loadKeys(g: Integrity): void {
  const { keys } = g.o;
  const all: [string, readonly (Uint8Array | string)[]][] = [
    [KEYRING_BUILTIN, keys.builtin ?? []],
    [KEYRING_PLATFORM, keys.platform ?? []],
    [keyringName(g, "ima"), keys.ima ?? []],
    [keyringName(g, "evm"), keys.evm ?? []],
  ];
  for (const [name, certificates] of all) {
    for (const c of certificates) {
      const der = pemToDer(typeof c === "string" ? c : text(c)) ?? (typeof c === "string" ? utf8(c) : c);
      const rc = addX509(g, name, der, true);
      if (rc !== 0) throw new RangeError(`keys: a certificate for ${name} does not parse (errno ${rc})`);
    }
  }
}

function lockdownAtBoot(g: Integrity): void {
  const level = parseLockdown(g.k.cmdline.get("lockdown") ?? "");
  if (level > 0) lockKernelDown(g, "command line", level);
  if (g.o.secureBoot) lockKernelDown(g, "EFI Secure Boot mode", LOCKDOWN_INTEGRITY);
}

function registerState(g: Integrity): void {
  const { state } = g.k;
  state.class(
    Iint,
    EvmState,
    KexecState,
    MeasurementList,
    DigestColumn,
    PcrBanks,
    PcrBank,
    ImaRule,
    KexecImage,
    KexecSegment,
  );
  state.root("integrity", g.state);
}

/** The feature. TypeError or RangeError for a bad option, naming it. */
export function integrity(options: IntegrityOptions = {}): Feature<"integrity", IntegrityApi, IntegritySys> {
  const o = resolveIntegrityOptions(options);
  return {
    name: "integrity",
    core: coreInstance,
    install(k: Core) {
      const g = new Integrity(k, o);
      registerState(g);
      if (o.fput !== null) k.vfs.fputMode = o.fput;
      if (o.iversion !== null) k.vfs.iversion = o.iversion;
      imaInit(g);
      reserveCrashkernel(g);
      installFiles(g);
      installKexec(g);
      k.sysctl.register("kernel/kexec_load_disabled", kexecLoadDisabled(g));
      tapIma(g);
      tapEvm(g);
      return {
        api: new IntegrityApi(g),
        sys: { ...kexecCalls(g), ...moduleCalls(g) },
        boot() {
          loadKeys(g);
          lockdownAtBoot(g);
        },
      };
    },
  };
}

/** 0 at boot; only 1 can be written, so it never goes back. */
function kexecLoadDisabled(g: Integrity): ReturnType<typeof intSysctl> {
  return intSysctl({
    min: 1,
    max: 1,
    get: () => g.state.kexec.loadDisabled,
    set(_c, v) {
      g.state.kexec.loadDisabled = v;
    },
  });
}
