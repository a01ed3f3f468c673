/** Parts that several pictures are made of. */
import type { ComponentChildren, JSX } from "preact";
import { mark } from "../page/figure.js";
import { Textures } from "../page/time.js";

export interface Frame<P> {
  readonly p: P;
  /** Events up to the cursor, newest first. */
  readonly events: readonly {
    readonly ns: number;
    readonly name: string;
    readonly text: string;
    readonly cpu: number;
  }[];
}

/** The drawing area of a picture. */
export function Drawing({
  height,
  children,
}: {
  readonly height: number;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <svg viewBox={`0 0 960 ${height}`} role="presentation">
      <Textures />
      {children}
    </svg>
  );
}

/** A box with words in it, that is a mark. */
export function Box(b: {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly says: string;
  readonly fill?: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <g {...mark(b.says)}>
      <rect x={b.x} y={b.y} width={b.w} height={b.h} class="axis" style={b.fill ?? "fill:var(--panel)"} />
      {b.children}
    </g>
  );
}

/** A line of text. */
export function Words(w: {
  readonly x: number;
  readonly y: number;
  readonly children: ComponentChildren;
  readonly m?: boolean;
  readonly end?: boolean;
  readonly mid?: boolean;
}): JSX.Element {
  return (
    <text
      x={w.x}
      y={w.y}
      class={w.m === true ? "m" : ""}
      text-anchor={w.end === true ? "end" : w.mid === true ? "middle" : "start"}
    >
      {w.children}
    </text>
  );
}
