/** cgroup.subtree_control: which controllers a group gives to its children. Documentation/admin-guide/cgroup-v2, "Enabling and Disabling". */
import { EBUSY, EINVAL, ENOENT, EOPNOTSUPP } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Cgroup, Css } from "./cgroup.js";
import type { Cgroups } from "./cgroups.js";
import { canBeThreadRoot, domainOf, isThreadRoot, isValidDomain } from "./domains.js";
import { KNOWN_CONTROLLERS } from "./knownControllers.js";

/** The words of cgroup.subtree_control: nothing is applied unless all are right. */
export function setSubtreeControl(all: Cgroups, c: Cgroup, text: string): void {
  let on = 0;
  let off = 0;
  for (const w of text.trim().split(" ")) {
    if (w === "") continue;
    const i = all.controllers.findIndex((x) => x.name === w.slice(1) && x.only !== "v1");
    if ((w[0] !== "+" && w[0] !== "-") || i < 0) {
      // a controller that this kernel lacks is "not available", not a bad word
      if ((w[0] === "+" || w[0] === "-") && KNOWN_CONTROLLERS.includes(w.slice(1))) {
        if (w[0] === "+") fail(ENOENT);
        continue;
      }
      fail(EINVAL);
    }
    if (w[0] === "+") {
      on |= 1 << i;
      off &= ~(1 << i);
    } else {
      off |= 1 << i;
      on &= ~(1 << i);
    }
  }
  const available = all.available(c);
  for (let i = 0; i < all.controllers.length; i++) {
    const bit = 1 << i;
    if (on & bit) {
      if (c.subtreeControl & bit) on &= ~bit;
      else if (!(available & bit)) fail(ENOENT);
    } else if (off & bit) {
      if (!(c.subtreeControl & bit)) off &= ~bit;
      else for (const d of c.children.values()) if (d.subtreeControl & bit) fail(EBUSY);
    }
  }
  if (on === 0 && off === 0) return;
  checkEnable(all, c, on);
  applySubtree(all, c, on, off);
}

/** May the group give its children these controllers? EOPNOTSUPP: among threads; EBUSY: it would compete with its own tasks. */
function checkEnable(all: Cgroups, c: Cgroup, on: number): void {
  if (on === 0) return;
  if (!isValidDomain(all, domainOf(c))) fail(EOPNOTSUPP);
  if (c.parent === null) return;
  if (all.controllers.some((x, i) => (on >>> i) & 1 && x.threaded !== true)) {
    if (c.threaded || isThreadRoot(all, c)) fail(EOPNOTSUPP);
  } else if (c.threaded || canBeThreadRoot(all, c)) return;
  if (c.nrLive > 0) fail(EBUSY);
}

function applySubtree(all: Cgroups, c: Cgroup, on: number, off: number): void {
  const made: Css[] = [];
  try {
    for (const d of c.children.values())
      for (let i = 0; i < all.controllers.length; i++) if ((on >>> i) & 1) made.push(all.makeCss(d, i));
  } catch (x) {
    for (const s of made) all.killCss(s);
    throw x;
  }
  c.subtreeControl = (c.subtreeControl | on) & ~off;
  // tasks of each child (and of what is below it) have another css of these controllers now
  for (const d of c.children.values()) {
    for (let i = 0; i < all.controllers.length; i++) {
      const bit = 1 << i;
      const def = all.controllers[i];
      if (on & bit) {
        const now = d.css[i] as Css;
        const before = c.effective(i) as Css;
        for (const g of d.subtree()) for (const t of g.tasks) def.attach?.(all.k, now, t, before);
      } else if (off & bit) {
        const before = d.css[i] as Css;
        const now = c.effective(i) as Css;
        for (const g of d.subtree()) for (const t of g.tasks) def.attach?.(all.k, now, t, before);
        all.killCss(before);
      }
    }
  }
  all.onControllers?.(c);
}
