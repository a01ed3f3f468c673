/**
 * memory.pressure, and cgroup.pressure that takes it away: a group that is not looked at costs nothing. Kernel documents accounting/psi,
 * admin-guide/cgroup-v2 "cgroup.pressure".
 */
import {
  CAP_SYS_RESOURCE,
  type CgroupFile,
  type Core,
  type Css,
  credCapable,
  EINVAL,
  ERANGE,
  Errno,
  fail,
  kstrtoint,
  type OpenFile,
  POLLERR,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDNORM,
  POLLWRNORM,
} from "@kernelkit/core";
import { memcgOf, setting } from "./counterFiles.js";
import type { MemcgSystem } from "./memcgSystem.js";
import type { PsiGroup } from "./psi.js";

const READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

/** A trigger is written to an open file. */
export function addTrigger(s: MemcgSystem, psi: PsiGroup, text: string, file: OpenFile): void {
  const privileged = credCapable(file.cred, s.k.tasks.initUserNs, CAP_SYS_RESOURCE);
  psi.addTrigger(text, file.serial, privileged, s.era.psiMinWindow);
}

function poll(css: Css, file: OpenFile): number {
  const state = memcgOf(css).psi.poll(file.serial);
  return state === "none" ? READY | POLLERR | POLLPRI : state === "event" ? READY | POLLPRI : READY;
}

/** 0 or 1. EINVAL text, ERANGE other numbers. */
function parseSwitch(text: string): boolean {
  const n = kstrtoint(text.trim(), 0);
  if (n instanceof Errno) return fail(n.nr);
  return n === 0 || n === 1 ? n === 1 : fail(ERANGE);
}

function setPressure(k: Core, css: Css, on: boolean): void {
  const m = memcgOf(css);
  if (m.psi.enabled === on) return;
  m.psi.enabled = on;
  k.cgroup.onControllers?.(css.cgroup);
}

export function pressureFiles(s: MemcgSystem): CgroupFile[] {
  const pressure = setting(
    "pressure",
    (m, _f, c) => m.psi.text(c.now),
    (m, text, _c, file) => addTrigger(s, m.psi, text, file),
    true,
  );
  return [
    { ...pressure, visible: (css) => memcgOf(css).psi.enabled, poll: (_c, css, file) => poll(css, file) },
    {
      name: "cgroup.pressure",
      noPrefix: true,
      mode: 0o644,
      show: (_c, _g, css) => `${memcgOf(css).psi.enabled ? 1 : 0}\n`,
      store: (c, _g, css, text) => (css === null ? fail(EINVAL) : setPressure(c.k, css, parseSwitch(text))),
    },
  ];
}
