/**
 * Files that are not data: device nodes, and files nobody can do anything with (links, sockets). mknod(2).
 */
import { ENXIO } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { FileOps } from "./file.js";

/** Nothing can be done: open fails with ENXIO (sockets). */
export const noOps: FileOps = /* @__PURE__ */ new FileOps({ open: () => fail(ENXIO) });

/** A device node: the part with the drivers opens it and puts its own operations in. */
export const chrdevOps: FileOps = /* @__PURE__ */ new FileOps({
  open(c, inode, file) {
    const f = c.k.vfs.openDevice;
    return f === null ? fail(ENXIO) : f(c, inode, file);
  },
});
