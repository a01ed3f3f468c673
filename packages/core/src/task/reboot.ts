/**
 * reboot(2): the machine's end, or - in a pid namespace of its own - that of the namespace. What happens then is up to listeners of hook
 * `reboot`; without any the kernel logs the line Linux logs.
 */
import { CAP_SYS_BOOT } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  LINUX_REBOOT_CMD_CAD_OFF,
  LINUX_REBOOT_CMD_CAD_ON,
  LINUX_REBOOT_CMD_HALT,
  LINUX_REBOOT_CMD_KEXEC,
  LINUX_REBOOT_CMD_POWER_OFF,
  LINUX_REBOOT_CMD_RESTART,
  LINUX_REBOOT_CMD_RESTART2,
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_MAGIC2A,
  LINUX_REBOOT_MAGIC2B,
  LINUX_REBOOT_MAGIC2C,
} from "../abi/reboot.js";
import { SIGHUP, SIGINT } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { nsCapable } from "./capable.js";
import { activePidNs } from "./fork.js";
import type { Task } from "./task.js";

const MAGIC2: readonly number[] = [
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_MAGIC2A,
  LINUX_REBOOT_MAGIC2B,
  LINUX_REBOOT_MAGIC2C,
];

/** The call; numbers unsigned. 0, or an errno thrown. */
export function reboot(k: Core, t: Task, magic1: number, magic2: number, command: number, arg: string): 0 {
  const ns = activePidNs(t);
  if (!nsCapable(k, t, ns.userNs, CAP_SYS_BOOT)) return fail(EPERM);
  if (magic1 !== LINUX_REBOOT_MAGIC1 || !MAGIC2.includes(magic2)) return fail(EINVAL);
  if (ns.level > 0) {
    switch (command) {
      case LINUX_REBOOT_CMD_RESTART:
      case LINUX_REBOOT_CMD_RESTART2:
        ns.reboot = SIGHUP;
        break;
      case LINUX_REBOOT_CMD_POWER_OFF:
      case LINUX_REBOOT_CMD_HALT:
        ns.reboot = SIGINT;
        break;
      default:
        return fail(EINVAL);
    }
    // the exit status of the namespace's init says what was asked
    if (ns.childReaper !== null) k.signals.kill(ns.childReaper);
    return 0;
  }
  switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
      return 0;
    case LINUX_REBOOT_CMD_RESTART:
      return restart(k, command, "reboot: Restarting system");
    case LINUX_REBOOT_CMD_RESTART2:
      return restart(k, command, `reboot: Restarting system with command '${arg}'`);
    case LINUX_REBOOT_CMD_HALT:
      return restart(k, command, "reboot: System halted");
    case LINUX_REBOOT_CMD_POWER_OFF:
      return restart(k, command, "reboot: Power down");
    case LINUX_REBOOT_CMD_KEXEC:
      // only with an image loaded, which a package's listener knows
      return k.hooks.reboot.on === null ? fail(EINVAL) : restart(k, command, "");
  }
  return fail(EINVAL);
}

function restart(k: Core, command: number, line: string): 0 {
  if (line !== "") k.log(6, line);
  if (k.hooks.reboot.on !== null) k.hooks.reboot.on(command, undefined);
  return 0;
}
