/** Numbers as people read them: three significant digits, a unit, a prefix. */
export function quantity(v: number, unit = ""): string {
  if (Number.isNaN(v)) return "no value";
  if (!Number.isFinite(v)) return v > 0 ? "no limit" : "-∞";
  const a = Math.abs(v);
  const [scale, prefix] = a >= 1e9 ? [1e9, "G"] : a >= 1e6 ? [1e6, "M"] : a >= 1e5 ? [1e3, "k"] : [1, ""];
  const n = v / scale;
  const text = Number.isInteger(n) && Math.abs(n) < 1e5 ? group(n) : Number(n.toPrecision(3)).toString();
  return `${text}${prefix !== "" || unit !== "" ? ` ${prefix}${unit}` : ""}`.trimEnd();
}

const group = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, " ");

/** A result in a table: as it is if it is text, else at most six digits. */
export const cell = (v: string | number): string =>
  typeof v === "string" ? v : Number.isInteger(v) ? String(v) : String(Number(v.toPrecision(5)));

export const secondsText = (ns: number): string => `${(ns / 1e9).toFixed(9)} s`;
