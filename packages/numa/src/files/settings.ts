/**
 * Settings as files: sysctls, weights of interleaving, scan knobs in debugfs, demotion, memory tiers. Kernel documents
 * admin-guide/sysctl/kernel ("numa_balancing"), ABI/testing/sysfs-kernel-mm-mempolicy-weighted-interleave.
 */
import {
  EINVAL,
  ENODEV,
  fail,
  intSysctl,
  kstrtobool,
  kstrtou8,
  kstrtouint,
  type PseudoFile,
  uintSysctl,
} from "@kernelkit/core";
import type { NumaSettings, NumaSystem } from "../state.js";
import type { Demotion } from "../tiering/demotion.js";
import { compactNode } from "../vm/compaction.js";
import { storeReclaim } from "../vm/nodeReclaim.js";

type Knob = "scanDelay" | "scanPeriodMin" | "scanPeriodMax" | "scanSize" | "hotThreshold";

function bool(text: string): boolean {
  const v = kstrtobool(text);
  return typeof v === "boolean" ? v : fail(EINVAL);
}

export function installSettings(sys: NumaSystem, demotion: Demotion): void {
  const { k, settings: s } = sys;
  k.sysctl.register(
    "kernel/numa_balancing",
    intSysctl({
      min: 0,
      max: 4,
      get: () => s.balancing,
      set: (_c, v) => {
        s.balancing = v;
      },
    }),
  );
  k.sysctl.register(
    "kernel/numa_balancing_promote_rate_limit_MBps",
    uintSysctl({
      get: () => s.promoteRateLimit,
      set: (_c, v) => {
        s.promoteRateLimit = v;
      },
    }),
  );
  k.sysctl.register("vm/numa_zonelist_order", {
    mode: 0o644,
    show: () => "Node\n",
    store: (_c, _o, text) => (/^[dn]/i.test(text.trimStart()) ? undefined : -EINVAL),
  });
  installWeights(sys);
  const knobs: Record<string, Knob> = {
    scan_delay_ms: "scanDelay",
    scan_period_min_ms: "scanPeriodMin",
    scan_period_max_ms: "scanPeriodMax",
    scan_size_mb: "scanSize",
    hot_threshold_ms: "hotThreshold",
  };
  for (const [name, key] of Object.entries(knobs)) k.debugfs.file(`sched/numa_balancing/${name}`, knob(s, key));
  k.sysfs.file("kernel/mm/numa/demotion_enabled", {
    show: () => `${s.demotion}\n`,
    store(_c, _o, text) {
      s.demotion = bool(text);
    },
  });
  for (let nid = 0; nid < sys.nodes; nid++) {
    const dir = `devices/system/node/node${nid}`;
    // nobody listens to uevents
    k.sysfs.file(`${dir}/uevent`, { mode: 0o644, show: () => "", store: () => undefined });
    k.sysfs.file(`${dir}/compact`, {
      mode: 0o200,
      store() {
        compactNode(sys, nid);
      },
    });
    k.sysfs.file(`${dir}/reclaim`, {
      mode: 0o200,
      store(_c, _o, text) {
        const e = storeReclaim(sys, demotion, nid, text);
        return e < 0 ? e : undefined;
      },
    });
  }
  sys.tiers.install();
}

function knob(s: NumaSettings, key: Knob): PseudoFile {
  return {
    mode: 0o644,
    show: () => `${s[key]}\n`,
    store(_c, _o, text) {
      const v = kstrtouint(text, 0);
      if (typeof v !== "number" || (key === "scanSize" && v === 0)) return -EINVAL;
      s[key] = v;
      return undefined;
    },
  };
}

function installWeights(sys: NumaSystem): void {
  const { k, settings: s } = sys;
  const dir = "kernel/mm/mempolicy/weighted_interleave";
  for (const nid of sys.memory) {
    k.sysfs.file(`${dir}/node${nid}`, {
      mode: 0o644,
      show: () => `${s.weights[nid]}\n`,
      store(_c, _o, text) {
        const v = kstrtou8(text, 0);
        if (typeof v !== "number" || v === 0) return -EINVAL;
        s.weights[nid] = v;
        s.weightsAuto = false;
        return undefined;
      },
    });
  }
  k.sysfs.file(`${dir}/auto`, {
    mode: 0o644,
    show: () => `${s.weightsAuto}\n`,
    store(_c, _o, text) {
      // there is no bandwidth data to go back to
      if (bool(text)) return -ENODEV;
      s.weightsAuto = false;
      return undefined;
    },
  });
}
