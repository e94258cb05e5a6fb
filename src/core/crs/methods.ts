import { type ProjParams, projNumber } from "./proj-string.ts";

/** One parameter of a map projection in every dialect. */
export interface MethodParam {
  /** PROJ's key. */
  readonly proj: string;
  readonly wkt1: string;
  /** CF attribute of the grid mapping variable. */
  readonly cf?: string;
  /** GeoKeys in the order in which they are asked; the first is the one written. */
  readonly keys: readonly number[];
  readonly kind: "angle" | "length" | "scale";
  /** Other spellings in WKT, compared without case, spaces and underscores. */
  readonly also: readonly string[];
}

/** A map projection method in PROJ, WKT 1, CF (appendix F) and GeoTIFF (ProjMethodGeoKey). */
export interface Method {
  readonly proj: string;
  readonly wkt1: string;
  /** WKT 2 and ESRI names. */
  readonly also: readonly string[];
  readonly cf?: string;
  readonly geokey?: number;
  readonly params: readonly MethodParam[];
  /** Variants of one PROJ projection are told apart by what the string says. */
  applies(params: ProjParams): boolean;
}

const EASTING: MethodParam = {
  proj: "x_0",
  wkt1: "false_easting",
  cf: "false_easting",
  keys: [3082, 3086, 3090],
  kind: "length",
  also: ["Easting at false origin"],
};
const NORTHING: MethodParam = {
  proj: "y_0",
  wkt1: "false_northing",
  cf: "false_northing",
  keys: [3083, 3087, 3091],
  kind: "length",
  also: ["Northing at false origin"],
};

const LATITUDE_KEYS = [3081, 3089, 3085];
const LONGITUDE_KEYS = [3080, 3088, 3084, 3095];

function angle(
  proj: string,
  wkt1: string,
  cf: string | undefined,
  keys: readonly number[],
  also: string[],
): MethodParam {
  return { proj, wkt1, ...(cf === undefined ? {} : { cf }), keys, kind: "angle", also };
}

const latitude = (wkt1: string, cf?: string, keys = LATITUDE_KEYS): MethodParam =>
  angle("lat_0", wkt1, cf, keys, [
    "Latitude of natural origin",
    "Latitude of false origin",
    "latitude_of_origin",
    "latitude_of_center",
  ]);
const longitude = (wkt1: string, cf?: string, keys = LONGITUDE_KEYS): MethodParam =>
  angle("lon_0", wkt1, cf, keys, [
    "Longitude of natural origin",
    "Longitude of false origin",
    "Longitude of origin",
    "central_meridian",
    "longitude_of_center",
  ]);
const parallel = (proj: string, wkt1: string, cf: string | undefined, keys: readonly number[]): MethodParam =>
  angle(proj, wkt1, cf, keys, [
    proj === "lat_2" ? "Latitude of 2nd standard parallel" : "Latitude of 1st standard parallel",
    ...(proj === "lat_ts" ? ["Latitude of standard parallel"] : []),
  ]);
const scale = (cf?: string, keys: readonly number[] = [3092, 3093]): MethodParam => ({
  proj: "k",
  wkt1: "scale_factor",
  ...(cf === undefined ? {} : { cf }),
  keys,
  kind: "scale",
  also: ["Scale factor at natural origin"],
});
const height: MethodParam = {
  proj: "h",
  wkt1: "satellite_height",
  cf: "perspective_point_height",
  keys: [],
  kind: "length",
  also: ["Satellite Height", "Viewpoint height", "height"],
};

const always = (): boolean => true;
const has =
  (...keys: readonly string[]) =>
  (params: ProjParams) =>
    keys.every((key) => params.has(key));
const isPolar = (params: ProjParams): boolean => Math.abs(projNumber(params, "lat_0") ?? 0) === 90;

function method(
  proj: string,
  wkt1: string,
  also: readonly string[],
  ids: { readonly cf?: string; readonly geokey?: number },
  params: readonly MethodParam[],
  applies: (params: ProjParams) => boolean = always,
): Method {
  return { proj, wkt1, also, ...ids, params: [...params, EASTING, NORTHING], applies };
}

const origin = "latitude_of_projection_origin";
const meridian = "longitude_of_projection_origin";
const central = "longitude_of_central_meridian";
const atOrigin = "scale_factor_at_projection_origin";

