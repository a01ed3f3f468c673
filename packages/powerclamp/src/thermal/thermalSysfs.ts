/**
 * thermalSysfs: /sys/class/thermal/cooling_deviceN and thermal_zoneN (driver-api/thermal/sysfs-api).
 *
 * The directories are below /sys/devices/virtual/thermal; the class has links to them. Formats, errors and modes are those of
 * 6.18; parsers are as lenient as Linux's ("12x" is 12, "0x10" is 0, "enabledXYZ" enables).
 */
import {
  EAGAIN,
  EFBIG,
  EINVAL,
  EIO,
  fail,
  type Knode,
  kstrtoint,
  type PseudoFile,
  type PseudoTree,
  scanNumber,
  WAIT,
} from "@kernelkit/core";
import { nonEmpty, orEinval, uintOf } from "../sysfsStore.js";
import type { CoolingDevice } from "./coolingDevice.js";
import type { ThermalCore, ThermalListener } from "./thermalCore.js";
import type { ThermalInstance } from "./thermalInstance.js";
import type { ThermalZone, ZoneParams } from "./thermalZone.js";
import { THERMAL_TEMP_INVALID, type Trip } from "./trip.js";

const DEVICES = "/sys/devices/virtual/thermal";
const CLASS = "/sys/class/thermal";
/** Longest policy name that is looked at, plus one. */
const THERMAL_NAME_LENGTH = 20;

/** One trip of a zone: what a trip_point_K_* file is about. */
interface TripOwner {
  readonly zone: ThermalZone;
  readonly trip: Trip;
}

type Files<O> = Readonly<Record<string, PseudoFile<O>>>;

/** %ld as sscanf reads it; EINVAL where it finds no number. */
function scanLong(text: string): bigint {
  const n = scanNumber(text);
  return n === null ? fail(EINVAL) : n.value;
}

function coolingFiles(thermal: ThermalCore): Files<CoolingDevice> {
  return {
    type: { show: (_c, d) => `${d.type}\n` },
    max_state: { show: (_c, d) => `${d.maxState}\n` },
    cur_state: {
      show: (_c, d) => `${d.ops.getCurState(d)}\n`,
      store: nonEmpty((c, d, text) => {
        const v = scanLong(text);
        if (v < 0n || v > BigInt(d.maxState)) return fail(EINVAL);
        const e = thermal.setCurState(d, Number(v), c);
        if (e === WAIT) return WAIT;
        return e === 0 ? undefined : fail(e as number);
      }),
    },
  };
}

const statsFiles = (thermal: ThermalCore): Files<CoolingDevice> => ({
  total_trans: { show: (_c, d) => `${d.stats?.totalTrans ?? 0}\n` },
  time_in_state_ms: { show: (c, d) => d.stats?.timeInStateText(c.now) ?? "" },
  reset: { mode: 0o200, store: nonEmpty((c, d) => d.stats?.reset(c.now)) },
  trans_table: {
    show(c, d) {
      const text = d.stats?.transTableText() ?? null;
      if (text !== null) return text;
      if (!thermal.transTableWarned) c.k.log(4, "Thermal transition table exceeds PAGE_SIZE. Disabling");
      thermal.transTableWarned = true;
      return fail(EFBIG);
    },
  },
});

/** A tunable: EIO both ways in a zone that has none. */
function tunable(key: keyof ZoneParams, signed: boolean): PseudoFile<ThermalZone> {
  return {
    show: (_c, z) => `${z.params === null ? fail(EIO) : z.params[key]}\n`,
    store: nonEmpty((_c, z, text) => {
      if (z.params === null) return fail(EIO);
      z.params[key] = signed ? orEinval(kstrtoint(text, 10)) : uintOf(text);
    }),
  };
}

function zoneFiles(thermal: ThermalCore, emulation: boolean): Files<ThermalZone> {
  const files: Record<string, PseudoFile<ThermalZone>> = {
    type: { show: (_c, z) => `${z.type}\n` },
    temp: {
      show(_c, z) {
        const t = z.emulTemperature !== 0 ? z.emulTemperature : z.ops.getTemp(z);
        return `${t === null ? fail(EAGAIN) : Math.trunc(t)}\n`;
      },
    },
    mode: {
      show: (_c, z) => (z.enabled ? "enabled\n" : "disabled\n"),
      store: nonEmpty((_c, z, text) => {
        if (text.startsWith("enabled")) thermal.enable(z, true);
        else if (text.startsWith("disabled")) thermal.enable(z, false);
        else fail(EINVAL);
      }),
    },
    policy: {
      show: (_c, z) => `${z.policy}\n`,
      store: nonEmpty((_c, z, text) => {
        const e = thermal.setPolicy(z, text.slice(0, THERMAL_NAME_LENGTH - 1).trim());
        if (e !== 0) fail(e);
      }),
    },
    available_policies: { show: () => `${thermal.governors.map((g) => `${g.name} `).join("")}\n` },
    sustainable_power: tunable("sustainablePower", false),
    k_po: tunable("kPo", true),
    k_pu: tunable("kPu", true),
    k_i: tunable("kI", true),
    k_d: tunable("kD", true),
    integral_cutoff: tunable("integralCutoff", true),
    slope: tunable("slope", true),
    offset: tunable("offset", true),
  };
  if (emulation)
    files.emul_temp = {
      mode: 0o200,
      store: nonEmpty((_c, z, text) => {
        z.emulTemperature = orEinval(kstrtoint(text, 10));
        thermal.update(z);
      }),
    };
  return files;
}

