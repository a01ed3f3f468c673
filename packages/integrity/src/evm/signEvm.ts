/**
 * signEvm: the value of `security.evm` that `evmctl sign` stores: a signature over a file's attributes and metadata.
 *
 *     signEvm({ xattrs, inode }, key, { portable: true })          // type 0x05, survives copying to another file system
 *
 * For packagers' tools and tests. Which attributes count, and in which order: `evmDigest.ts`.
 */
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { EVM_IMA_XATTR_DIGSIG, EVM_XATTR_PORTABLE_DIGSIG, evmConfigXattrNames } from "../abi/xattr.js";
import { uuidBytes } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider, PrivateKey } from "../crypto/provider.js";
import { signV2 } from "../digsig/digsigVerify.js";
import { type EvmDescription, evmDefaultEnabled, evmProtectedData } from "./verifyEvm.js";

export interface SignEvmOptions {
  readonly portable?: boolean;
  /** Kernel hash number, default SHA-256. */
  readonly algo?: number;
  /** Names that count for a signature that is not portable. Default as in `verifyEvm`. */
  readonly enabled?: readonly string[];
  readonly crypto?: CryptoProvider;
}

/** RangeError if nothing is there to sign, or if a portable signature would not cover security.ima. */
export function signEvm(file: EvmDescription, key: PrivateKey, o: SignEvmOptions = {}): Uint8Array {
  const crypto = o.crypto ?? nobleCrypto;
  const algo = o.algo ?? HASH_ALGO_SHA256;
  const type = o.portable === true ? EVM_XATTR_PORTABLE_DIGSIG : EVM_IMA_XATTR_DIGSIG;
  const enabled = o.enabled ?? evmDefaultEnabled;
  const data = evmProtectedData(
    {
      getxattr: (name) => (Object.hasOwn(file.xattrs, name) ? file.xattrs[name] : null),
      inode: file.inode,
      fsuuid: typeof file.fsuuid === "string" ? uuidBytes(file.fsuuid) : (file.fsuuid ?? null),
    },
    evmConfigXattrNames.map((name) => ({ name, enabled: enabled.includes(name) })),
    type,
  );
  if (typeof data === "number") {
    throw new RangeError("signEvm: a protected attribute is needed, and security.ima for a portable signature");
  }
  return signV2(key, algo, crypto.digest(algo, data), crypto, type);
}
