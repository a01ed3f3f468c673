/** Data of files and disks: sync, fallocate. coreutils 9, util-linux 2.38. */
import * as k from "@kernelkit/core";
import { attempt, CommandFailed, type CommandTable } from "../command.js";
import { getopt, sizeArg } from "../getopt.js";

export const fileCommands: CommandTable = {
  async sync(args, env) {
    const o = getopt("sync", args, "data,d file-system,f");
    if (o.has("data") && o.has("file-system")) throw new CommandFailed("cannot specify both --data and --file-system");
    if (o.rest.length === 0) {
      if (o.has("data")) throw new CommandFailed("--data needs at least one argument");
      await env.finish(env.started.sync());
      return "";
    }
    for (const path of o.rest) {
      const fd = attempt(`error opening '${path}'`, () => env.sys.open(path, k.O_RDONLY | k.O_NONBLOCK));
      const call = o.has("data") ? "fdatasync" : o.has("file-system") ? "syncfs" : "fsync";
      const p = env.started[call](fd);
      await env.shell.activities.until(() => p.done, { signal: env.signal });
      attempt(`error syncing '${path}'`, () => p.value);
      env.sys.close(fd);
    }
    return "";
  },

  fallocate(args, env) {
    const o = getopt(
      "fallocate",
      args,
      "collapse-range,c insert-range,i length,l= keep-size,n offset,o= punch-hole,p zero-range,z posix,x verbose,v",
    );
    const modes = [
      ["collapse-range", k.FALLOC_FL_COLLAPSE_RANGE],
      ["insert-range", k.FALLOC_FL_INSERT_RANGE],
      ["punch-hole", k.FALLOC_FL_PUNCH_HOLE | k.FALLOC_FL_KEEP_SIZE],
      ["zero-range", k.FALLOC_FL_ZERO_RANGE],
    ] as const;
    const chosen = modes.filter(([n]) => o.has(n));
    if (chosen.length > 1)
      throw new CommandFailed(
        "mutually exclusive arguments: --collapse-range --insert-range --punch-hole --zero-range",
      );
    if (o.rest.length === 0) throw new CommandFailed("no filename specified");
    if (o.rest.length > 1) throw new CommandFailed("unexpected number of arguments");
    if (!o.has("length")) throw new CommandFailed("no length argument specified");
    const length = sizeArg(o.get("length") as string, "length");
    if (length <= 0) throw new CommandFailed("invalid length value specified");
    const offset = o.has("offset") ? sizeArg(o.get("offset") as string, "offset") : 0;
    const mode = (chosen[0]?.[1] ?? 0) | (o.has("keep-size") ? k.FALLOC_FL_KEEP_SIZE : 0);
    const path = o.rest[0];
    const create = chosen.length === 0 ? k.O_CREAT : 0;
    const fd = attempt(`cannot open ${path}`, () => env.sys.open(path, k.O_RDWR | create, 0o666));
    try {
      attempt("fallocate failed", () => env.sys.fallocate(fd, mode, offset, length));
    } finally {
      env.sys.close(fd);
    }
    return o.has("verbose") ? `${path}: ${length} bytes (${chosen[0]?.[0] ?? "allocated"})\n` : "";
  },
};
