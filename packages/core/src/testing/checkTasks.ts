/**
 * What must hold between the tasks of a kernel after every operation, for property tests. Throws an Error that names what is
 * broken; nothing is changed.
 */
import type { Core } from "../kernel/core.js";
import { isRt, weightOf } from "../sched/runQueue.js";
import type { PidNamespace } from "../task/pid.js";
import { TASK_DEAD, TASK_RUNNING, TASK_STOPPED, TASK_ZOMBIE, type Task } from "../task/task.js";

function must(ok: boolean, what: string): void {
  if (!ok) throw new Error(`tasks are inconsistent: ${what}`);
}

function count<K>(m: Map<K, number>, key: K, n = 1): void {
  m.set(key, (m.get(key) ?? 0) + n);
}

export function checkTasks(k: Core): void {
  const { tasks } = k;
  const all = tasks.all();
  const alive = new Set(all);
  must(all.length === tasks.nrThreads, `${tasks.nrThreads} threads counted, ${all.length} there`);
  checkPids(k, all);
  checkFamilies(k, all, alive);
  checkSignals(k, all);
  checkReferences(k, all);
  checkQueues(k, all);
}

function checkPids(k: Core, all: readonly Task[]): void {
  const namespaces = new Set<PidNamespace>([k.tasks.initPidNs]);
  for (const [nr, pid] of k.tasks.initPidNs.pids) {
    must(pid.nr[0] === nr, `pid ${nr} thinks it is ${pid.nr[0]}`);
    must(pid.inUse, `pid ${nr} is not in use but still there`);
    must(pid.nr.length === pid.level + 1 && pid.ns.length === pid.level + 1, `pid ${nr} has not one number per level`);
    pid.ns.forEach((ns, i) => {
      namespaces.add(ns);
      must(ns.pids.get(pid.nr[i]) === pid, `pid ${nr} is not ${pid.nr[i]} at level ${i}`);
    });
  }
  for (const ns of namespaces)
    for (const pid of ns.pids.values())
      must(k.tasks.initPidNs.pids.get(pid.nr[0]) === pid, "a pid without a number at level 0");
  for (const t of all) {
    must(t.pid.task === t, `task ${t.nr} is not its pid's task`);
    must(t.tgid === t.signal.leader.pid, `task ${t.nr} has another thread group than its leader`);
    must(t.tgid.tgidOf === t.signal.leader, `thread group of ${t.nr} is not its leader's`);
  }
}

function checkFamilies(k: Core, all: readonly Task[], alive: ReadonlySet<Task>): void {
  for (const t of all) {
    const s = t.signal;
    must(t.state !== TASK_DEAD, `task ${t.nr} is dead and still there`);
    must(s.threads.includes(t), `task ${t.nr} is not among its threads`);
    must(s.live === s.threads.filter((x) => !x.exiting).length, `process ${t.nr}: ${s.live} live threads counted`);
    must(alive.has(t.parent), `the parent of ${t.nr} has gone`);
    must(t.parent === t.realParent, `${t.nr} has two parents`);
    if (t !== s.leader) continue;
    let prev: Task | null = null;
    for (let c = s.childHead; c !== null; c = c.sibNext) {
      must(c.sibPrev === prev, `children of ${t.nr} are linked wrongly`);
      must(c.parent.signal === s && c === c.signal.leader, `${c.nr} is a child of ${t.nr} by mistake`);
      prev = c;
    }
    must(s.childTail === prev, `children of ${t.nr} end elsewhere`);
    if (t.parent !== t)
      must(k.tasks.children(t.parent).includes(t), `${t.nr} is not among the children of ${t.parent.nr}`);
    must(s.pgrp.groupMembers().filter((x) => x === t).length === 1, `${t.nr} is not once in its group`);
  }
  const sessions = new Map<unknown, number>();
  for (const t of all) {
    if (t !== t.signal.leader) continue;
    count(sessions, t.signal.session);
    for (const m of t.signal.pgrp.groupMembers())
      must(
        m.signal.pgrp === t.signal.pgrp && m.signal.session === t.signal.session,
        `${m.nr} and ${t.nr} share a group but no session`,
      );
  }
  for (const t of all)
    must(sessions.get(t.signal.session) === t.signal.session.sessionRefs, `session of ${t.nr} is miscounted`);
}

