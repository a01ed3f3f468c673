/** What the list, the registers, the labels and the seals keep true, whatever two users do to five files. */
import {
  type Inode,
  MAP_SHARED,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from "@kernelkit/core";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256 } from "./abi/hashAlgo.js";
import { concatBytes, toHex, utf8 } from "./bytes.js";
import { nobleCrypto } from "./crypto/nobleCrypto.js";
import { evmCalcHmac } from "./evm/evmDigest.js";
import { asciiMeasurements } from "./list/asciiList.js";
import { ListReader } from "./list/listReader.js";
import { Replay } from "./list/replay.js";
import { attempt, DISK_UUID, Rig } from "./stories/rig.js";

vi.setConfig({ testTimeout: 600_000 });
const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const OPS = 100;
const FILES = 5;
const KEY = utf8("key");
const BANKS = [HASH_ALGO_SHA1, HASH_ALGO_SHA256];

const verbs = [
  "read",
  "hold",
  "write",
  "holdWriter",
  "append",
  "close",
  "map",
  "poke",
  "unmap",
  "truncate",
  "chmod",
  "chown",
  "rename",
  "link",
  "unlink",
  "goodLabel",
  "badLabel",
  "noLabel",
] as const;

interface Op {
  readonly verb: (typeof verbs)[number];
  readonly file: number;
  readonly to: number;
  /** 0 root, 1 a user. */
  readonly who: number;
  readonly n: number;
}

const op: fc.Arbitrary<Op> = fc.record({
  verb: fc.constantFrom(...verbs),
  file: fc.nat(FILES - 1),
  to: fc.nat(FILES - 1),
  who: fc.constantFrom(0, 0, 0, 1),
  n: fc.nat(6),
});

const ALLOWED = ["ok", "EACCES", "EPERM", "ENOENT", "EEXIST", "ENODATA"];

const path = (n: number): string => `/mnt/f${n}`;
const label = (content: Uint8Array): Uint8Array =>
  concatBytes([Uint8Array.of(4, 4), nobleCrypto.digest(HASH_ALGO_SHA256, content)]);

class Run {
  readonly rig: Rig;
  private readonly users: Rig["sys"][];
  private readonly fds: { who: number; fd: number; writer: boolean; inode: Inode }[] = [];
  private readonly maps: { at: number; inode: Inode }[] = [];
  /** Files truncated by path since they were last hashed: their verdict may be of before. */
  private readonly stale: Set<Inode> = new Set();
  private readonly replay: Replay = new Replay({ banks: BANKS });
  private readonly reader: ListReader = new ListReader({});
  private readonly seen: Set<string> = new Set();
  private entries = 0;
  private zeros = 0;

  constructor(
    private readonly enforce: boolean,
    private readonly evm: boolean,
    profile: "6.18" | "debian-6.1",
  ) {
    const mode = enforce ? "enforce" : "fix";
    this.rig = new Rig({
      cmdline: `ima_policy=tcb ima_appraise_tcb ima_appraise=${mode}`,
      integrity: { profile },
    });
    for (let i = 0; i < FILES; i++) this.rig.write(path(i), `file ${i}`, 0o666);
    this.rig.sys.chmod("/mnt", 0o777);
    if (evm) this.rig.evm(KEY);
    this.users = [this.rig.sys, this.rig.user(1000)];
  }

  private inode(n: number): Inode | null {
    try {
      return this.rig.inode(path(n));
    } catch {
      return null;
    }
  }

  private open(o: Op, flags: number, keep: boolean): string {
    const sys = this.users[o.who];
    const tag = flags & 3;
    return attempt(() => {
      const fd = sys.open(path(o.file), flags, 0o666);
      const inode = this.inode(o.file) as Inode;
      if (tag !== O_RDONLY && !keep) sys.write(fd, utf8("x".repeat(o.n)));
      if (tag === O_RDONLY) this.checkAppraised(sys, fd, inode);
      if (keep) this.fds.push({ who: o.who, fd, writer: tag !== O_RDONLY, inode });
      else {
        sys.close(fd);
        if (tag !== O_RDONLY) this.closed(inode);
      }
    });
  }

  /** A file of root's that could be opened has the content that its label vouches for. */
  private checkAppraised(sys: Rig["sys"], fd: number, inode: Inode): void {
    if (!this.enforce || inode.uid !== 0 || inode.writecount > 0 || this.stale.has(inode)) return;
    expect(toHex(sys.fgetxattr(fd, "security.ima"))).toBe(toHex(label(sys.read(fd, 1 << 16))));
  }

  /** A writer has gone: with the last of them the file is hashed anew. */
  private closed(inode: Inode): void {
    if (inode.writecount === 0) this.stale.delete(inode);
  }

  private close(n: number): void {
    if (this.fds.length === 0) return;
    const [{ who, fd, writer, inode }] = this.fds.splice(n % this.fds.length, 1);
    this.users[who].close(fd);
    if (writer) this.closed(inode);
  }

  private unmap(n: number): void {
    if (this.maps.length === 0) return;
    const [{ at, inode }] = this.maps.splice(n % this.maps.length, 1);
    this.rig.sys.munmap(at, 4096);
    this.closed(inode);
  }

  private setLabel(o: Op, content: Uint8Array | null): string {
    const inode = this.inode(o.file);
    const sys = this.users[o.who];
    const e = attempt(() =>
      content === null
        ? sys.removexattr(path(o.file), "security.ima")
        : sys.setxattr(path(o.file), "security.ima", label(content)),
    );
    if (e === "ok" && inode !== null) this.stale.delete(inode);
    return e;
  }