/** Variants of one projection stand in the order in which they are tried. */
export const METHODS: readonly Method[] = [
  method("tmerc", "Transverse_Mercator", ["Gauss_Kruger"], { cf: "transverse_mercator", geokey: 1 }, [
    latitude("latitude_of_origin", origin),
    longitude("central_meridian", central),
    scale("scale_factor_at_central_meridian"),
  ]),
  method(
    "merc",
    "Mercator_2SP",
    ["Mercator (variant B)", "Mercator"],
    { cf: "mercator", geokey: 7 },
    [parallel("lat_ts", "standard_parallel_1", "standard_parallel", [3078]), longitude("central_meridian", meridian)],
    has("lat_ts"),
  ),
  method("merc", "Mercator_1SP", ["Mercator (variant A)"], { cf: "mercator", geokey: 7 }, [
    latitude("latitude_of_origin"),
    longitude("central_meridian", meridian),
    scale(atOrigin),
  ]),
  method(
    "lcc",
    "Lambert_Conformal_Conic_2SP",
    ["Lambert Conic Conformal (2SP)", "Lambert_Conformal_Conic"],
    { cf: "lambert_conformal_conic", geokey: 8 },
    [
      parallel("lat_1", "standard_parallel_1", "standard_parallel", [3078]),
      parallel("lat_2", "standard_parallel_2", "standard_parallel", [3079]),
      latitude("latitude_of_origin", origin, [3085, 3081, 3089]),
      longitude("central_meridian", central, [3084, 3080, 3088]),
    ],
    has("lat_2"),
  ),
  method(
    "lcc",
    "Lambert_Conformal_Conic_1SP",
    ["Lambert Conic Conformal (1SP)"],
    { cf: "lambert_conformal_conic", geokey: 9 },
    [latitude("latitude_of_origin", origin), longitude("central_meridian", central), scale()],
  ),
  method(
    "laea",
    "Lambert_Azimuthal_Equal_Area",
    ["Lambert Azimuthal Equal Area (Spherical)"],
    { cf: "lambert_azimuthal_equal_area", geokey: 10 },
    [latitude("latitude_of_center", origin, [3089, 3081]), longitude("longitude_of_center", meridian, [3088, 3080])],
  ),
  method(
    "aea",
    "Albers_Conic_Equal_Area",
    ["Albers Equal Area", "Albers"],
    { cf: "albers_conical_equal_area", geokey: 11 },
    [
      parallel("lat_1", "standard_parallel_1", "standard_parallel", [3078]),
      parallel("lat_2", "standard_parallel_2", "standard_parallel", [3079]),
      latitude("latitude_of_center", origin),
      longitude("longitude_of_center", central),
    ],
  ),
  method(
    "stere",
    "Polar_Stereographic",
    [
      "Polar Stereographic (variant B)",
      "Polar Stereographic (variant A)",
      "Stereographic_North_Pole",
      "Stereographic_South_Pole",
    ],
    { cf: "polar_stereographic", geokey: 15 },
    [
      angle(
        "lat_ts",
        "latitude_of_origin",
        "standard_parallel",
        [3081, 3078, 3089],
        ["Latitude of standard parallel", "Latitude of natural origin", "standard_parallel_1"],
      ),
      longitude("central_meridian", "straight_vertical_longitude_from_pole", [3095, 3080, 3088]),
      scale(atOrigin),
    ],
    isPolar,
  ),
  method("stere", "Stereographic", [], { cf: "stereographic", geokey: 14 }, [
    latitude("latitude_of_origin", origin, [3089, 3081]),
    longitude("central_meridian", meridian, [3088, 3080]),
    scale(atOrigin, [3092, 3093]),
  ]),
  method("sterea", "Oblique_Stereographic", ["Oblique Stereographic", "Double_Stereographic"], { geokey: 16 }, [
    latitude("latitude_of_origin"),
    longitude("central_meridian"),
    scale(),
  ]),
  method("sinu", "Sinusoidal", [], { cf: "sinusoidal", geokey: 24 }, [
    longitude("longitude_of_center", meridian, [3088, 3080]),
  ]),
  method(
    "aeqd",
    "Azimuthal_Equidistant",
    ["Modified Azimuthal Equidistant"],
    { cf: "azimuthal_equidistant", geokey: 12 },
    [latitude("latitude_of_center", origin, [3089, 3081]), longitude("longitude_of_center", meridian, [3088, 3080])],
  ),
  method(
    "cea",
    "Cylindrical_Equal_Area",
    ["Lambert Cylindrical Equal Area"],
    { cf: "lambert_cylindrical_equal_area", geokey: 28 },
    [parallel("lat_ts", "standard_parallel_1", "standard_parallel", [3078]), longitude("central_meridian", central)],
  ),
  method("eqc", "Equirectangular", ["Equidistant Cylindrical", "Plate_Carree"], { geokey: 17 }, [
    parallel("lat_ts", "standard_parallel_1", undefined, [3078]),
    latitude("latitude_of_origin", undefined, [3089, 3081]),
    longitude("central_meridian", undefined, [3088, 3080]),
  ]),
  method("ortho", "Orthographic", [], { cf: "orthographic", geokey: 21 }, [
    latitude("latitude_of_origin", origin, [3089, 3081]),
    longitude("central_meridian", meridian, [3088, 3080]),
  ]),
  method("gnom", "Gnomonic", [], { geokey: 19 }, [
    latitude("latitude_of_origin", undefined, [3089, 3081]),
    longitude("central_meridian", undefined, [3088, 3080]),
  ]),
  method("cass", "Cassini_Soldner", ["Cassini-Soldner"], { geokey: 18 }, [
    latitude("latitude_of_origin"),
    longitude("central_meridian"),
  ]),
  method("poly", "Polyconic", ["American Polyconic"], { geokey: 22 }, [
    latitude("latitude_of_origin"),
    longitude("central_meridian"),
  ]),
  method("eqdc", "Equidistant_Conic", ["Equidistant Conic"], { geokey: 13 }, [
    latitude("latitude_of_center"),
    longitude("longitude_of_center"),
    parallel("lat_1", "standard_parallel_1", undefined, [3078]),
    parallel("lat_2", "standard_parallel_2", undefined, [3079]),
  ]),
  method("mill", "Miller_Cylindrical", ["Miller Cylindrical"], { geokey: 20 }, [
    longitude("longitude_of_center", undefined, [3088, 3080]),
  ]),
  method("robin", "Robinson", [], { geokey: 23 }, [longitude("longitude_of_center", undefined, [3088, 3080])]),
  method("vandg", "VanDerGrinten", ["Van Der Grinten"], { geokey: 25 }, [
    longitude("central_meridian", undefined, [3088, 3080]),
  ]),
  method("moll", "Mollweide", [], {}, [longitude("central_meridian")]),
  method(
    "geos",
    "Geostationary_Satellite",
    ["Geostationary Satellite (Sweep Y)", "Geostationary Satellite (Sweep X)"],
    { cf: "geostationary" },
    [longitude("central_meridian", meridian), height],
  ),
  method(
    "nsper",
    "Vertical_Perspective",
    ["Vertical Perspective", "Vertical Near Side Perspective", "Vertical_Near_Side_Perspective"],
    { cf: "vertical_perspective" },
    [
      angle("lat_0", "latitude_of_center", origin, [], ["Latitude of topocentric origin", "latitude_of_origin"]),
      angle("lon_0", "longitude_of_center", meridian, [], ["Longitude of topocentric origin", "central_meridian"]),
      height,
    ],
  ),
];

/** The method of a PROJ string; `utm` is a transverse Mercator with everything said (see `expandUtm`). */
export function methodOf(params: ProjParams): Method | undefined {
  return METHODS.find((m) => m.proj === params.get("proj") && m.applies(params));
}

/** Names in WKT differ in case, spaces and underscores between writers. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** A zone of Universal Transverse Mercator in its parameters. */
export function expandUtm(params: ProjParams): Map<string, string> {
  const expanded = new Map(params);
  const zone = projNumber(params, "zone");
  if (params.get("proj") !== "utm" || zone === undefined) return expanded;
  for (const key of ["proj", "zone", "south"]) expanded.delete(key);
  const rest = [...expanded];
  return new Map([
    ["proj", "tmerc"],
    ["lat_0", "0"],
    ["lon_0", String(zone * 6 - 183)],
    ["k", "0.9996"],
    ["x_0", "500000"],
    ["y_0", params.has("south") ? "10000000" : "0"],
    ...rest,
  ]);
}
