// As every package, with the entry of names. Nothing is shared by the entries: the table of names would bring its helper into all of them.
import type { Options } from "tsup";
import { presetWith } from "../../tooling/presets/tsup.js";

const config: Options = { ...presetWith(["src/names.ts"]), splitting: false };

export default config;
