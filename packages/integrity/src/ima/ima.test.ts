import { createKernel, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { utf8 } from "../bytes.js";
import { integrity } from "../integrity.js";

function boot(cmdline: string) {
  const kernel = createKernel({ cmdline })
    .use(integrity({ profile: "debian-6.1" }))
    .boot();
  kernel.core.vfs.addDisk({ name: "vda", type: "ext4", uuid: "11111111-2222-3333-4444-555555555555" });
  const sys = kernel.sys(kernel.init);
  sys.mount("/dev/vda", "/mnt", "ext4", 0, "");
  return { kernel, sys };
}

describe("IMA", () => {
  it("measures what root reads, once", () => {
    const { kernel, sys } = boot("ima_policy=tcb");
    const fd = sys.open("/mnt/a1", O_WRONLY | O_CREAT, 0o644);
    sys.write(fd, utf8("hello\n"));
    sys.close(fd);
    sys.close(sys.open("/mnt/a1", O_RDONLY));
    sys.close(sys.open("/mnt/a1", O_RDONLY));
    expect(kernel.integrity.asciiMeasurements().split("\n")[1]).toBe(
      "10 46fd55e63c0d9a6ffa71fb77f9de1a1771d62d6f ima-sig sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 /mnt/a1 ",
    );
    expect(kernel.integrity.measurements().length).toBe(2);
    const c = sys.open("/sys/kernel/security/ima/runtime_measurements_count", O_RDONLY);
    expect(new TextDecoder().decode(sys.read(c, 100))).toBe("2\n");
    void O_TRUNC;
  });
});
