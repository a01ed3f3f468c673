import { presetWith } from "../../tooling/presets/tsup.js";

export default presetWith(["src/names.ts"]);
