/** A PROJ string by its keys: `proj` -> `utm`, `zone` -> `33`; flags such as `south` have an empty value. */
export type ProjParams = ReadonlyMap<string, string>;

export function parseProj(text: string): Map<string, string> {
  const params = new Map<string, string>();
  for (const word of text.trim().split(/\s+/)) {
    const [key, value = ""] = word.replace(/^\+/, "").split("=", 2) as [string, string?];
    if (key !== "" && key !== "no_defs" && key !== "type" && key !== "wktext") params.set(key, value);
  }
  return params;
}

export function formatProj(params: ProjParams): string {
  const words = [...params].map(([key, value]) => (value === "" ? `+${key}` : `+${key}=${value}`));
  return [...words, "+no_defs"].join(" ");
}

/** The number of a key; undefined when it is absent or none. PROJ's own spellings of one thing count as one. */
export function projNumber(params: ProjParams, key: string): number | undefined {
  const text = params.get(key) ?? (key === "k" ? params.get("k_0") : undefined);
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Without rounding noise: 15 significant digits are what files and databases carry. */
export function projText(value: number): string {
  return String(Number(value.toPrecision(15)));
}
