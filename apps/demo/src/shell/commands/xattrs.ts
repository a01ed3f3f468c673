/** Extended attributes: getfattr, setfattr. attr 2.5. */
import { KernelError } from "@kernelkit/core";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, strerror } from "../command.js";
import { decode, encode } from "../encoding.js";
import { getopt } from "../getopt.js";

const hex = (b: Uint8Array): string => `0x${decode(b, "hex")}`;

/** As text where it is text (then quoted, with `\ooo` for the rest), else base64. */
function encoded(value: Uint8Array, how: string | undefined): string {
  if (how === "hex") return hex(value);
  if (how === "base64") return `0s${decode(value, "base64")}`;
  const printable = value.every((b) => (b >= 0x20 && b < 0x7f) || b === 0x0a || b === 0x0d);
  if (how === undefined && !printable) return `0s${decode(value, "base64")}`;
  const text = [...value].map((b) => {
    if (b === 0x22 || b === 0x5c) return `\\${String.fromCharCode(b)}`;
    return b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : `\\${b.toString(8).padStart(3, "0")}`;
  });
  return `"${text.join("")}"`;
}

/** A value as setfattr takes it: 0xHEX, 0sBASE64, "quoted" or plain text with `\ooo`. */
function decodedValue(text: string): Uint8Array {
  if (/^0x/i.test(text)) {
    const digits = text.slice(2);
    if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new CommandFailed("bad input encoding");
    return encode(digits, "hex");
  }
  if (/^0s/i.test(text)) {
    const coded = text.slice(2);
    if (/[^A-Za-z0-9+/=]/.test(coded) || coded.replace(/=+$/, "").length % 4 === 1)
      throw new CommandFailed("bad input encoding");
    return encode(coded, "base64");
  }
  const bare = /^".*"$/s.test(text) ? text.slice(1, -1) : text;
  const bytes = decode(encode(bare, "utf8"), "latin1");
  const plain = bytes.replace(/\\([0-7]{3}|.)/gs, (_, e: string) =>
    /^[0-7]{3}$/.test(e) ? String.fromCharCode(Number.parseInt(e, 8)) : e,
  );
  return encode(plain, "latin1");
}

function dump(env: CommandEnv, path: string, o: ReturnType<typeof getopt>): string {
  const link = o.has("no-dereference");
  const value = (name: string): Uint8Array => (link ? env.sys.lgetxattr(path, name) : env.sys.getxattr(path, name));
  let names: string[];
  if (o.has("name")) names = [o.get("name") as string];
  else {
    const match = o.get("match") ?? "^user\\.";
    const pattern = match === "-" ? /^/ : new RegExp(match);
    names = attempt(path, () => (link ? env.sys.llistxattr(path) : env.sys.listxattr(path))).filter((n) =>
      pattern.test(n),
    );
  }
  if (names.length === 0) return "";
  const values = o.has("name") || o.has("dump") || o.has("only-values");
  const lines = names.map((n) => {
    if (!values) return `${n}\n`;
    let v: Uint8Array;
    try {
      v = value(n);
    } catch (e) {
      if (e instanceof KernelError)
        throw new CommandFailed(`\u0000${path}: ${n}: ${e.code === "ENODATA" ? "No such attribute" : strerror(e)}`);
      throw e;
    }
    if (o.has("only-values")) return new TextDecoder().decode(v);
    return v.length === 0 ? `${n}=""\n` : `${n}=${encoded(v, o.get("encoding"))}\n`;
  });
  if (o.has("only-values")) return lines.join("");
  return `# file: ${o.has("absolute-names") ? path : path.replace(/^\/+/, "")}\n${lines.join("")}\n`;
}

export const xattrCommands: CommandTable = {
  getfattr(args, env) {
    const o = getopt(
      "getfattr",
      args,
      "name,n= dump,d encoding,e= match,m= only-values absolute-names no-dereference,h recursive,R",
      { exitCode: 2 },
    );
    if (o.rest.length === 0)
      throw new CommandFailed("Usage: getfattr [-hRLP] [-n name|-d] [-e en] [-m pattern] path...", 2);
    let stdout = "";
    let stderr =
      o.rest.some((p) => p.startsWith("/")) && !o.has("absolute-names") && !o.has("only-values")
        ? "getfattr: Removing leading '/' from absolute path names\n"
        : "";
    let exitCode = 0;
    for (const path of o.rest) {
      try {
        stdout += dump(env, path, o);
      } catch (e) {
        if (!(e instanceof CommandFailed)) throw e;
        // what is wrong with an attribute stands there without the tool's name
        stderr += e.message.startsWith("\u0000") ? `${e.message.slice(1)}\n` : `getfattr: ${e.message}\n`;
        exitCode = 1;
      }
    }
    return { stdout, stderr, exitCode };
  },

  setfattr(args, env) {
    const o = getopt("setfattr", args, "name,n= value,v= remove,x= no-dereference,h", { exitCode: 2 });
    if (o.rest.length === 0 || o.has("name") === o.has("remove"))
      throw new CommandFailed(
        "Usage: setfattr {-n name} [-v value] [-h] file...\n       setfattr {-x name} [-h] file...",
        2,
      );
    let stderr = "";
    const name = (o.get("name") ?? o.get("remove")) as string;
    const link = o.has("no-dereference");
    for (const path of o.rest) {
      try {
        if (o.has("remove")) link ? env.sys.lremovexattr(path, name) : env.sys.removexattr(path, name);
        else {
          const value = decodedValue(o.get("value") ?? "");
          link ? env.sys.lsetxattr(path, name, value, 0) : env.sys.setxattr(path, name, value, 0);
        }
      } catch (e) {
        if (!(e instanceof KernelError)) throw e;
        stderr += `setfattr: ${path}: ${e.code === "ENODATA" ? "No such attribute" : strerror(e)}\n`;
      }
    }
    return { exitCode: stderr === "" ? 0 : 1, stderr };
  },
};
