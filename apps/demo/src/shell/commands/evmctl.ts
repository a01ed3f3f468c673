/**
 * evmctl as far as it looks: labels, measurement lists and the boot aggregate, checked by the same code that checks real machines'.
 * ima-evm-utils 1.4. `ima` is this shell's own view: policy, counts, and what a file's label says.
 */
import { KernelError, O_RDONLY } from "@kernelkit/core";
import { asciiMeasurements, toHex, verifyImaSignature, verifyMeasurementList } from "@kernelkit/integrity";
import { nodeCrypto } from "@kernelkit/integrity/node";
import { attempt, type CommandEnv, CommandFailed, type CommandTable, maybeText } from "../command.js";
import { getopt } from "../getopt.js";

const LIST = "/sys/kernel/security/ima/binary_runtime_measurements";
const HASHES = ["md4", "md5", "sha1", "rmd160", "sha256", "sha384", "sha512", "sha224"];
/** Types of a `security.ima` value. */
const IMA_DIGEST = 1;
const IMA_DIGSIG = 3;
const IMA_DIGEST_NG = 4;

function label(env: CommandEnv, path: string, name: string): Uint8Array | null {
  try {
    return env.sys.getxattr(path, name);
  } catch (e) {
    if (e instanceof KernelError && (e.code === "ENODATA" || e.code === "EOPNOTSUPP")) return null;
    throw e;
  }
}

function digest(env: CommandEnv, path: string, algo: string): Uint8Array {
  return nodeCrypto.digest(
    algo as never,
    attempt(path, () => env.sys.readFile(path)),
  );
}

/** What a label says: "sha256 digest ab12..", "signature, key 1a2b..". */
function labelText(value: Uint8Array): string {
  if (value[0] === IMA_DIGEST) return `sha1 digest ${toHex(value.subarray(1))}`;
  if (value[0] === IMA_DIGEST_NG)
    return `${HASHES[value[1]] ?? `algorithm ${value[1]}`} digest ${toHex(value.subarray(2))}`;
  if (value[0] === IMA_DIGSIG)
    return `signature by key ${toHex(value.subarray(3, 7))}, ${HASHES[value[2]] ?? value[2]}`;
  return `type ${value[0]}`;
}

function need(rest: readonly string[], what: string): string {
  if (rest[0] === undefined) throw new CommandFailed(`${what}\nUsage: evmctl [-v] <command> [OPTIONS]`);
  return rest[0];
}

function verifySignature(env: CommandEnv, path: string): string {
  const value = attempt(`Failed reading xattr from ${path}`, () => env.sys.getxattr(path, "security.ima"));
  if (value[0] !== IMA_DIGSIG) throw new CommandFailed(`${path}: xattr ima has no signature`);
  const keys = env.kernel.integrity.keys("ima");
  const r = verifyImaSignature(value, env.sys.readFile(path), { keys: [...keys], crypto: nodeCrypto });
  if (!r.ok) throw new CommandFailed(`${path}: verification failed: ${r.error} (${r.reason})`);
  return `${path}: verification is OK\n`;
}

function measurement(env: CommandEnv, path: string): string {
  const v = verifyMeasurementList(
    attempt(path, () => env.sys.readFile(path)),
    {
      crypto: nodeCrypto,
      pcrs: env.kernel.integrity.pcrs(),
    },
  );
  if (v.failure !== null) throw new CommandFailed(`${v.failure.kind}: ${v.failure.reason}`);
  return `Matched per TPM bank calculated digest(s).\n`;
}

export const evmctlCommands: CommandTable = {
  evmctl(args, env) {
    const o = getopt(
      "evmctl",
      args,
      "hashalgo,a= imahash,d imasig,s key,k= n,n verbose,v ignore-violations pcrs= type,t=",
    );
    const [command, ...rest] = o.rest;
    const algo = o.get("hashalgo") ?? "sha256";
    switch (command) {
      case "ima_hash": {
        const path = need(rest, "Parameters missing");
        if (HASHES.indexOf(algo) < 0) throw new CommandFailed(`Unknown hash algo ${algo}`);
        const sum = digest(env, path, algo);
        const value =
          algo === "sha1"
            ? new Uint8Array([IMA_DIGEST, ...sum])
            : new Uint8Array([IMA_DIGEST_NG, HASHES.indexOf(algo), ...sum]);
        if (!o.has("n"))
          attempt(`Setting IMA xattr failed: ${path}`, () => env.sys.setxattr(path, "security.ima", value, 0));
        return o.has("n") || o.has("verbose") ? `hash(${algo}): ${toHex(value)}\n` : "";
      }
      case "ima_clear":
        attempt(need(rest, "Parameters missing"), () => env.sys.removexattr(rest[0], "security.ima"));
        return "";
      case "ima_fix":
        // as evmctl does it: opening the file lets the kernel write its label (ima_appraise=fix)
        env.sys.close(attempt(need(rest, "Parameters missing"), () => env.sys.open(rest[0], O_RDONLY)));
        return "";
      case "ima_verify":
        return verifySignature(env, need(rest, "Parameters missing"));
      case "ima_measurement":
        return measurement(env, rest[0] ?? LIST);
      case "ima_boot_aggregate": {
        const first = env.kernel.integrity.measurements()[0];
        return `${first.digest === null ? "" : toHex(first.digest)}\n`;
      }
      default:
        throw new CommandFailed(
          `${command === undefined ? "Command not specified" : `Invalid command: ${command}`}\nUsage: evmctl [-v] <command> [OPTIONS]\ncommands:\n ima_hash [-a algo] [-n] file\n ima_verify file\n ima_measurement [file]\n ima_boot_aggregate\n ima_fix file\n ima_clear file`,
        );
    }
  },

  /** `ima status | policy | list | label FILE...` */
  ima(args, env) {
    const [what = "status", ...rest] = args;
    switch (what) {
      case "status": {
        const file = (name: string): string => maybeText(env, `/sys/kernel/security/ima/${name}`)?.trim() ?? "-";
        const evm = maybeText(env, "/sys/kernel/security/evm")?.trim() ?? "-";
        return `measurements ${file("runtime_measurements_count")}\nviolations   ${file("violations")}\nevm          ${evm}\n`;
      }
      case "policy":
        return env.sys.readText("/sys/kernel/security/ima/policy");
      case "list":
        return new TextDecoder().decode(asciiMeasurements(env.sys.readFile(LIST)));
      case "label":
        return rest
          .map((path) => {
            const [ima, evm] = ["security.ima", "security.evm"].map((n) => label(env, path, n));
            return `${path}: ima ${ima === null ? "none" : labelText(ima)}; evm ${evm === null ? "none" : `type ${evm[0]}, ${evm.length - 1} bytes`}\n`;
          })
          .join("");
      default:
        throw new CommandFailed(`'${what}' is none of status, policy, list, label`, 2);
    }
  },
};
