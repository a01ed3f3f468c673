import { createKernel } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { genirq } from "../genirq.js";
import { formatInterrupts, formatIntr, parseInterrupts, parseIntr } from "./parseInterrupts.js";

/** As read on a 6.18.44 virtual machine. */
const REAL = `           CPU0       CPU1       
 24:          1          0  IO-APIC   5-edge      ACPI:Ged
 25:          0          1  IO-APIC   6-edge      ACPI:Ged
 26:          0         10  IO-APIC   4-edge      ttyS0
 28:          0          0 PCI-MSIX-0000:00:01.0   0-edge      virtio0-config
 29:          0          0 PCI-MSIX-0000:00:01.0   1-edge      virtio0-inflate
 30:          0          0 PCI-MSIX-0000:00:01.0   2-edge      virtio0-deflate
 31:          0       1630 PCI-MSIX-0000:00:01.0   3-edge      virtio0-stats
 32:        866          0 PCI-MSIX-0000:00:01.0   4-edge      virtio0-reporting_vq
 33:          0          0 PCI-MSIX-0000:00:05.0   0-edge      virtio4-config
 34:        145          0 PCI-MSIX-0000:00:05.0   1-edge      virtio4-input
 35:          0          1 PCI-MSIX-0000:00:02.0   0-edge      virtio1-config
 36:          0     226548 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
 37:          0          0 PCI-MSIX-0000:00:03.0   0-edge      virtio2-config
 38:          0      38138 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
 39:      28201          0 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0
 40:          0          0 PCI-MSIX-0000:00:04.0   0-edge      virtio3-config
 41:       6146          0 PCI-MSIX-0000:00:04.0   1-edge      virtio3-rx
 42:          0      12158 PCI-MSIX-0000:00:04.0   2-edge      virtio3-tx
 43:          1          0 PCI-MSIX-0000:00:04.0   3-edge      virtio3-event
NMI:          0          0   Non-maskable interrupts
LOC:    2275771    2239316   Local timer interrupts
SPU:          0          0   Spurious interrupts
PMI:          0          0   Performance monitoring interrupts
IWI:          0          0   IRQ work interrupts
RTR:          0          0   APIC ICR read retries
RES:     610895     577762   Rescheduling interrupts
CAL:     277275     267910   Function call interrupts
TLB:      67970      66961   TLB shootdowns
TRM:          0          0   Thermal event interrupts
HYP:          2          2   Hypervisor callback interrupts
ERR:          0
MIS:          0
PIN:          0          0   Posted-interrupt notification event
NPI:          0          0   Nested posted-interrupt event
PIW:          0          0   Posted-interrupt wakeup event
`;

const INTR =
  "intr 6563131 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 10 0 0 0 0 1630 866 0 145 1 226552 0 38138 28201 0 6146 12158 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0";

/** As a 6.1 kernel with CPU 1 off line prints it: a blank more behind the counts, level and edge apart from the flow. */
const OLD = `            CPU0       CPU2       CPU3       
   0:         38          0          0   IO-APIC   2-edge      timer
   9:          0         12          0   IO-APIC   9-fasteoi   acpi
  16:          3          0    1234567   IO-APIC  16-fasteoi   ehci_hcd:usb1, snd_hda_intel:card0
 120:          0          0          0  DMAR-MSI   0-edge      dmar0
 131: 4294967295          1          0   PCI-MSI 524288-edge      xhci_hcd
  49:          7          0          0  dwapb-gpio   5  gpio
 200:          1          0          0  none 
 NMI:          0          0          0   Non-maskable interrupts
 ERR:          0
 MIS:          0
`;

describe("the text of /proc/interrupts", () => {
  it.each([
    ["6.18", REAL],
    ["6.1 with a CPU off line", OLD],
  ])("of a real %s kernel is written again byte for byte", (_, text) => {
    expect(formatInterrupts(parseInterrupts(text))).toBe(text);
  });

  it("names the CPUs that are on line", () => {
    expect(parseInterrupts(OLD).cpus).toEqual([0, 2, 3]);
  });

  it("tells controller, hardware line, flow and requests apart", () => {
    const row = (label: string) => parseInterrupts(OLD).rows.find((r) => r.label === label);
    expect(row("16")).toMatchObject({
      chip: "IO-APIC",
      hwirq: 16,
      flow: "fasteoi",
      actions: ["ehci_hcd:usb1", "snd_hda_intel:card0"],
      counts: [3, 0, 1234567],
    });
    expect(row("49")).toMatchObject({ chip: "dwapb-gpio", hwirq: 5, flow: null, actions: ["gpio"] });
    expect(row("131")).toMatchObject({ hwirq: 524288, counts: [4294967295, 1, 0] });
    expect(row("NMI")).toMatchObject({ text: "Non-maskable interrupts", chip: null });
    expect(row("ERR")).toMatchObject({ counts: [0], text: "" });
  });

  it("that is none is refused, with the line that is wrong", () => {
    expect(() => parseInterrupts("nonsense\n")).toThrow(/line 1: no header/);
    expect(() => parseInterrupts("           CPU0       \n 24 1 x\n")).toThrow(/line 2: no label/);
    expect(() =>
      parseInterrupts("           CPU0       CPU1       CPU2       \n 24:          1          2 x\n"),
    ).toThrow(/line 2: 2 counts for 3 CPUs/);
  });
});

describe("the intr line of /proc/stat", () => {
  it("of a real kernel is written again byte for byte, from the line or the whole file", () => {
    expect(formatIntr(parseIntr(INTR))).toBe(INTR);
    expect(parseIntr(`cpu  1 2 3\n${INTR}\nctxt 5\n`)).toEqual(parseIntr(INTR));
    expect(parseIntr(INTR).counts).toHaveLength(424);
    expect(() => parseIntr("ctxt 5\n")).toThrow(/no line 'intr'/);
  });
});

describe("a machine set up from a real one's file", () => {
  const kernel = createKernel({ machine: { cpus: 2 } })
    .use(genirq())
    .boot();
  kernel.genirq.presetInterrupts(REAL);
  const read = (path: string): string => {
    const sys = kernel.sys(kernel.init);
    const fd = sys.open(path, 0);
    const text = new TextDecoder().decode(sys.read(fd, 65536));
    sys.close(fd);
    return text;
  };

  it("shows the same text", () => {
    expect(read("/proc/interrupts")).toBe(REAL);
  });

  it("goes on from there", () => {
    kernel.genirq.raise(26, 1);
    expect(read("/proc/interrupts")).toBe(REAL.replace(/^( 26: +0 +)(\d+)/m, (_, a, n) => a + (Number(n) + 1)));
    expect(read("/sys/kernel/irq/26/hwirq")).toBe("4\n");
    expect(read("/proc/irq/24/smp_affinity")).toBe("3\n");
  });

  it("has as many lines as an x86 machine of two CPUs", () => {
    const intr = parseIntr(read("/proc/stat"));
    expect(intr.counts).toHaveLength(424);
    expect(intr.counts[31]).toBe(
      parseInterrupts(REAL)
        .rows.find((r) => r.label === "31")
        ?.counts.reduce((a, b) => a + b),
    );
  });
});
