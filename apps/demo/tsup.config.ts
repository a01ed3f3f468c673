// As every package, with the entries that a page uses without the rest: the kernel, its shell, the stories. The recorded cases and what runs
// them go into the package, for `kernelkit conformance`.
import { cpSync } from "node:fs";
import { presetWith } from "../../tooling/presets/tsup.js";

const CONFORMANCE = "../../tooling/conformance";
const preset = presetWith(["src/kernel.ts", "src/shell/shell.ts", "src/tour/catalogue.ts"]);
const declarations = preset.onSuccess as () => Promise<void>;

const config: typeof preset = {
  ...preset,
  esbuildOptions(options) {
    // from its sources: it need not be built before
    options.alias = { "kernelkit-conformance": `${CONFORMANCE}/src/index.ts` };
  },
  async onSuccess() {
    await declarations();
    for (const what of ["cases", "known.json"]) cpSync(`${CONFORMANCE}/${what}`, `dist/${what}`, { recursive: true });
  },
};

export default config;
