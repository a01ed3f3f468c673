/** Integrity beside other packages, in a kernel that is saved and restored, and in one that does not use it. */
import { createKernel, O_CREAT, O_RDONLY, O_WRONLY, program } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { utf8 } from "./bytes.js";
import { integrity } from "./integrity.js";
import { attempt, Rig } from "./stories/rig.js";

const worker = program("worker", function* (sys: never, s: { n: number }) {
  const call = sys as {
    open(p: string, f: number, m?: number): Generator<undefined, number, void>;
    write(fd: number, b: Uint8Array): Generator<undefined, number, void>;
    close(fd: number): Generator<undefined, number, void>;
    nanosleep(ns: number): Generator<undefined, unknown, void>;
  };
  for (let i = 0; i < s.n; i++) {
    const fd = yield* call.open(`/w${i % 3}`, O_WRONLY | O_CREAT, 0o644);
    yield* call.write(fd, utf8(`text ${i}`));
    yield* call.close(fd);
    yield* call.close(yield* call.open(`/w${i % 3}`, O_RDONLY));
    yield* call.nanosleep(1_000_000);
  }
  return 0;
} as never);

// tmpfs is left out by the builtin policies: rules without a file system look at it too.
const POLICY = ["measure func=FILE_CHECK mask=MAY_READ\n", "appraise func=FILE_CHECK fowner=0 fsname=ext4\n"];

describe("saved and restored", () => {
  const build = () => createKernel({ cmdline: "ima_appraise=enforce", seed: 3 }).use(integrity());

  it("goes on to the same list, registers and digest as without the interruption", () => {
    const straight = build().boot();
    straight.integrity.loadPolicy(...POLICY);
    straight.spawn(worker as never, { n: 8 });
    straight.run("20ms");

    const first = build().boot();
    first.integrity.loadPolicy(...POLICY);
    first.spawn(worker as never, { n: 8 });
    first.run("4ms");
    const saved = JSON.stringify(first.checkpoint());
    const back = build().restore(JSON.parse(saved), [worker as never]);
    expect(back.integrity.asciiMeasurements()).toBe(first.integrity.asciiMeasurements());
    back.run("16ms");
    expect(back.integrity.asciiMeasurements()).toBe(straight.integrity.asciiMeasurements());
    expect(back.integrity.pcrs()).toEqual(straight.integrity.pcrs());
    expect(back.integrity.policy()).toBe(straight.integrity.policy());
    expect(back.digest()).toBe(straight.digest());
  });

  it("keeps keys, labels, verdicts and loaded kernels", () => {
    const rig = new Rig({ cmdline: "ima_appraise_tcb ima_appraise=enforce" });
    rig.evm(utf8("key"));
    rig.write("/mnt/a", "A");
    rig.open("/mnt/a");
    const saved = JSON.stringify(rig.kernel.checkpoint());
    const back = createKernel({ cmdline: "ima_appraise_tcb ima_appraise=enforce", seed: 1 })
      .use(integrity())
      .restore(JSON.parse(saved));
    const sys = back.sys(back.init);
    expect(sys.getxattr("/mnt/a", "security.ima")).toEqual(rig.sys.getxattr("/mnt/a", "security.ima"));
    // The HMAC key came along: a change is sealed anew.
    sys.chmod("/mnt/a", 0o600);
    rig.sys.chmod("/mnt/a", 0o600);
    expect(sys.getxattr("/mnt/a", "security.evm")).toEqual(rig.sys.getxattr("/mnt/a", "security.evm"));
    expect(attempt(() => sys.close(sys.open("/mnt/a", O_RDONLY)))).toBe("ok");
  });
});

it("composing it changes nothing for who does not use it", () => {
  const run = (used: boolean): [string, number] => {
    const b = createKernel({ seed: 5 });
    const kernel = used ? b.use(integrity({ tpm: "none" })).boot() : b.boot();
    kernel.spawn(worker as never, { n: 5 });
    kernel.run("10ms");
    return [kernel.sys(kernel.init).stat("/w0").size.toString(), kernel.now];
  };
  expect(run(true)).toEqual(run(false));
});

it("the same seed and calls give the same list, quote and digest", () => {
  const run = (): unknown => {
    const rig = new Rig({ cmdline: "ima_policy=tcb", seed: 9 });
    for (const name of ["a", "b", "c"]) {
      rig.write(`/mnt/${name}`, name);
      rig.open(`/mnt/${name}`);
    }
    return [rig.lines(), rig.api.quote("sha256:10", "00ff"), rig.kernel.digest()];
  };
  expect(run()).toEqual(run());
});

it("misspelled and impossible options are named", () => {
  expect(() => integrity({ tmp: "none" } as never)).toThrow(/unknown option 'tmp'; allowed are profile, crypto/);
  expect(() => integrity({ tpm: "1.2" as never })).toThrow(/tpm: '1.2'; "2.0" are allowed/);
  expect(() => integrity({ tpm: { banks: ["sha1", "sha1"] } })).toThrow(/each once/);
  expect(() => integrity({ profile: "5.4" as never })).toThrow(/profile: '5.4'/);
  expect(() => integrity({ fput: "later" as never })).toThrow(/fput: 'later'; "task_work", "inline", "deferred"/);
});
