/** The strategy "none": a kernel without CONFIG_NUMA_BALANCING. Nothing is armed, nothing moves. */
import type { Metadata, Strategy, StrategyName } from "./strategy.js";

export class NoBalancing implements Strategy {
  readonly name: StrategyName = "none";

  install(): void {}
  boot(): void {}
  onTick(): void {}
  onSchedule(): void {}
  scan(): number {
    return 0;
  }
  onHintFault(): void {}
  choosePlacement(): number {
    return -1;
  }
  preferredNode(): number {
    return -1;
  }
  homeNode(): number {
    return -1;
  }
  metadata(): Metadata {
    return { bytesPerPage: 0, task: 0, mm: 0 };
  }
  schedText(): string {
    return "";
  }
}
