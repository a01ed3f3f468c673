/**
 * A scenario: one kernel with something going on in it, and what a view may look at. It is data and functions that read:
 * nothing here advances time, makes a system call or draws a random number, so looking never changes a run. What changes the
 * run (settings at boot, controls while it runs) is an input and stands in the run's journal.
 */
import type { AnyProgramDef } from "@kernelkit/core";
import type { Knob, Knobs, Table } from "@kernelkit/core/stories";
import type { AssembledKernel, BootOptions } from "kernelkit/kernel";

/** Packages by the name of their options. */
export type PackageName =
  | "genirq"
  | "integrity"
  | "memcg"
  | "namespaces"
  | "numa"
  | "powerclamp"
  | "printk"
  | "writeback";

/** A quantity over time. */
export interface Gauge {
  readonly name: string;
  readonly unit: string;
  /** One plain sentence. */
  readonly what: string;
  /** Where Linux shows it. */
  readonly linux: string;
  /** Plots with the same group are drawn on one pair of axes. */
  readonly group: string;
  /** A counter: what is drawn is its growth per second. */
  readonly rate?: boolean;
  /** A level that others are held against: drawn dashed. */
  readonly limit?: boolean;
  /** It can be dragged in the plot: the control that is set, and how much of the quantity one unit of the control is. */
  readonly drag?: { readonly control: string; readonly per: number };
  read(kernel: AssembledKernel): number;
}

/** What a lane can show at an instant. The index is the code. */
export interface LaneState {
  readonly name: string;
  readonly what: string;
  /** A colour token and a texture: never told apart by colour alone. */
  readonly tone: "empty" | "busy" | "system" | "interrupt" | "waiting" | "injected" | "flight" | "bad";
}

export interface LaneSet {
  readonly title: string;
  readonly what: string;
  readonly states: readonly LaneState[];
  /** At most this many lanes are kept. */
  readonly max: number;
  /** Names now; a name keeps its row for the whole run. */
  names(kernel: AssembledKernel): readonly string[];
  /** The code of each lane now. */
  read(kernel: AssembledKernel, out: Uint8Array): void;
}

/** Something one can do to the running kernel. Its Linux form is shown. */
export interface Control {
  readonly name: string;
  readonly what: string;
  /** The write or call it stands for, `VALUE` standing for the value. */
  readonly linux: string;
  /** A number, a choice, or (button) nothing. */
  readonly knob: Knob | { readonly kind: "button" };
  apply(kernel: AssembledKernel, value: number | string): void;
}

/** Something that happened. */
export interface KernelEvent {
  readonly ns: number;
  readonly name: string;
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string;
  readonly text: string;
  /** The number heat maps are made of; NaN: none. */
  readonly value: number;
  /** Event of the queue during which it happened, and the one that scheduled that. */
  readonly event: number;
  readonly cause: number;
}

export type Emit = (e: {
  name: string;
  text: string;
  value?: number;
  cpu?: number;
  pid?: number;
  comm?: string;
}) => void;

/** A heat map over events: time across, value up. */
export interface HeatDef {
  readonly title: string;
  readonly what: string;
  readonly event: string;
  readonly unit: string;
  /** Upper ends of the rows, ascending. */
  readonly steps: readonly number[];
}

/** Entries of the views' list. */
export type ViewId = "ns" | "log" | "mem" | "wb" | "irq" | "power" | "numa" | "trust";

export interface Scenario<P = unknown> {
  readonly id: ViewId;
  readonly name: string;
  /** What the view answers. */
  readonly question: string;
  /** What one sees, in two or three sentences. */
  readonly sees: string;
  /** What is checked against real kernels, what is modelled, what is absent. */
  readonly howTrue: string;
  /** Distance of samples, ns. */
  readonly binNs: number;
  /** Read when the kernel is made. */
  readonly settings: Readonly<Record<string, Knob>>;
  readonly controls: readonly Control[];
  readonly gauges: readonly Gauge[];
  readonly lanes: LaneSet | null;
  readonly heat: HeatDef | null;
  /** Tracepoints that become events: "system:name". */
  readonly traces: readonly string[];
  /** Files of Linux that show the same numbers. */
  readonly files: readonly string[];
  readonly programs: readonly AnyProgramDef[];
  /** The packages of its kernel. */
  readonly packages: Readonly<Partial<Record<PackageName, (options?: never) => unknown>>>;
  options(settings: Knobs): BootOptions;
  /** Functions that a checkpoint refers to by name; called after each boot, before `setup` or a restore. */
  statics?(kernel: AssembledKernel): void;
  setup(kernel: AssembledKernel, settings: Knobs): void;
  /** Observers of their own: hooks, beside the tracepoints. Called after each boot. */
  watch?(kernel: AssembledKernel, emit: Emit): void;
  /** The number of a tracepoint's record. */
  value?(name: string, args: readonly unknown[]): number;
  /** What is drawn now, as plain data. */
  picture(kernel: AssembledKernel): P;
  /** The same as a table. */
  table(picture: P): Table;
  /** The same as a sentence, made from the data. */
  takeaway(picture: P): string;
}
