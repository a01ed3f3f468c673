/**
 * `@kernelkit/core/names`: constants of the system call interface by name, for whoever reads them from text. An entry of its own, because the
 * table keeps all of them in a bundle.
 */
export { constantsByName, parseFlags } from "./abi/names.js";
