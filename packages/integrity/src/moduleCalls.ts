/**
 * moduleCalls: loading modules from files, so that IMA can look at them: finit_module(2) and init_module(2).
 *
 * A module of this machine is a registered one (`k.tasks.modules`); a file stands for it that begins with `#!kk module NAME`.
 */
import {
  CAP_SYS_MODULE,
  type Ctx,
  capable,
  EACCES,
  EINVAL,
  ENOEXEC,
  EPERM,
  fail,
  type Impl,
  int,
  intOr,
  misuse,
  S_IFMT,
  S_IFREG,
  text,
} from "@kernelkit/core";
import { IMA_FUNC_MODULE_CHECK, MAY_READ } from "./abi/imaPolicy.js";
import { text as decoded } from "./bytes.js";
import { IMA_APPRAISE_ENFORCE, IMA_APPRAISE_MODULES } from "./ima/imaState.js";
import { processMeasurement } from "./ima/processMeasurement.js";
import type { Integrity } from "./integrityCore.js";
import type { IntegritySys } from "./integritySys.js";
import { LOCKDOWN_INTEGRITY } from "./kexec/lockdown.js";

/** MODULE_INIT_IGNORE_MODVERSIONS, _IGNORE_VERMAGIC, _COMPRESSED_FILE. */
const FLAGS = 7;

function load(g: Integrity, image: Uint8Array, params: string): number {
  const m = /^#!kk module (\S+)/.exec(decoded(image.subarray(0, 256)));
  if (m === null) return fail(ENOEXEC);
  g.k.tasks.modules.load(m[1], params === "" ? [] : params.split(/\s+/));
  return 0;
}

function permitted(g: Integrity, c: Ctx): void {
  if (!capable(g.k, c.task, CAP_SYS_MODULE)) fail(EPERM);
}

export function moduleCalls(g: Integrity): Pick<Impl<IntegritySys>, "finit_module" | "init_module"> {
  return {
    finit_module(c, fd, params, flags) {
      const words = params === undefined ? "" : text(params, "finit_module.params");
      permitted(g, c);
      if ((intOr(flags, 0, "finit_module.flags") & ~FLAGS) !== 0) return fail(EINVAL);
      const file = g.k.vfs.fget(c.task, int(fd, "finit_module.fd"));
      if ((file.inode.mode & S_IFMT) !== S_IFREG || file.inode.size <= 0) return fail(EINVAL);
      const image = g.contents(file.inode);
      const e = processMeasurement(g, file, MAY_READ, IMA_FUNC_MODULE_CHECK, image);
      return e === 0 ? load(g, image, words) : fail(e);
    },
    init_module(c, image, params) {
      const words = params === undefined ? "" : text(params, "init_module.params");
      if (!(image instanceof Uint8Array)) return misuse("init_module.image", image, "a Uint8Array");
      permitted(g, c);
      const { state } = g;
      const enforced = IMA_APPRAISE_ENFORCE | IMA_APPRAISE_MODULES;
      if ((state.appraise & enforced) === enforced) {
        g.k.log(
          3,
          "ima: impossible to appraise a module without a file descriptor. sig_enforce kernel parameter might help",
        );
        return fail(EACCES);
      }
      if (state.kexec.lockdown >= LOCKDOWN_INTEGRITY) {
        g.k.log(5, `Lockdown: ${c.task.comm}: unsigned module loading is restricted; see man kernel_lockdown.7`);
        return fail(EPERM);
      }
      return load(g, image, words);
    },
  };
}
