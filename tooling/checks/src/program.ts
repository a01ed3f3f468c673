// A TypeScript program from a tsconfig.json, and what the compiler says of it: `tsc --noEmit -p`, but the checker stays for more questions.
import { dirname, resolve } from "node:path";
import ts from "typescript";

/** Reads a tsconfig and makes the program of its files. Throws when the config itself is wrong. */
export function loadProgram(configFile: string): ts.Program {
  const { config, error } = ts.readConfigFile(configFile, ts.sys.readFile);
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
  // with its path, so that the types it names are looked for where it is
  const path = resolve(configFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path), undefined, path);
  const errors = parsed.errors.filter((e) => e.category === ts.DiagnosticCategory.Error);
  if (errors.length > 0) throw new Error(ts.formatDiagnostics(errors, host));
  return ts.createProgram({ rootNames: parsed.fileNames, options: parsed.options });
}

/** All errors of a program, or of one file of it, as tsc prints them; empty when there are none. */
export function diagnosticsText(program: ts.Program, file?: ts.SourceFile): string {
  return ts
    .formatDiagnostics(ts.sortAndDeduplicateDiagnostics(ts.getPreEmitDiagnostics(program, file)), host)
    .trimEnd();
}

/** The source files that are ours. */
export function ownFiles(program: ts.Program): ts.SourceFile[] {
  return program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/"));
}

const host: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => process.cwd(),
  getCanonicalFileName: (name) => name,
  getNewLine: () => "\n",
};
