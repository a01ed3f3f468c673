/**
 * AutoNUMA's knobs and their files, /sys/kernel/mm/autonuma/{enabled,knuma_scand/...,knuma_migrated/...,scheduler/...}, as in its postings
 * of 2012. All plain state.
 */
import { EINVAL, kstrtouint, type PseudoFile } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";

export class AutonumaSettings {
  enabled = 1;
  scanSleepMs = 100;
  passSleepMs = 10_000;
  /** 128 MiB. */
  pagesToScan = 32_768;
  /** 1: one fault for the whole of a 2 MiB region. */
  pmd = 1;
  migrateSleepMs = 100;
  pagesToMigrate = 32_768;
  /** Least time between two looks at all CPUs from one, 0: at each decision. */
  balanceMs = 0;
  // read only
  pagesScanned = 0;
  fullScans = 0;
  pagesMigrated = 0;
}

type Key = { [K in keyof AutonumaSettings]: AutonumaSettings[K] extends number ? K : never }[keyof AutonumaSettings];

const FILES: readonly (readonly [path: string, key: Key, max: number, readOnly: boolean])[] = [
  ["enabled", "enabled", 1, false],
  ["knuma_scand/scan_sleep_millisecs", "scanSleepMs", 0xffffffff, false],
  ["knuma_scand/scan_sleep_pass_millisecs", "passSleepMs", 0xffffffff, false],
  ["knuma_scand/pages_to_scan", "pagesToScan", 0xffffffff, false],
  ["knuma_scand/pmd", "pmd", 1, false],
  ["knuma_scand/pages_scanned", "pagesScanned", 0, true],
  ["knuma_scand/full_scans", "fullScans", 0, true],
  ["knuma_migrated/migrate_sleep_millisecs", "migrateSleepMs", 0xffffffff, false],
  ["knuma_migrated/pages_to_migrate", "pagesToMigrate", 0xffffffff, false],
  ["knuma_migrated/pages_migrated", "pagesMigrated", 0, true],
  ["scheduler/balance_millisecs", "balanceMs", 0xffffffff, false],
];

export function installAutonumaFiles(sys: NumaSystem, s: AutonumaSettings, changed: () => void): void {
  for (const [path, key, max, readOnly] of FILES) {
    const file: PseudoFile = {
      mode: readOnly ? 0o444 : 0o644,
      show: () => `${s[key]}\n`,
      ...(!readOnly && {
        store(_c: unknown, _o: undefined, text: string) {
          const v = kstrtouint(text, 10);
          if (typeof v !== "number" || v > max) return -EINVAL;
          s[key] = v;
          changed();
          return undefined;
        },
      }),
    };
    sys.k.sysfs.file(`kernel/mm/autonuma/${path}`, file);
  }
}
