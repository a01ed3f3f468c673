/**
 * imaState: what changes while IMA runs, apart from what it remembers per inode: modes, rules, the list, registers, keys. Plain data.
 */
import type { AsymmetricKey } from "../digsig/keyring.js";
import type { KexecImage } from "../kexec/kexecImage.js";
import type { MeasurementList } from "../list/measurementList.js";
import type { ImaRule } from "../policy/rule.js";
import type { PcrBanks } from "../tpm/pcrs.js";

/** ima_appraise=: none of them is "off". */
export const IMA_APPRAISE_ENFORCE = 1;
export const IMA_APPRAISE_FIX = 2;
export const IMA_APPRAISE_LOG = 4;

/** Which readings the policy asks a signature or hash for, whoever does the reading. */
export const IMA_APPRAISE_MODULES = 8;
export const IMA_APPRAISE_FIRMWARE = 16;
export const IMA_APPRAISE_POLICY = 32;
export const IMA_APPRAISE_KEXEC = 64;

/** `EvmState.initialized` bits, the numbers of the securityfs file `evm`. */
export const EVM_INIT_HMAC = 1;
export const EVM_INIT_X509 = 2;
export const EVM_ALLOW_METADATA_WRITES = 4;
/** No further changes: 0x80000000, kept apart since bit 31 is a sign in JavaScript. */
export const EVM_SETUP_COMPLETE = 0x80000000;

export class EvmState {
  initialized: number = 0;
  setupComplete: boolean = false;
  /** Payload of the HMAC key; null without one. */
  key: Uint8Array | null = null;
  /** Protected names in order. */
  names: { name: string; enabled: boolean }[] = [];
  namesLocked: boolean = false;
}

export class KexecState {
  image: KexecImage | null = null;
  crashImage: KexecImage | null = null;
  /** sysctl kernel.kexec_load_disabled: 0, 1, never back. */
  loadDisabled: number = 0;
  /** Region of crashkernel=, bytes; 0 without. */
  crashStart: number = 0;
  crashSize: number = 0;
  lockdown: number = 0;
  /** What the machine jumped to: "" nothing yet, "kexec", "crash", or "halt" where purgatory found a changed segment. */
  jumped: "" | "kexec" | "crash" | "halt" = "";
}

export class ImaState {
  /** IMA_APPRAISE_ENFORCE... and IMA_APPRAISE_MODULES...; 0 off. */
  appraise: number = IMA_APPRAISE_ENFORCE;
  hashAlgo: number = 0;
  /** Default template's name. */
  template: string = "";
  /** Formats given by ima_template_fmt=, beside the known templates. */
  customFormat: string = "";
  list: MeasurementList;
  /** null: no TPM. */
  tpm: PcrBanks | null;
  defaultRules: ImaRule[] = [];
  customRules: ImaRule[] = [];
  tempRules: ImaRule[] = [];
  /** A policy of the administrator's has taken the place of the builtin one. */
  customActive: boolean = false;
  /** Orders that occur in the rules in force; 0: IMA does nothing. */
  policyFlag: number = 0;
  /** appraise_algos= of the SETXATTR_CHECK rule, bits; 0: all. */
  setxattrAlgos: number = 0;
  failUnverifiable: boolean = false;
  /** The policy file: somebody has it open, and nothing bad was written so far. */
  policyBusy: boolean = false;
  policyValid: boolean = true;
  policyRemoved: boolean = false;
  /** integrity_audit=1: informational audit records as well. */
  auditInfo: boolean = false;
  evmFix: boolean = false;
  /** Moved by offline edits: what was remembered about inodes before does not count. */
  epoch: number = 0;
  /** Keys by keyring name. */
  readonly keyrings: Map<string, AsymmetricKey[]> = new Map();
  /** Keys added before a policy of the administrator's, to be measured when it comes; null afterwards. */
  queuedKeys: { keyring: string; der: Uint8Array }[] | null = [];
  /** Log lines about signatures whose key is not there: begun when (ns), printed, left out since. */
  readonly unknownKeys: { since: number; printed: number; missed: number } = { since: 0, printed: 0, missed: 0 };
  readonly evm: EvmState = new EvmState();
  readonly kexec: KexecState = new KexecState();

  constructor(list: MeasurementList, tpm: PcrBanks | null) {
    this.list = list;
    this.tpm = tpm;
  }
}
