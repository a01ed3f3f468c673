import type { Options } from "tsup";
import { presetWith } from "../../tooling/presets/tsup.js";

const config: Options = presetWith(["src/names.ts"]);

export default config;
