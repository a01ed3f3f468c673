/**
 * The address is the state: `#/see/wb?v=1&seed=7&o=disk:4,writers:2&t=12.4&x=10..14&f=pid=12&j=...`. Readable differences from the
 * defaults; what cannot be used is left out and said. Nothing behind `#` reaches a server.
 */
import type { Entry, Instant } from "../lab/run.js";

export interface Link {
  readonly path: readonly string[];
  readonly seed: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly at: Instant | null;
  /** Window of the time axis, seconds; null: all. */
  readonly window: readonly [number, number] | null;
  readonly filter: string;
  readonly follow: string;
  readonly bookmarks: readonly { readonly name: string; readonly at: Instant }[];
  /** Settings of a second kernel beside it; null: there is none. */
  readonly beside: Readonly<Record<string, string>> | null;
  readonly run: boolean;
  readonly journal: readonly Entry[];
  /** What was wrong, a sentence each. */
  readonly problems: readonly string[];
}

export const LONGEST_LINK = 6000;

export function parseLink(hash: string): Link {
  const problems: string[] = [];
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  let seed = 7;
  let settings: Record<string, string> = {};
  let at: Instant | null = null;
  let window: [number, number] | null = null;
  let filter = "";
  let follow = "";
  let run = false;
  let bookmarks: { name: string; at: Instant }[] = [];
  let beside: Record<string, string> | null = null;
  let journal: Entry[] = [];
  for (const part of query.split("&").filter(Boolean)) {
    const i = part.indexOf("=");
    const name = i < 0 ? part : part.slice(0, i);
    const raw = i < 0 ? "" : part.slice(i + 1);
    const value = decoded(raw);
    const bad = (why: string): void => void problems.push(`${name.slice(0, 20)}=${raw.slice(0, 40)}: ${why}`);
    if (value === null) {
      bad("is no percent encoding");
      continue;
    }
    switch (name) {
      case "v":
        if (value !== "1") bad("this page reads format 1; the rest was read as such");
        break;
      case "seed":
        if (/^\d{1,10}$/.test(value) && Number(value) < 2 ** 32) seed = Number(value);
        else bad("a number below 4294967296 is needed; 7 was used");
        break;
      case "o":
        settings = settingsOf(value);
        break;
      case "b":
        beside = settingsOf(value);
        break;
      case "fol":
        if (/^[a-z]+:[^&]{1,100}$/.test(value)) follow = value;
        else bad("what is followed is KIND:NAME, as task:300");
        break;
      case "run":
        run = value === "1";
        break;
      case "bm":
        bookmarks = value.split(",").flatMap((text) => {
          const m = /^([^@]{1,40})@(.*)$/.exec(text);
          const when = m === null ? null : instantOf(m[2]);
          return m === null || when === null ? [] : [{ name: m[1], at: when }];
        });
        if (bookmarks.length === 0) bad("bookmarks are NAME@SECONDS; there are none");
        break;
      case "t": {
        at = instantOf(value);
        if (at === null) bad("seconds are needed, as 12.400000000; the start was used");
        break;
      }
      case "x": {
        const m = /^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)$/.exec(value);
        if (m === null || Number(m[1]) >= Number(m[2])) bad("a window is FROM..TO in seconds; all was used");
        else window = [Number(m[1]), Number(m[2])];
        break;
      }
      case "f":
        filter = value.slice(0, 500);
        break;
      case "j": {
        const j = journalOf(value);
        if (j === null) bad("is no list of inputs; none were made");
        else journal = j;
        break;
      }
      default:
        bad("is not known");
    }
  }
  const parts = path.split("/").filter(Boolean);
  return { path: parts, seed, settings, at, window, filter, follow, bookmarks, beside, run, journal, problems };
}

/** `name:value,name:value` */
const settingsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(",").flatMap((s) => {
      const [k, ...v] = s.split(":");
      return k !== "" && v.length > 0 ? [[k, v.join(":")]] : [];
    }),
  );

/** Seconds, and after a second point the event. */
function instantOf(text: string): Instant | null {
  const m = /^(\d{1,10})(?:\.(\d{1,9}))?(?:\.(\d{1,7}))?$/.exec(text);
  return m === null ? null : { ns: Number(m[1]) * 1e9 + Number((m[2] ?? "0").padEnd(9, "0")), k: Number(m[3] ?? 0) };
}

function decoded(s: string): string | null {
  try {
    return decodeURIComponent(s);
  } catch {
    return null;
  }
}

/** `ns.k:control=value;...` */
function journalOf(text: string): Entry[] | null {
  const out: Entry[] = [];
  for (const part of text.split(";").filter(Boolean)) {
    const m = /^(\d{1,19})\.(\d{1,7}):([^=]*)=(.*)$/s.exec(part);
    if (m === null) return null;
    const control = decoded(m[3]);
    const value = decoded(m[4]);
    if (control === null || value === null) return null;
    const n = Number(value);
    out.push({ ns: Number(m[1]), k: Number(m[2]), control, value: value !== "" && String(n) === value ? n : value });
  }
  return out;
}

const plain = (s: string): string => encodeURIComponent(s).replaceAll("%3A", ":").replaceAll("%2C", ",");

export interface LinkState {
  readonly path: string;
  readonly seed: number;
  /** Only what differs from the defaults. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly at: Instant;
  readonly window: readonly [number, number] | null;
  readonly filter: string;
  readonly follow: string;
  readonly bookmarks: readonly { readonly name: string; readonly at: Instant }[];
  readonly beside: Readonly<Record<string, string | number>> | null;
  readonly journal: readonly Entry[];
}

/** The part behind `#`; null if it would be too long. */
export function makeLink(s: LinkState): string | null {
  const q: string[] = ["v=1", `seed=${s.seed}`];
  const list = (o: LinkState["settings"]): string =>
    Object.entries(o)
      .map(([k, v]) => plain(`${k}:${v}`))
      .join(",");
  if (Object.keys(s.settings).length > 0) q.push(`o=${list(s.settings)}`);
  if (s.beside !== null) q.push(`b=${list(s.beside)}`);
  q.push(`t=${instantText(s.at)}`);
  if (s.window !== null) q.push(`x=${s.window[0]}..${s.window[1]}`);
  if (s.follow !== "") q.push(`fol=${plain(s.follow)}`);
  if (s.bookmarks.length > 0) q.push(`bm=${s.bookmarks.map((b) => `${plain(b.name)}@${instantText(b.at)}`).join(",")}`);
  if (s.filter !== "") q.push(`f=${encodeURIComponent(s.filter)}`);
  if (s.journal.length > 0)
    q.push(
      `j=${encodeURIComponent(s.journal.map((e) => `${e.ns}.${e.k}:${encodeURIComponent(e.control)}=${encodeURIComponent(String(e.value))}`).join(";"))}`,
    );
  const link = `#/${s.path}?${q.join("&")}`;
  return link.length > LONGEST_LINK ? null : link;
}

/** Seconds with nine decimals, and `.K` for events after it. */
export function instantText(at: Instant): string {
  const s = Math.floor(at.ns / 1e9);
  return `${s}.${String(at.ns - s * 1e9).padStart(9, "0")}${at.k > 0 ? `.${at.k}` : ""}`;
}
