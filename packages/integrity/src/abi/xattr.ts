/**
 * xattr: the names and first bytes of the extended attributes of IMA and EVM.
 *
 * `security.ima` and `security.evm` begin with one type byte; what follows depends on it (evmctl(1), and the kernel
 * document security/IMA-templates). The values are little parsers' input, never trusted: see `imaXattr.ts`.
 */

/** security.ima */
export const XATTR_NAME_IMA = "security.ima";
/** security.evm */
export const XATTR_NAME_EVM = "security.evm";

/** SHA-1 (21 bytes) or MD5 (17 bytes) digest without a header. */
export const IMA_XATTR_DIGEST = 0x01;
/** HMAC of EVM: 20 bytes follow. */
export const EVM_XATTR_HMAC = 0x02;
/** Signature with a header, version 2 (or 3). */
export const EVM_IMA_XATTR_DIGSIG = 0x03;
/** Hash algorithm number (one byte), then the digest. */
export const IMA_XATTR_DIGEST_NG = 0x04;
/** Portable, immutable EVM signature. */
export const EVM_XATTR_PORTABLE_DIGSIG = 0x05;
/** Signature over a file's fs-verity digest. */
export const IMA_VERITY_DIGSIG = 0x06;
/** The first type byte that does not exist. */
export const IMA_XATTR_LAST = 0x07;

/** Bytes of a signature header: type, version, hash algorithm, key id (4, big endian), signature size (2, big endian). */
export const SIGNATURE_V2_HDR_SIZE = 9;

/**
 * The attributes EVM protects, in the order in which their values are hashed. `enabled` in Debian's 6.1 kernel:
 * a name that is not enabled counts for portable signatures only.
 */
export const evmConfigXattrNames: readonly string[] = [
  "security.selinux",
  "security.SMACK64",
  "security.SMACK64EXEC",
  "security.SMACK64TRANSMUTE",
  "security.SMACK64MMAP",
  "security.apparmor",
  "security.ima",
  "security.capability",
];