function checkSignals(k: Core, all: readonly Task[]): void {
  const queued = new Map<number, number>();
  const queues = new Set(all.flatMap((t) => [t.pending, t.signal.pending]));
  for (const q of queues)
    for (const i of q.queue) {
      must(q.set.has(i.signo), `signal ${i.signo} is queued but not pending`);
      count(queued, i.user?.uid ?? -1);
    }
  for (const u of k.tasks.users.byUid.values())
    must(
      (queued.get(u.uid) ?? 0) === u.sigpending,
      `${u.sigpending} signals of user ${u.uid} counted, ${queued.get(u.uid) ?? 0} queued`,
    );
  for (const t of all) {
    const s = t.signal;
    must(!t.blocked.has(9) && !t.blocked.has(19), `${t.nr} blocks KILL or STOP`);
    if (s.stopped && !s.groupExit)
      for (const o of s.threads)
        must(o.state === TASK_STOPPED || o.exiting || o.userWork, `thread ${o.nr} of a stopped process runs`);
    must(
      s.stopCount === s.threads.filter((o) => o.stopPending).length,
      `process ${t.nr} waits for ${s.stopCount} threads to stop`,
    );
  }
}

function checkReferences(k: Core, all: readonly Task[]): void {
  const users = new Map<number, number>();
  const hands = new Map<unknown, number>();
  const proxies = new Map<unknown, number>();
  const userNs = new Map<unknown, number>([[k.tasks.initUserNs, 1]]);
  for (const t of all) {
    count(users, t.cred.uid);
    must(t.user.uid === t.cred.uid, `${t.nr} counts for another user`);
    count(hands, t.sighand);
    count(proxies, t.nsproxy);
    count(userNs, t.cred.userNs);
  }
  for (const u of k.tasks.users.byUid.values())
    must((users.get(u.uid) ?? 0) === u.processes, `processes of user ${u.uid} are miscounted`);
  for (const t of all) {
    must(hands.get(t.sighand) === t.sighand.refs, `signal actions of ${t.nr} are miscounted`);
    const own = t.nsproxy === k.tasks.initNsproxy ? 1 : 0;
    if (t.nsproxy !== k.tasks.noNsproxy)
      must((proxies.get(t.nsproxy) ?? 0) + own === t.nsproxy.refs, `namespaces of ${t.nr} are miscounted`);
    must((userNs.get(t.cred.userNs) as number) <= t.cred.userNs.refs, `user namespace of ${t.nr} is miscounted`);
  }
}

function checkQueues(k: Core, all: readonly Task[]): void {
  const { cpus, sched } = k;
  sched.rqs.forEach((rq, cpu) => {
    const curr = cpus.curr[cpu];
    const queued = [...rq.rt, ...rq.fair];
    const here = curr === null ? queued : [...queued, curr];
    must(rq.nrRunning === here.length, `CPU ${cpu} counts ${rq.nrRunning} runnable tasks, has ${here.length}`);
    const fair = here.filter((t) => !isRt(t));
    must(rq.nrFair === fair.length, `CPU ${cpu} counts ${rq.nrFair} fair tasks`);
    must(rq.sumWeight === fair.reduce((a, t) => a + weightOf(t), 0), `weights on CPU ${cpu}`);
    for (const t of queued)
      must(t.se.queued && t.cpu === cpu && t.state === TASK_RUNNING, `${t.nr} is queued on CPU ${cpu} by mistake`);
    if (curr !== null) must(!curr.se.queued && curr.cpu === cpu, `${curr.nr} runs and is queued`);
  });
  for (const t of all) {
    const runs = t.se.queued || cpus.curr[t.cpu] === t;
    if (t.state === TASK_RUNNING) must(runs, `${t.nr} is runnable but on no CPU's queue`);
    else must(!runs, `${t.nr} does not want to run (state ${t.state}) but is on a queue`);
    if (t.state === TASK_ZOMBIE) must(t.waits.length === 0 && t.timeout < 0, `zombie ${t.nr} waits for something`);
  }
}
