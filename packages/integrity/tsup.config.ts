import preset from "../../tooling/presets/tsup.js";

export default { ...preset, entry: ["src/index.ts", "src/node.ts"] };
