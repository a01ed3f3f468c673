/** An event as a run keeps it: its text is made when somebody reads it, if what it is made of cannot change meanwhile. */
import type { KernelEvent } from "./scenario.js";

type Print = (...args: never[]) => string;

/** Whether a text made later of these is the text of now. */
export const keeps = (args: readonly unknown[]): boolean =>
  args.every((a) => typeof a === "number" || typeof a === "string" || typeof a === "boolean");

export class Recorded implements KernelEvent {
  constructor(
    readonly ns: number,
    readonly name: string,
    readonly cpu: number,
    readonly pid: number,
    readonly comm: string,
    readonly value: number,
    readonly event: number,
    readonly cause: number,
    private words: string | null,
    private readonly print: Print | null,
    private readonly args: readonly unknown[],
  ) {}

  get text(): string {
    this.words ??= this.print?.(...(this.args as never[])) ?? "";
    return this.words;
  }
}

/** As plain data, for a message. */
export const plain = ({ ns, name, cpu, pid, comm, text, value, event, cause }: KernelEvent): KernelEvent => ({
  ns,
  name,
  cpu,
  pid,
  comm,
  text,
  value,
  event,
  cause,
});
