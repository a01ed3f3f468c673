/** Calls that only the folder `namespaces` makes: namespace ioctls, sockets, System V IPC, message queues, reboot(2). */
import { fromLatin1 } from "../result.js";
import { taskOf } from "../steps/syscallSteps.js";
import { call, flags, type Marshal, type MarshalTable, plain, plainResult } from "./marshal.js";

const REBOOT_MAGIC = 0xfee1dead;
const REBOOT_MAGIC2 = 672274793;
const IPC_NOWAIT = 0o4000;

const is = (...names: string[]): ReadonlySet<unknown> => new Set(names.map(flags));
const OWNER_UID = is("NS_GET_OWNER_UID");
const IDS = is("NS_GET_MNTNS_ID", "NS_GET_ID");
const MOUNTS = is("NS_MNT_GET_INFO", "NS_MNT_GET_NEXT", "NS_MNT_GET_PREV");

const ioctl: Marshal = {
  method: "ioctl",
  plan: (args, s, step) => ({
    invoke: call("ioctl").plan(args, s, step).invoke,
    convert: (value) => {
      const request = flags(args[1]);
      if (OWNER_UID.has(request)) return { ret: 0, fields: { uid: value } };
      if (IDS.has(request)) return { ret: 0, fields: { id: value } };
      if (MOUNTS.has(request)) {
        const info = value as { fd?: number; nr_mounts: number; mnt_ns_id: unknown };
        return { ret: info.fd ?? 0, fields: { nr_mounts: info.nr_mounts, id: info.mnt_ns_id } };
      }
      return plainResult(value);
    },
  }),
};

const ipcStat: (name: string) => Marshal = (name) =>
  call(name, { result: (value) => (typeof value === "object" ? { ret: 0, fields: { ...value } } : { ret: value }) });

/** The recorder attaches and detaches at once; the address is not looked at. */
const shmat: Marshal = {
  method: "shmat",
  plan: ([id, , flag], s, step) => ({
    invoke: call("shmat").plan([id, null, flag ?? 0], s, step).invoke,
    convert: (address) => {
      s.syscall(taskOf(step), "shmdt", address);
      return { ret: 0 };
    },
  }),
};

export const NAMESPACE_CALLS: MarshalTable = {
  ...plain("semget", "shmget", "msgget", "mq_unlink", "listen", "getsockopt", "setsockopt", "open_tree", "move_mount"),
  ioctl,
  msgctl: ipcStat("msgctl"),
  shmctl: ipcStat("shmctl"),
  semctl: call("semctl"),
  shmat,
  msgsnd: call("msgsnd", { args: ([id, text]) => [id, 1, fromLatin1(String(text)), IPC_NOWAIT] }),
  msgrcv: call("msgrcv", {
    args: ([id]) => [id, 2000, 0, IPC_NOWAIT],
    result: received,
  }),
  mq_open: call("mq_open", { args: ([name, f, mode]) => [name, f, mode ?? 0o600] }),
  bind: call("bind", { args: ([fd, a]) => [fd, sockaddr(a)] }),
  connect: call("connect", { args: ([fd, a]) => [fd, sockaddr(a)] }),
  sendto: call("sendto", { args: ([fd, text, a]) => [fd, fromLatin1(String(text)), 0, sockaddr(a)] }),
  recv: call("recv", { method: "recvfrom", args: ([fd, f]) => [fd, 2048, f ?? 0], result: received }),
  reboot: call("reboot", { args: ([cmd]) => [REBOOT_MAGIC, REBOOT_MAGIC2, cmd] }),
  syslog: call("syslog", { args: ([action, length]) => [action, length ? new Uint8Array(4096) : null, length ?? 0] }),
};

/** An address: the family by name, "@" for the NUL before an abstract name. */
function sockaddr(a: unknown): unknown {
  if (typeof a !== "object" || a === null) return null;
  const { family, path, ...rest } = a as { family: unknown; path?: string };
  return { family: flags(family), ...rest, ...(path !== undefined && { path: path.replace(/^@/, "\0") }) };
}

function received(value: unknown): ReturnType<typeof plainResult> {
  const result = plainResult(value instanceof Uint8Array ? value : (value as { data: unknown }).data);
  return { ...result, fields: { data: result.data } };
}
