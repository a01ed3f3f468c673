/** /proc/PID/task: the threads of a process, each with most of what a process has. proc_pid_task(5). */

import { ENOENT } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Core } from "../kernel/core.js";
import { extend } from "../lib/extend.js";
import type { Pid } from "../task/pid.js";
import { TASK_DEAD, type Task } from "../task/task.js";
import { FileOps } from "../vfs/file.js";
import { emitDots } from "../vfs/getdents.js";
import { InodeOps } from "../vfs/inode.js";
import { genericLlseek } from "../vfs/llseek.js";
import { base, makePidInode, pidIno, pidNode } from "./pidEntry.js";
import { nameToInt, type ProcSuper } from "./proc.js";

const taskDirOps: InodeOps = /* @__PURE__ */ new InodeOps(
  /* @__PURE__ */ extend(base, {
    lookup(c, dir, name) {
      const { pid } = pidNode(dir);
      const nr = nameToInt(name);
      const thread = nr < 0 ? undefined : (dir.sb.data as ProcSuper).pidNs.pids.get(nr);
      const t = thread?.task;
      if (!t || t.state === TASK_DEAD || pid.task === null || t.tgid !== pid.task.tgid) return fail(ENOENT);
      return makePidInode(dir.sb, thread as Pid, t, c.k.proc.tidDir, true);
    },
    getattr(_c, inode, st) {
      st.nlink = 2 + (pidNode(inode).pid.task?.signal.threads.length ?? 0);
    },
  }),
);

const taskDirFileOps: FileOps = /* @__PURE__ */ new FileOps({
  iterate(c, file, d) {
    const { pid } = pidNode(file.inode);
    if (pid.task === null) return fail(ENOENT);
    if (!emitDots(file, d)) return;
    const ns = (file.inode.sb.data as ProcSuper).pidNs;
    const { threads } = pid.task.signal;
    for (let i = d.pos - 2; i < threads.length; i++) {
      const t: Task = threads[i];
      if (!d.emit(String(t.pid.nrNs(ns)), pidIno(t.pid, c.k.proc.tidDir, true, -1), 4)) return;
      d.pos = i + 3;
    }
  },
  llseek: genericLlseek,
});

export function installPidTask(k: Core): void {
  k.proc.pidDir("task", 0o555, { ops: taskDirOps, fops: taskDirFileOps, only: "tgid" });
}
