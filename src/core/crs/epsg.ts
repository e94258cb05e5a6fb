import { createRequire } from "node:module";

/** What the EPSG registry says of a horizontal CRS, as far as it is kept here. */
export interface EpsgEntry {
  readonly code: number;
  readonly name: string;
  readonly proj: string;
  /** West, south, east, north in degrees; west > east where the area crosses the antimeridian. */
  readonly area: readonly [number, number, number, number];
  /** Coordinates in the registry's order are latitude or northing first. */
  readonly northingFirst: boolean;
  /** Datum of a geographic CRS, in WKT 1's spelling. */
  readonly datum?: string;
  /** Geographic CRS below a projected one. */
  readonly base?: number;
}

let lines: Map<number, string> | undefined;

/** Loaded when the first code is looked up: most nodes never do, and none does at its start. */
function table(): ReadonlyMap<number, string> {
  lines ??= new Map(
    (createRequire(import.meta.url)("./epsg-table.json") as readonly string[]).map((line) => [
      Number.parseInt(line, 10),
      line,
    ]),
  );
  return lines;
}

/** The entry of a code; undefined for codes that are unknown or have no PROJ string. Made by `scripts/epsg.ts`. */
export function epsgEntry(code: number): EpsgEntry | undefined {
  const line = table().get(code);
  if (line === undefined) return undefined;
  // code | name | datum or base | y: northing first | area | PROJ string; what equals the base's is left out of the last.
  const [, name, origin, order, area, proj] = line.split("|") as [string, string, string, string, string, string];
  const base = /^\d+$/.test(origin) ? Number(origin) : undefined;
  const inherited = base === undefined || !proj.startsWith("^") ? "" : datumWords(epsgEntry(base)?.proj ?? "");
  return {
    code,
    name,
    proj: `proj=${proj.replace("^", "")} ${inherited}`.trimEnd(),
    area: area.split(",").map(Number) as unknown as EpsgEntry["area"],
    northingFirst: order === "y",
    ...(base === undefined ? { datum: origin } : { base }),
  };
}

/** Codes in ascending order. */
export function epsgCodes(): number[] {
  return [...table().keys()];
}

/** The words of a PROJ string that say its datum. */
export function datumWords(proj: string): string {
  return proj
    .split(" ")
    .filter((word) => /^(datum|ellps|a|b|rf|f|R|towgs84|nadgrids|pm)=/.test(word))
    .join(" ");
}
