export { default } from "../../tooling/presets/tsup.js";
