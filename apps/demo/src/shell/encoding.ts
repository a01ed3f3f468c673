/** Bytes as text in the encodings that just-bash names, without anything of Node's: the shell runs in a page too. */
import { latin1Bytes, latin1Text, utf8Bytes, utf8Text } from "@kernelkit/core";
import { fromHex, toHex } from "@kernelkit/integrity";
import type { BufferEncoding } from "just-bash";

/** @param encoding utf8, ascii, latin1 (binary), base64 or hex */
export function decode(bytes: Uint8Array, encoding: BufferEncoding): string {
  switch (encoding) {
    case "hex":
      return toHex(bytes);
    case "base64":
      return btoa(latin1Text(bytes));
    case "latin1":
    case "binary":
      return latin1Text(bytes);
    case "ascii":
      return latin1Text(bytes.map((b) => b & 0x7f));
    default:
      return utf8Text(bytes);
  }
}

/** The inverse of `decode`; what is no base64 or hex is an Error. */
export function encode(text: string, encoding: BufferEncoding): Uint8Array {
  switch (encoding) {
    case "hex":
      return fromHex(text);
    case "base64":
      return latin1Bytes(atob(text));
    case "latin1":
    case "binary":
    case "ascii":
      return latin1Bytes(text);
    default:
      return utf8Bytes(text);
  }
}
