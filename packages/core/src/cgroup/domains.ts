/**
 * Domains and threaded groups of v2: where processes and controllers may be. Resources of a process belong to one domain; below a
 * threaded domain there are only groups for single threads, with controllers that can share a process out. cgroups(7), "Thread mode".
 */
import type { Cgroup } from "./cgroup.js";
import type { Cgroups } from "./cgroups.js";

/** Has it controllers for its children that are (`threaded`) or are not able to share a process out? */
function controls(all: Cgroups, g: Cgroup, threaded: boolean): boolean {
  return all.controllers.some((x, i) => (g.subtreeControl >>> i) & 1 && (x.threaded === true) === threaded);
}

/** The domain that a group's processes belong to. */
export function domainOf(g: Cgroup): Cgroup {
  let d = g;
  while (d.threaded && d.parent !== null) d = d.parent;
  return d;
}

/** "domain threaded": a domain with threaded children, or with tasks and threaded controllers. */
export function isThreadRoot(all: Cgroups, g: Cgroup): boolean {
  if (g.threaded) return false;
  for (const d of g.children.values()) if (d.threaded) return true;
  return g.nrLive > 0 && controls(all, g, true);
}

/** A domain below threaded groups, or beside them, is invalid: nothing can be in it. The root may have everything. */
export function isValidDomain(all: Cgroups, g: Cgroup): boolean {
  if (g.threaded) return false;
  for (let p = g.parent; p !== null; p = p.parent)
    if (p.threaded || (p.parent !== null && isThreadRoot(all, p))) return false;
  return true;
}

/** Could its children be threaded? Not with processes in domains below it, nor with controllers that need domains. */
export function canBeThreadRoot(all: Cgroups, g: Cgroup): boolean {
  if (g.parent === null) return true;
  for (const d of g.children.values()) if (!d.threaded && d.populated) return false;
  return !controls(all, g, false);
}

/** Could it become threaded itself? Empty, without controllers that need a domain, in a domain that may have threads. */
export function canBeThreaded(all: Cgroups, g: Cgroup): boolean {
  if (g.populated || controls(all, g, false)) return false;
  const domain = domainOf(g.parent as Cgroup);
  return isValidDomain(all, domain) && canBeThreadRoot(all, domain);
}
