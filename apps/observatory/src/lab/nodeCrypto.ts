/** In a browser the shell's evmctl computes with the portable library (vite.config.ts puts this in the place of the Node one). */
export { nobleCrypto as nodeCrypto } from "@kernelkit/integrity";
