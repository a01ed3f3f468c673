/**
 * template: which fields a measurement has. Kernel document security/IMA-templates; boot parameters ima_template=, ima_template_fmt=.
 *
 *     lookupTemplate("ima-sig")               // d-ng, n-ng, sig
 *     lookupTemplate("d-ng|n-ng|iuid")        // a format of one's own; its name in lists is the format
 *     lookupTemplate("nonsense")              // null
 */

/** How a field is shown: `show` in `asciiList.ts`. */
export type FieldShow = "digest" | "digestAlgo" | "string" | "hex" | "uint";

/** The fields of Linux 6.18 by id, with the way they are shown in the ascii list. */
export const templateFields: ReadonlyMap<string, FieldShow> = /* @__PURE__ */ new Map<string, FieldShow>([
  ["d", "hex"],
  ["n", "string"],
  ["d-ng", "digestAlgo"],
  ["d-ngv2", "digestAlgo"],
  ["n-ng", "string"],
  ["sig", "hex"],
  ["buf", "hex"],
  ["d-modsig", "digestAlgo"],
  ["modsig", "hex"],
  ["evmsig", "hex"],
  ["iuid", "uint"],
  ["igid", "uint"],
  ["imode", "uint"],
  ["xattrnames", "string"],
  ["xattrlengths", "hex"],
  ["xattrvalues", "hex"],
]);

/** Most fields a format may have. */
export const IMA_TEMPLATE_NUM_FIELDS_MAX = 15;

export interface Template {
  /** As it stands in lists. */
  readonly name: string;
  readonly fields: readonly string[];
  /** The template "ima": its hash and its binary form have no field lengths, and the name is padded to 256 bytes. */
  readonly legacy: boolean;
}

const formats: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["ima", "d|n"],
  ["ima-ng", "d-ng|n-ng"],
  ["ima-ngv2", "d-ngv2|n-ng"],
  ["ima-sig", "d-ng|n-ng|sig"],
  ["ima-sigv2", "d-ngv2|n-ng|sig"],
  ["ima-buf", "d-ng|n-ng|buf"],
  ["ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig"],
  ["evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"],
]);

/** Names of the templates that need no format. */
export const templateNames: readonly string[] = /* @__PURE__ */ [...formats.keys()];

/** The fields of a format like `d-ng|n-ng`; null and the reason if it is not one. */
export function parseTemplateFormat(
  fmt: string,
): { fields: string[] } | { error: "unknown" | "too-many"; field: string } {
  const fields = fmt.split("|");
  if (fields.length > IMA_TEMPLATE_NUM_FIELDS_MAX) return { error: "too-many", field: fmt };
  for (const f of fields) if (!templateFields.has(f)) return { error: "unknown", field: f };
  return { fields };
}

// A memo of constants: templates are immutable, and the same name always gives an equal one.
const builtin: ReadonlyMap<string, Template> = /* @__PURE__ */ new Map(
  [...formats].map(([name, fmt]) => [name, { name, fields: fmt.split("|"), legacy: name === "ima" }]),
);

/** The template of a name or of a format; null if it is neither. */
export function lookupTemplate(name: string): Template | null {
  const known = builtin.get(name);
  if (known !== undefined) return known;
  const parsed = parseTemplateFormat(name);
  return "error" in parsed ? null : { name, fields: parsed.fields, legacy: false };
}
