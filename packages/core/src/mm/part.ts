/** The memory part of core: `k.mm`, the memory calls, the address space of init. */
import type { Core, Part } from "../kernel/core.js";
import { AddressSpace, CacheChunk } from "./addressSpace.js";
import { Frames } from "./frames.js";
import { memoryCalls } from "./memoryCalls.js";
import { Mm } from "./mm.js";
import { MmSystem } from "./mmSystem.js";
import { PageTables } from "./pageTable.js";
import { AnonVma } from "./rmap.js";
import { SHMEM_ZERO_OPS, ShmemObject } from "./shmemZero.js";
import { MmSysctl } from "./sysctl.js";
import { ThpSettings } from "./thp.js";
import { Vma } from "./vma.js";
import { Zone } from "./zone.js";

export const mmPart: Part = {
  name: "mm",
  install(k: Core) {
    k.mm = new MmSystem(k);
    k.state.class(
      AddressSpace,
      CacheChunk,
      Frames,
      Mm,
      PageTables,
      AnonVma,
      ShmemObject,
      MmSysctl,
      ThpSettings,
      Vma,
      Zone,
    );
    k.state.static("aops.shmemZero", SHMEM_ZERO_OPS);
    k.state.root("mm", k.mm);
    k.syscalls.add(memoryCalls);
  },
  boot(k: Core) {
    const { init } = k.tasks;
    init.mm = k.mm.newMm(init);
    k.mm.setupExec(init.mm, init);
  },
};