  /** The file's content, however it is protected. */
  private content(n: number): Uint8Array {
    let bytes = new Uint8Array(0);
    const at = path(n);
    const state = this.rig.kernel.integrity.state;
    const { policyFlag } = state;
    state.policyFlag = 0;
    attempt(() => {
      bytes = this.rig.bytes(at) as Uint8Array<ArrayBuffer>;
    });
    state.policyFlag = policyFlag;
    return bytes;
  }

  private step(o: Op): string {
    const sys = this.users[o.who];
    const here = path(o.file);
    const there = path(o.to);
    switch (o.verb) {
      case "read":
        return this.open(o, O_RDONLY, false);
      case "hold":
        return this.open(o, O_RDONLY, true);
      case "write":
        return this.open(o, O_WRONLY | O_CREAT | O_TRUNC, false);
      case "append":
        return this.open(o, O_RDWR, false);
      case "holdWriter":
        return this.open(o, O_RDWR | O_CREAT, true);
      case "close":
        this.close(o.n);
        return "ok";
      case "map":
        return attempt(() => {
          const fd = this.rig.sys.open(here, O_RDWR);
          const inode = this.inode(o.file) as Inode;
          const at = this.rig.sys.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
          this.rig.sys.close(fd);
          this.maps.push({ at, inode });
        });
      case "poke": {
        const m = this.maps[o.n % Math.max(1, this.maps.length)];
        if (m !== undefined && m.inode.size > 0) this.rig.sys.store(m.at, utf8(String(o.n)));
        return "ok";
      }
      case "unmap":
        this.unmap(o.n);
        return "ok";
      case "truncate": {
        const inode = this.inode(o.file);
        const e = attempt(() => sys.truncate(here, o.n));
        if (e === "ok" && inode !== null) this.stale.add(inode);
        return e;
      }
      case "chmod":
        return attempt(() => sys.chmod(here, o.n % 2 === 0 ? 0o666 : 0o644));
      case "chown":
        return attempt(() => sys.chown(here, o.n % 2 === 0 ? 0 : 1000, 0));
      case "rename":
        return attempt(() => sys.rename(here, there));
      case "link":
        return attempt(() => sys.link(here, there));
      case "unlink":
        return attempt(() => sys.unlink(here));
      case "goodLabel":
        return this.setLabel(o, this.content(o.file));
      case "badLabel":
        return this.setLabel(o, utf8("something else"));
      default:
        return this.setLabel(o, null);
    }
  }

  do(o: Op): void {
    expect(ALLOWED).toContain(this.step(o));
    this.checkList();
  }

  /** The new entries: replayed into the registers, counted, none twice. */
  private checkList(): void {
    const { list, tpm } = this.rig.api.state;
    expect(list.count).toBeGreaterThanOrEqual(this.entries);
    this.reader.push(list.toBinary(this.entries), (view) => {
      expect(this.replay.push(view)).toBe(true);
      if (view.isViolation()) this.zeros++;
      else {
        const id = `${view.pcr} ${toHex(view.bytes, view.digest, view.digest + view.digestSize)}`;
        expect(this.seen.has(id)).toBe(false);
        this.seen.add(id);
      }
    });
    this.entries = list.count;
    expect(this.replay.entries).toBe(list.count);
    expect(list.violations).toBe(this.zeros);
    for (const algo of BANKS) {
      const bank = tpm?.bank(algo);
      if (tpm === null || bank === null || bank === undefined) throw new Error("no bank");
      expect(toHex(this.replay.read(algo, 10) ?? new Uint8Array(0))).toBe(toHex(tpm.read(bank, 10)));
    }
  }

  /** What is looked at less often: the files of the list, and every seal. */
  finish(): void {
    const { rig } = this;
    const dir = "/sys/kernel/security/ima";
    expect(rig.read(`${dir}/runtime_measurements_count`)).toBe(`${this.entries}\n`);
    expect(rig.read(`${dir}/violations`)).toBe(`${this.zeros}\n`);
    const binary = rig.bytes(`${dir}/binary_runtime_measurements`);
    expect(rig.bytes(`${dir}/ascii_runtime_measurements`)).toEqual(asciiMeasurements(binary));
    if (this.evm) this.checkSeals();
  }

  private checkSeals(): void {
    for (const [, f] of this.rig.takeDisk()) {
      const seal = f.xattrs.get("security.evm");
      if (seal === undefined) continue;
      const ima = f.xattrs.get("security.ima");
      if (ima === undefined) throw new Error("a sealed file has no label");
      const { ino, generation, uid, gid } = f;
      const mode = f.mode | 0o100000;
      const file = { ino, generation, uid, gid, mode, values: [ima] };
      expect(toHex(seal)).toBe(toHex(evmCalcHmac({ key: KEY, ...file, fsuuid: DISK_UUID })));
    }
  }
}

it("the registers are the replay of the list, labels are true, seals fit", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom("6.18" as const, "debian-6.1" as const),
      fc.array(op, { minLength: OPS, maxLength: OPS }),
      (enforce, evm, profile, ops) => {
        const run = new Run(enforce, evm, profile);
        for (const o of ops) run.do(o);
        run.finish();
      },
    ),
    { numRuns: RUNS },
  );
});
