// Where a release may go. The registry is asked about before anything is published: a development machine and a test may publish to the
// loopback alone, and only CI to the one that the world uses.

/** Whether a registry is on this machine. */
export function isLoopback(registry: string): boolean {
  let host: string;
  try {
    host = new URL(registry).hostname;
  } catch {
    return false;
  }
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** RangeError unless it is allowed to publish there from here. `ci`: this is the release job of CI. */
export function checkTarget(registry: string, ci: boolean): void {
  if (isLoopback(registry) || ci) return;
  throw new RangeError(
    `${registry}: only CI publishes there; from here a registry on the loopback is the only one allowed`,
  );
}
