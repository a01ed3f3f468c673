/**
 * builtin: the policies that need no file: `ima_policy=tcb|appraise_tcb|secure_boot|critical_data|fail_securely`, and the older
 * parameters `ima_tcb` and `ima_appraise_tcb`. As text, in the language they stand for (admin-guide/kernel-parameters).
 */

const PROC_SUPER_MAGIC = "0x9fa0";

/** File systems without content of their own: magic numbers that both built-in policies leave out. */
const pseudo: readonly string[] = [
  PROC_SUPER_MAGIC,
  "0x62656572",
  "0x64626720",
  "0x01021994",
  "0x1cd1",
  "0x42494e4d",
  "0x73636673",
  "0xf97cff8c",
  "0x43415d53",
  "0x27e0eb",
  "0x63677270",
  "0x6e736673",
  "0xde5e81e4",
];

const dontMeasure: readonly string[] = pseudo.map((m) => `dont_measure fsmagic=${m}`);

/** `ima_policy=tcb`: programs, mapped code, modules, firmware, policies, and whatever root reads. */
export const tcbRules: readonly string[] = [
  ...dontMeasure,
  "measure func=MMAP_CHECK mask=MAY_EXEC",
  "measure func=BPRM_CHECK mask=MAY_EXEC",
  "measure func=FILE_CHECK mask=^MAY_READ euid=0",
  "measure func=FILE_CHECK mask=^MAY_READ uid=0",
  "measure func=MODULE_CHECK",
  "measure func=FIRMWARE_CHECK",
  "measure func=POLICY_CHECK",
];

/** `ima_tcb`: the first of them: an open for reading and writing escapes its exact mask. */
export const legacyTcbRules: readonly string[] = [
  ...dontMeasure,
  "measure func=MMAP_CHECK mask=MAY_EXEC",
  "measure func=BPRM_CHECK mask=MAY_EXEC",
  "measure func=FILE_CHECK mask=MAY_READ uid=0",
  "measure func=MODULE_CHECK",
  "measure func=FIRMWARE_CHECK",
];

/**
 * `ima_policy=appraise_tcb`: every file that root owns.
 * @param writePolicy the kernel lets rules be added later, so the policy itself must be signed
 * @param signedInit from the first program on, signatures are asked for (CONFIG_IMA_APPRAISE_SIGNED_INIT)
 */
export function appraiseTcbRules(writePolicy: boolean, signedInit: boolean): string[] {
  return [
    ...[...pseudo.slice(0, 4), "0x858458f6", ...pseudo.slice(4)].map((m) => `dont_appraise fsmagic=${m}`),
    ...(writePolicy ? ["appraise func=POLICY_CHECK appraise_type=imasig"] : []),
    signedInit ? "appraise fowner=0 appraise_type=imasig" : "appraise fowner=0",
  ];
}

/** `ima_policy=secure_boot`. */
export const secureBootRules: readonly string[] = [
  "appraise func=MODULE_CHECK appraise_type=imasig",
  "appraise func=FIRMWARE_CHECK appraise_type=imasig",
  "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig",
  "appraise func=POLICY_CHECK appraise_type=imasig",
];

/** `ima_policy=critical_data`. */
export const criticalDataRules: readonly string[] = ["measure func=CRITICAL_DATA"];
