// `pnpm new-package NAME`: a package that passes every check, to be filled. See CONTRIBUTING.md, "A package".
import { command } from "./command.js";
import { scaffold } from "./scaffold/scaffold.js";

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || rest.length > 0) {
  console.error("usage: pnpm new-package NAME");
  process.exit(2);
}
try {
  for (const path of scaffold(".", name)) console.log(`  ${path}`);
} catch (e) {
  console.error(`new-package: ${(e as Error).message}`);
  process.exit(1);
}
// the order of imports and the breaking of lines depend on the name
for (const args of [
  ["exec", "biome", "check", "--write", `packages/${name}`],
  ["install"],
  ["check:api", "--update"],
]) {
  const { ok, output } = await command("pnpm", args);
  if (!ok) {
    console.error(`pnpm ${args.join(" ")}\n${output}`);
    process.exit(1);
  }
}
console.log(
  `next: npx vitest run packages/${name}; what it is goes into its README and into the map of ARCHITECTURE.md`,
);
