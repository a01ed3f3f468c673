/**
 * @kernelkit/integrity: IMA, EVM, signatures, TPM quotes and verified kexec; and, apart from any kernel, the verifier of what real machines
 * show of them.
 */
export * from "./abi/hashAlgo.js";
export * from "./abi/imaPolicy.js";
export * from "./abi/integrityStatus.js";
export * from "./abi/xattr.js";
export { IntegrityApi, type OfflineEdit } from "./api.js";
export { FormatError, fromHex, toHex } from "./bytes.js";
export { type HashWasm, hashWasmCrypto } from "./crypto/hashWasmCrypto.js";
export { type CertificateOptions, ecKeyFromSeed, makeCertificate } from "./crypto/makeCertificate.js";
export { nobleCrypto, publicKeyOf, signDigest } from "./crypto/nobleCrypto.js";
export { parsePublicKey } from "./crypto/parsePublicKey.js";
export { type Pkcs7, parsePkcs7, pkcs7Verify, signPkcs7 } from "./crypto/pkcs7.js";
export type * from "./crypto/provider.js";
export { encodeSpki, keyId, subjectKeyIdentifier } from "./crypto/publicKey.js";
export { parseX509, verifyCertificate, type X509 } from "./crypto/x509.js";
export {
  type FileDigest,
  integrityDigsigVerify,
  type SignatureCheck,
  signV2,
  type VerifySignatureOptions,
  verifyImaSignature,
} from "./digsig/digsigVerify.js";
export { type AsymmetricKey, findKey, keyringOf } from "./digsig/keyring.js";
export { readSignatureHeader, type SignatureHeader, writeSignature } from "./digsig/signatureHeader.js";
export { type EvmCalcHmac, type EvmInode, evmCalcHmac } from "./evm/evmDigest.js";
export { type SignEvmOptions, signEvm } from "./evm/signEvm.js";
export { type EvmCheck, type EvmDescription, type VerifyEvmOptions, verifyEvm } from "./evm/verifyEvm.js";
export { Iint } from "./ima/iint.js";
export type { EvmState, ImaState, KexecState } from "./ima/imaState.js";
export { integrity } from "./integrity.js";
export type { IntegritySys } from "./integritySys.js";
export { type BzImage, makeBzImage, probeBzImage } from "./kexec/bzImage.js";
export { type CrashReservation, parseCrashkernel } from "./kexec/crashkernel.js";
export type { KexecUserSegment } from "./kexec/kexecCalls.js";
export { KexecImage, KexecSegment, verifyPurgatoryDigest } from "./kexec/kexecImage.js";
export { type PeFile, parsePe, peDigest } from "./kexec/peFile.js";
export { type SignPe, signPe, verifyPeSignature } from "./kexec/peSign.js";
export { asciiMeasurements } from "./list/asciiList.js";
export type { EntryField, MeasurementEntry } from "./list/entry.js";
export { parseKexecBuffer, writeKexecBuffer } from "./list/kexecBuffer.js";
export { type ListFormat, ListReader, parseMeasurementList } from "./list/listReader.js";
export { MeasurementList } from "./list/measurementList.js";
export { imaReplay, Replay, type ReplayOptions } from "./list/replay.js";
export { lookupTemplate, type Template, templateFields, templateNames } from "./list/template.js";
export { type TemplateEvent, templateHash } from "./list/templateData.js";
export {
  type Attestation,
  type ListedFile,
  type ListFailure,
  type ListFailureKind,
  type ListVerdict,
  MeasurementListVerifier,
  type VerifyListOptions,
  verifyAttestation,
  verifyMeasurementList,
} from "./list/verifyMeasurementList.js";
export type { IntegrityOptions, TpmOptions } from "./options.js";
export { matchPolicy, type PolicyEvent, type PolicyMatch, policyEvent, ruleMatches } from "./policy/matchPolicy.js";
export { type ParsedRule, type PolicyEnv, parseRule } from "./policy/parseRule.js";
export { renderRule } from "./policy/renderRule.js";
export { ImaRule, type PolicyDialect, policyDialect61, policyDialect618 } from "./policy/rule.js";
export { type IntegrityProfile, profile618, profileDebian61 } from "./profile.js";
export { bootAggregate } from "./tpm/bootAggregate.js";
export { PcrBanks, type PcrValues } from "./tpm/pcrs.js";
export { checkQuote, type Quote, type QuoteCheck, type QuoteInput, tpmQuote } from "./tpm/quote.js";
export { parseAttest, parsePcrSelection, type TpmsAttest } from "./tpm/tpmsAttest.js";
