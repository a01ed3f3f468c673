/**
 * evmDigest: the bytes that `security.evm` protects, and the two ways to seal them.
 *
 * The values (not the names, not the lengths) of the protected attributes in their fixed order, then 24 bytes of inode data:
 * ino u64, generation u32, uid u32, gid u32, mode u16 with file type, two zero bytes, little endian; then, unless the signature is
 * portable, the file system's UUID. A portable signature has ino and generation zero and covers disabled names as well.
 * Source: kernel document ABI/testing/evm; layout as recorded from a 6.1 kernel and as evmctl(1) computes it.
 */
import { HASH_ALGO_SHA1 } from "../abi/hashAlgo.js";
import { concatBytes, putU16le, putU32le, putU64le, uuidBytes } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider } from "../crypto/provider.js";

/** Bytes of an HMAC key: a shorter payload is padded with zeros, so HMAC hashes it first (it is longer than a block). */
export const MAX_KEY_SIZE = 128;

export interface EvmInode {
  readonly ino: number | bigint;
  readonly generation: number;
  /** In the initial user namespace. */
  readonly uid: number;
  readonly gid: number;
  /** With the file type (S_IFREG...). */
  readonly mode: number;
}

/** Bytes of inode data under an HMAC or signature. */
export function evmInodeBytes(inode: EvmInode, portable: boolean): Uint8Array {
  const b = new Uint8Array(24);
  if (!portable) {
    putU64le(b, 0, inode.ino);
    putU32le(b, 8, inode.generation);
  }
  putU32le(b, 12, inode.uid);
  putU32le(b, 16, inode.gid);
  putU16le(b, 20, inode.mode);
  return b;
}

/**
 * What is hashed. `values` in EVM's order, absent ones left out; `fsuuid` null for a kernel without EVM_ATTR_FSUUID.
 * A portable signature ignores the UUID.
 */
export function evmData(
  values: readonly Uint8Array[],
  inode: EvmInode,
  portable: boolean,
  fsuuid: Uint8Array | null,
): Uint8Array {
  const tail = portable || fsuuid === null ? [] : [fsuuid];
  return concatBytes([...values, evmInodeBytes(inode, portable), ...tail]);
}

/** The HMAC function of a key payload: SHA-1 keyed with the payload padded to 128 bytes. RangeError for more than 128 bytes. */
export function evmHmac(payload: Uint8Array, crypto: CryptoProvider): (data: Uint8Array) => Uint8Array {
  if (payload.length > MAX_KEY_SIZE) {
    throw new RangeError(`EVM key of ${payload.length} bytes: at most ${MAX_KEY_SIZE} are allowed`);
  }
  const key = new Uint8Array(MAX_KEY_SIZE);
  key.set(payload);
  return crypto.hmac(HASH_ALGO_SHA1, key);
}

export interface EvmCalcHmac extends EvmInode {
  /** Key payload, at most 128 bytes. */
  readonly key: Uint8Array;
  /** Values of the protected attributes that are present, in EVM's order. */
  readonly values: readonly Uint8Array[];
  /** UUID text or 16 bytes; null for a kernel without EVM_ATTR_FSUUID. */
  readonly fsuuid: string | Uint8Array | null;
  readonly crypto?: CryptoProvider;
}

/** The value of `security.evm` (0x02 and 20 bytes) that the kernel stores for such a file. */
export function evmCalcHmac(o: EvmCalcHmac): Uint8Array {
  const uuid = typeof o.fsuuid === "string" ? uuidBytes(o.fsuuid) : o.fsuuid;
  const mac = evmHmac(o.key, o.crypto ?? nobleCrypto)(evmData(o.values, o, false, uuid));
  return concatBytes([Uint8Array.of(0x02), mac]);
}
