// As every package, with two more entries: what sweep files import, and what goes into the workers' bundle (src/bundle.ts finds it there).
import type { Options } from "tsup";
import preset from "../../tooling/presets/tsup.js";

const config: Options = {
  ...preset,
  entry: ["src/index.ts", "src/define.ts", "src/execute.ts"],
  platform: "node",
};

export default config;
