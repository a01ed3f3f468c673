// As every package, with the entries that a page uses without the rest: the kernel, its shell, the stories.
import { presetWith } from "../../tooling/presets/tsup.js";

export default presetWith(["src/kernel.ts", "src/shell/shell.ts", "src/tour/catalogue.ts"]);
