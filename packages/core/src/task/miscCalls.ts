/** The calls of sys/miscSys.ts. */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Bytes, utf8Text } from "../lib/text.js";
import { int, misuse, text, uint } from "../sys/args.js";
import type { MiscSys } from "../sys/miscSys.js";
import type { Impl } from "../sys/types.js";
import { nsCapable } from "./capable.js";
import { getrandom } from "./random.js";
import { reboot } from "./reboot.js";
import { utsOf } from "./tasks.js";
import { NEW_UTS_LEN } from "./utsNamespace.js";

/** The new name: at most 64 bytes. */
function newName(c: Ctx, name: string, len: number | undefined): string {
  if (typeof name !== "string") return misuse("name", name, "a string");
  const n = len === undefined ? undefined : int(len, "len");
  const uts = utsOf(c.k, c.task);
  if (!nsCapable(c.k, c.task, uts.userNs, CAP_SYS_ADMIN)) return fail(EPERM);
  const bytes = utf8Bytes(name);
  const length = n ?? bytes.length;
  if (length < 0 || length > NEW_UTS_LEN) return fail(EINVAL);
  const cut = length < bytes.length ? utf8Text(bytes, 0, length) : name;
  return text(cut, "name");
}

export const miscCalls: Impl<MiscSys> = {
  uname(c) {
    const { sysname, nodename, release, version, machine, domainname } = utsOf(c.k, c.task);
    return { sysname, nodename, release, version, machine, domainname };
  },
  sethostname(c, name, len) {
    utsOf(c.k, c.task).nodename = newName(c, name, len);
    return 0;
  },
  setdomainname(c, name, len) {
    utsOf(c.k, c.task).domainname = newName(c, name, len);
    return 0;
  },
  sysinfo(c) {
    const { k } = c;
    const ram = k.mm === undefined ? null : k.mm.sysinfo();
    const total = k.options.machine.memoryBytes;
    const offset = k.hooks.clockOffset.on === null ? 0 : (k.hooks.clockOffset.on(c.task, 7) ?? 0);
    const up = k.time.boottimeNs + offset;
    return {
      uptime: Math.ceil(up / 1e9),
      // 11 bits of fraction here, 16 there; a bare machine keeps no averages
      loads: k.proc === undefined ? [0, 0, 0] : k.proc.loadavg.now().map((load) => load * 32),
      totalram: ram?.totalram ?? total,
      freeram: ram?.freeram ?? total,
      sharedram: ram?.sharedram ?? 0,
      bufferram: ram?.bufferram ?? 0,
      totalswap: ram?.totalswap ?? 0,
      freeswap: ram?.freeswap ?? 0,
      procs: k.tasks.nrThreads,
      totalhigh: 0,
      freehigh: 0,
      mem_unit: 1,
    };
  },
  getrandom(c, buflen, flags = 0, buf) {
    const n = typeof buflen === "number" && buflen >= 0 && Number.isInteger(buflen) ? buflen : uint(buflen, "buflen");
    return getrandom(c, n, uint(flags, "flags"), buf === null);
  },
  reboot(c, magic, magic2, cmd, arg = "") {
    return reboot(c.k, c.task, uint(magic, "magic"), uint(magic2, "magic2"), uint(cmd, "cmd"), text(arg, "arg"));
  },
};
