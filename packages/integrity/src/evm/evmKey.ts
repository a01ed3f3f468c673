/**
 * evmKey: loading the HMAC key: the payload of the `encrypted` key `evm-key` in root's keyring (keyrings(7), kernel document
 * security/keys/trusted-encrypted). The key's payload is wiped afterwards.
 */
import { EBUSY, EINVAL, ENOENT } from "@kernelkit/core";
import { EVM_INIT_HMAC } from "../ima/imaState.js";
import type { Integrity } from "../integrityCore.js";
import { MAX_KEY_SIZE } from "./evmDigest.js";

/** Root's user keyring. */
export const USER_KEYRING = "_uid.0";
export const EVM_KEY = "evm-key";

/** Adds the key as `keyctl add encrypted evm-key` would leave it. */
export function addEvmKey(g: Integrity, payload: Uint8Array): void {
  g.k.tasks.keyrings.add(USER_KEYRING, { type: "encrypted", desc: EVM_KEY, payload: payload.slice() });
}

/** Sets the HMAC key: 0; -EBUSY if there is one; -EINVAL for a payload that is empty or above 128 bytes. */
export function evmSetKey(g: Integrity, payload: Uint8Array): number {
  const { evm } = g.state;
  if ((evm.initialized & EVM_INIT_HMAC) !== 0 || evm.key !== null) return -EBUSY;
  if (payload.length === 0 || payload.length > MAX_KEY_SIZE) return -EINVAL;
  evm.key = payload.slice();
  g.k.log(6, "evm: key initialized");
  return 0;
}

/** Takes the key from the keyring: 0, -ENOENT if it is not there, or as `evmSetKey`. */
export function evmInitKey(g: Integrity): number {
  const key = g.k.tasks.keyrings.find(USER_KEYRING, "encrypted", EVM_KEY);
  if (key === undefined) return -ENOENT;
  const rc = evmSetKey(g, key.payload);
  key.payload.fill(0);
  return rc;
}