/** The files of a trip; one set of definitions for all trips, by what follows `trip_point_K_`. */
function tripFiles(thermal: ThermalCore): Files<TripOwner> {
  return {
    type: { show: (_c, { trip }) => `${trip.type}\n` },
    temp: {
      show: (_c, { trip }) => `${trip.temp}\n`,
      store: nonEmpty((_c, { zone, trip }, text) => {
        const temp = orEinval(kstrtoint(text, 10));
        if (temp < THERMAL_TEMP_INVALID) return fail(EINVAL);
        trip.temp = temp;
        trip.reached = false;
        thermal.update(zone);
        return undefined;
      }),
    },
    hyst: {
      show: (_c, { trip }) => `${trip.hyst}\n`,
      store: nonEmpty((_c, { zone, trip }, text) => {
        const hyst = orEinval(kstrtoint(text, 10));
        if (hyst < 0) return fail(EINVAL);
        trip.hyst = hyst;
        thermal.update(zone);
        return undefined;
      }),
    },
  };
}

const instanceFiles: Files<ThermalInstance> = {
  trip_point: { show: (_c, i) => `${i.trip}\n` },
  weight: {
    show: (_c, i) => `${i.weight}\n`,
    store: nonEmpty((_c, i, text) => {
      i.weight = orEinval(kstrtoint(text, 0));
    }),
  },
};

/** Files for every device and zone, those that exist and those to come. Call once, in install. */
export function installThermalSysfs(sysfs: PseudoTree, thermal: ThermalCore, emulation: boolean): void {
  const cooling = sysfs.group("thermal.cooling", coolingFiles(thermal));
  const stats = sysfs.group("thermal.stats", statsFiles(thermal));
  const zones = sysfs.group("thermal.zone", zoneFiles(thermal, emulation));
  const trips = sysfs.group("thermal.trip", tripFiles(thermal));
  const instances = sysfs.group("thermal.instance", instanceFiles);
  sysfs.dir(CLASS);

  const add = (name: string, dir: Knode): void => {
    sysfs.link(`${CLASS}/${name}`, dir);
  };
  const removeDevice = (name: string): void => {
    for (const path of [`${CLASS}/${name}`, `${DEVICES}/${name}`]) {
      const node = sysfs.find(path);
      if (node !== null) sysfs.remove(node);
    }
  };
  const listener: ThermalListener = {
    coolingDevice(cdev, added) {
      const name = `cooling_device${cdev.id}`;
      if (!added) return removeDevice(name);
      const dir = sysfs.dir(`${DEVICES}/${name}`, { group: cooling, owner: cdev });
      if (cdev.stats !== null) sysfs.dir("stats", { in: dir, group: stats, owner: cdev });
      add(name, dir);
    },
    zone(zone, added) {
      const name = `thermal_zone${zone.id}`;
      if (!added) return removeDevice(name);
      const dir = sysfs.dir(`${DEVICES}/${name}`, { group: zones, owner: zone });
      zone.trips.forEach((trip, k) => {
        const owner: TripOwner = { zone, trip };
        for (const [suffix, def] of trips.files) {
          const writable = suffix === "temp" ? trip.writableTemp : suffix === "hyst" && trip.writableHyst;
          sysfs.file(`trip_point_${k}_${suffix}`, def, { in: dir, owner, mode: writable ? 0o644 : 0o444 });
        }
      });
      add(name, dir);
    },
    bound(zone, i, added) {
      const dir = sysfs.find(`${DEVICES}/thermal_zone${zone.id}`);
      const device = sysfs.find(`${DEVICES}/cooling_device${i.cdev.id}`);
      if (dir === null || device === null) return;
      const name = `cdev${i.index}`;
      if (!added) {
        for (const n of [name, `${name}_trip_point`, `${name}_weight`]) {
          const node = sysfs.find(n, dir);
          if (node !== null) sysfs.remove(node);
        }
        return;
      }
      sysfs.link(name, device, { in: dir });
      for (const [suffix, def] of instances.files) sysfs.file(`${name}_${suffix}`, def, { in: dir, owner: i });
    },
  };
  thermal.listener = listener;
}
