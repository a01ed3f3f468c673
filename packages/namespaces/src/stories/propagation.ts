/**
 * The story "One mount, many": a shared mount in a growing number of mount namespaces. A mount below it appears in each - once per
 * peer, and once per slave - and goes from each; private copies see nothing.
 */
import { CLONE_NEWNS, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { boot, forked } from "./rig.js";

type Knobs = { readonly most: number };
const knobs: Story<Knobs>["knobs"] = { most: { kind: "number", default: 64, min: 2, max: 512, unit: "namespaces" } };

export const propagation: Story<Knobs> = {
  id: "mount-propagation",
  question: "How many mounts does one mount(2) make when its place is shared with N namespaces?",
  source: "mount_namespaces(7), Documentation/filesystems/sharedsubtree",
  claim: "one per peer and per slave, none per private copy; one umount2(2) takes them all away again",
  assumes: [],
  knobs,
  run(given) {
    const { most } = knobsOf(knobs, given);
    const rows: number[][] = [];
    for (let n = 2; n <= most; n *= 2) {
      const kernel = boot();
      const root = kernel.sys(kernel.init);
      root.mount("t", "/mnt", "tmpfs", 0);
      root.mount("none", "/mnt", null, MS_SHARED);
      root.mkdir("/mnt/d", 0o755);
      // a third of them peers, a third slaves, a third private
      const types = [0, MS_SLAVE, MS_PRIVATE];
      const receivers = types.map(() => 0);
      for (let i = 0; i < n; i++) {
        const sys = kernel.sys(forked(kernel, kernel.init));
        sys.unshare(CLONE_NEWNS);
        if (types[i % 3] !== 0) sys.mount("none", "/", null, types[i % 3] | MS_REC);
        receivers[i % 3]++;
      }
      const count = (): number =>
        kernel.namespaces
          .live("mnt")
          .reduce((sum, ns) => sum + (ns as unknown as { mounts: unknown[] }).mounts.length, 0);
      const before = count();
      root.mount("x", "/mnt/d", "tmpfs", 0);
      const made = count() - before;
      root.umount2("/mnt/d", 0);
      rows.push([n, receivers[0], receivers[1], receivers[2], made, count() - before]);
    }
    const last = rows[rows.length - 1];
    return {
      series: [
        { name: "mounts made", unit: "mounts", of: "namespaces", x: rows.map((r) => r[0]), y: rows.map((r) => r[4]) },
      ],
      table: { columns: ["namespaces", "peers", "slaves", "private", "mounts made", "left after umount"], rows },
      numbers: {
        namespaces: last[0],
        made: last[4],
        expected: 1 + last[1] + last[2],
        left: last[5],
      },
    };
  },
};
