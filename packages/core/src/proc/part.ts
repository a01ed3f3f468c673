/** /proc and /proc/sys as a part of core. After vfs, mm and pseudo. */
import type { Part } from "../kernel/core.js";
import { Sysctl } from "../vfs/pseudo/sysctl.js";
import { Proc } from "./proc.js";

export const procPart: Part = {
  name: "proc",
  install(k) {
    k.proc = new Proc(k);
    k.state.root("proc", k.proc);
    k.sysctl = new Sysctl(k, k.proc.tree);
  },
  boot(k) {
    k.sysctl.applyCmdline();
  },
};
