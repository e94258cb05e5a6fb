import { type ProjParams, projNumber } from "./proj-string.ts";

/** `rf` is 1/f; 0 for a sphere, as in WKT. */
export interface Ellipsoid {
  readonly name: string;
  readonly a: number;
  readonly rf: number;
}

/** PROJ's name, EPSG code (0: none), name, semi-major axis in metres, inverse flattening. */
const TABLE: readonly (readonly [string, number, string, number, number])[] = [
  ["WGS84", 7030, "WGS 84", 6378137, 298.257223563],
  ["GRS80", 7019, "GRS 1980", 6378137, 298.257222101],
  ["airy", 7001, "Airy 1830", 6377563.396, 299.3249646],
  ["mod_airy", 7002, "Airy Modified 1849", 6377340.189, 299.3249646],
  ["aust_SA", 7003, "Australian National Spheroid", 6378160, 298.25],
  ["bessel", 7004, "Bessel 1841", 6377397.155, 299.1528128],
  ["bess_nam", 7046, "Bessel Namibia (GLM)", 6377483.865280419, 299.1528128],
  ["clrk66", 7008, "Clarke 1866", 6378206.4, 294.978698213898],
  ["clrk80", 7012, "Clarke 1880 (RGS)", 6378249.145, 293.465],
  ["clrk80ign", 7011, "Clarke 1880 (IGN)", 6378249.2, 293.466021293627],
  ["evrst30", 7015, "Everest 1830 (1937 Adjustment)", 6377276.345, 300.8017],
  ["evrst48", 7018, "Everest 1830 Modified", 6377304.063, 300.8017],
  ["evrst69", 7056, "Everest 1830 (RSO 1969)", 6377295.664, 300.8017],
  ["evrstSS", 7016, "Everest 1830 (1967 Definition)", 6377298.556, 300.8017],
  ["helmert", 7020, "Helmert 1906", 6378200, 298.3],
  ["intl", 7022, "International 1924", 6378388, 297],
  ["krass", 7024, "Krassowsky 1940", 6378245, 298.3],
  ["NWL9D", 7025, "NWL 9D", 6378145, 298.25],
  ["GRS67", 7036, "GRS 1967", 6378160, 298.247167427],
  ["WGS72", 7043, "WGS 72", 6378135, 298.26],
  ["IAU76", 7049, "IAG 1975", 6378140, 298.257],
  ["hough", 7053, "Hough 1960", 6378270, 297],
  ["GSK2011", 1025, "GSK-2011", 6378136.5, 298.2564151],
  ["fschr60", 0, "Fischer 1960", 6378166, 298.3],
  ["fschr60m", 0, "Fischer 1960 (modified)", 6378155, 298.3],
  ["fschr68", 0, "Fischer 1968", 6378150, 298.3],
  ["walbeck", 0, "Walbeck", 6376896, 302.78],
  ["sphere", 7035, "Sphere", 6370997, 0],
];

const OF_DATUM: Readonly<Record<string, string>> = { WGS84: "WGS84", NAD83: "GRS80", NAD27: "clrk66" };

function named(key: string): Ellipsoid | undefined {
  const row = TABLE.find(([proj]) => proj === key);
  return row === undefined ? undefined : { name: row[2], a: row[3], rf: row[4] };
}

/** PROJ's name of an EPSG ellipsoid. */
export function ellipsoidOfCode(code: number): string | undefined {
  return TABLE.find(([, epsg]) => epsg !== 0 && epsg === code)?.[0];
}

/** The ellipsoid a PROJ string works on; WGS 84 where it says none, as PROJ takes it (GRS 80) to within 0.1 mm. */
export function ellipsoidOf(params: ProjParams): Ellipsoid {
  const radius = projNumber(params, "R");
  if (radius !== undefined) return { name: "Sphere", a: radius, rf: 0 };
  const base = named(params.get("ellps") ?? OF_DATUM[params.get("datum") ?? ""] ?? "");
  const a = projNumber(params, "a") ?? base?.a;
  if (a === undefined) return named("WGS84")!;
  const b = projNumber(params, "b");
  const flattening = projNumber(params, "f");
  let rf = projNumber(params, "rf");
  if (b !== undefined) rf = a === b ? 0 : a / (a - b);
  else if (flattening !== undefined) rf = flattening === 0 ? 0 : 1 / flattening;
  return {
    name: base !== undefined && rf === undefined && a === base.a ? base.name : "unknown",
    a,
    rf: rf ?? base?.rf ?? 0,
  };
}

/** The PROJ keys of an ellipsoid: a known one by its name, others by their axes. */
export function ellipsoidParams(a: number, rf: number): [string, string][] {
  if (rf === 0) return [["R", String(a)]];
  const known = TABLE.find((row) => row[3] === a && Math.abs(row[4] - rf) < 1e-9 * rf);
  if (known !== undefined) return [["ellps", known[0]]];
  return [
    ["a", String(a)],
    ["rf", String(rf)],
  ];
}
