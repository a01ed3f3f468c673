/** cgroup.event_control: `<eventfd> <fd of a file> [argument]` registers for events. Kernel document admin-guide/cgroup-v1/memory. */
import {
  type Cgroup,
  type CgroupFile,
  type Core,
  type Css,
  type Ctx,
  EBADF,
  EINVAL,
  EventfdCtx,
  FMODE_READ,
  fail,
  nodeOf,
  type OpenFile,
} from "@kernelkit/core";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { memparsePages } from "../memparse.js";
import { checkThresholds, LegacyEvents, PRESSURE_LEVELS, PRESSURE_MODES } from "./legacyEvents.js";

function fileOf(c: Ctx, fd: number): OpenFile {
  const f = c.task.files?.get(fd) ?? null;
  return f === null ? fail(EBADF) : f;
}

/** Name of the file in the group's own directory; EINVAL: it is elsewhere. */
function nameIn(g: Cgroup, f: OpenFile): string {
  const { fops } = f.inode;
  if (f.inode.data === null || fops !== f.ops || f.inode.sb.type.name !== "cgroup") return fail(EINVAL);
  const node = nodeOf(f.inode);
  return node.owner === g ? node.name : fail(EINVAL);
}

/** `low`, `medium,local` ... */
function parsePressure(text: string): { level: number; mode: number } {
  const [level, mode = "default", ...rest] = text.split(",");
  const out = { level: PRESSURE_LEVELS.indexOf(level), mode: PRESSURE_MODES.indexOf(mode) };
  return out.level < 0 || out.mode < 0 || rest.length > 0 ? fail(EINVAL) : out;
}

function register(s: MemcgSystem, c: Ctx, g: Cgroup, m: MemCgroup, text: string): void {
  const p = /^(\d+) (\d+)(?: (.*))?$/s.exec(text.trim());
  if (p === null) return fail(EINVAL);
  const event = fileOf(c, Number(p[1])).data;
  if (!(event instanceof EventfdCtx)) return fail(EINVAL);
  const file = fileOf(c, Number(p[2]));
  if ((file.mode & FMODE_READ) === 0) return fail(EINVAL);
  const name = nameIn(g, file);
  const arg = p[3] ?? "";
  // one blank stands between, and no other
  if (arg.startsWith(" ")) return fail(EINVAL);
  const add = (): LegacyEvents => {
    m.legacy ??= new LegacyEvents();
    s.listeners++;
    return m.legacy;
  };
  switch (name) {
    case "memory.usage_in_bytes":
    case "memory.memsw.usage_in_bytes": {
      const pages = arg === "" ? 0 : memparsePages(arg, "-1");
      const swap = name !== "memory.usage_in_bytes";
      // what was crossed before is told before the new one counts
      checkThresholds(s, m);
      const list = add()[swap ? "memsw" : "memory"];
      list.add(pages, event, (swap ? m.memsw : m.memory).usage);
      return;
    }
    case "memory.oom_control":
      add().oom.push(event);
      if (m.underOom > 0) event.signal(s.k);
      return;
    case "memory.pressure_level": {
      const { level, mode } = parsePressure(arg);
      add().pressure.push({ event, level, mode });
      return;
    }
    default:
      return fail(EINVAL);
  }
}

export function eventControlFile(s: MemcgSystem): CgroupFile {
  return {
    name: "cgroup.event_control",
    noPrefix: true,
    mode: 0o200,
    store: (c, g, css, text) => register(s, c, g, (css as Css).data as MemCgroup, text),
  };
}

/** An eventfd's last description is closed: registrations with it are gone. */
export function installEventfds(k: Core, s: MemcgSystem): void {
  k.hooks.finalFput.tap(105, "memcg", (f) => {
    if (s.listeners === 0 || !(f.data instanceof EventfdCtx)) return;
    for (const m of s.groups) m?.legacy?.remove(f.data, m);
    recount(s);
  });
}

export function recount(s: MemcgSystem): void {
  s.listeners = s.groups.reduce((n, m) => n + (m?.legacy?.count ?? 0), 0);
}
