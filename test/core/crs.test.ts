import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Attr } from "../../src/core/array.ts";
import { numericAttr, textAttr } from "../../src/core/attrs.ts";
import { epsgCodes, epsgEntry } from "../../src/core/crs/epsg.ts";
import { crsFromGeoKeys, geoKeysOf } from "../../src/core/crs/geokeys.ts";
import { parseProj } from "../../src/core/crs/proj-string.ts";
import {
  type Crs,
  cfGridMapping,
  crsFromCf,
  crsFromEpsg,
  crsFromProj,
  crsFromWkt,
  isLonLat,
  LONLAT,
  lengthUnit,
  transform,
} from "../../src/core/crs.ts";

const expected: Record<string, [x: number, y: number, lon: number, lat: number]> = JSON.parse(
  readFileSync(new URL("../fixtures/crs/expected.json", import.meta.url), "utf8"),
);

/** The geographic CRS on the same ellipsoid: without any datum shift. */
function geographic(crs: Crs): Crs {
  return crsFromProj(
    `+proj=longlat ${crs.proj
      .split(" ")
      .filter((word) => /^\+(datum|ellps|a|b|rf|R|pm)=/.test(word))
      .join(" ")}`,
  );
}

function unshifted(crs: Crs): Crs {
  return {
    ...crs,
    proj: crs.proj.replace(/ ?\+(towgs84|nadgrids)=\S+/g, (word) => (word.includes("@null") ? word : "")),
  };
}

/** Both CRS put a point in the same place. */
function assertSamePlace(one: Crs, other: Crs, x: number, y: number): void {
  const [a, b] = transform(unshifted(one), LONLAT)(x, y);
  const [c, d] = transform(unshifted(other), LONLAT)(x, y);
  assert.ok(Math.abs(a - c) < 1e-8 && Math.abs(b - d) < 1e-8, `${one.proj} is not ${other.proj}: ${a} ${b}, ${c} ${d}`);
}

describe("CRS: EPSG", () => {
  test("the table is whole: every code has a name, a PROJ string and an area", () => {
    const codes = epsgCodes();
    assert.ok(codes.length > 5000);
    for (const code of codes) {
      const entry = epsgEntry(code)!;
      assert.ok(entry.name !== "" && /^proj=\w+/.test(entry.proj), String(code));
      assert.ok(entry.area.length === 4 && entry.area.every(Number.isFinite), String(code));
      assert.doesNotMatch(entry.proj, /nadgrids=(?!@null)|undefined/);
    }
    assert.equal(crsFromEpsg(1), undefined);
  });

  test("projections agree with PROJ to a millimetre", () => {
    let compared = 0;
    for (const [code, [x, y, lon, lat]] of Object.entries(expected)) {
      const crs = crsFromEpsg(Number(code))!;
      // Madagascar's own projection: proj4 has none.
      if (crs.proj.startsWith("+proj=labrd")) continue;
      const metres = lengthUnit(crs)?.metres ?? 1;
      const [u, v] = transform(geographic(crs), unshifted(crs))(lon, lat);
      assert.ok(Math.hypot(u - x, v - y) * metres < 2e-3, `${code} ${crs.proj}: ${u} ${v} instead of ${x} ${y}`);
      compared++;
    }
    assert.ok(compared > 280, String(compared));
  });

  test("order of axes in the registry", () => {
    const first = [4326, 3857, 32633, 2193, 3035, 31467, 3413, 32661, 2046].map(
      (code) => epsgEntry(code)?.northingFirst,
    );
    assert.deepEqual(first, [true, false, false, true, true, true, false, true, false]);
  });

  test("names and kinds", () => {
    assert.equal(crsFromEpsg(32633)?.name, "WGS 84 / UTM zone 33N");
    assert.deepEqual(LONLAT, crsFromEpsg(4326));
    assert.ok(isLonLat(LONLAT) && !isLonLat(crsFromEpsg(3857)!));
    assert.deepEqual(lengthUnit(crsFromEpsg(2263)!)?.name, "US survey foot");
    assert.equal(lengthUnit(LONLAT), undefined);
  });
});

const MAPPINGS: readonly (readonly [name: string, proj: string])[] = [
  ["latitude_longitude", "+proj=longlat +datum=WGS84"],
  ["rotated_latitude_longitude", "+proj=ob_tran +o_proj=longlat +o_lat_p=39.25 +o_lon_p=0 +lon_0=18 +R=6371229"],
  ["mercator", "+proj=merc +lon_0=110 +k=0.997 +x_0=3900000 +y_0=900000 +ellps=bessel"],
  ["mercator", "+proj=merc +lat_ts=41 +lon_0=5 +ellps=GRS80"],
  ["transverse_mercator", "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy"],
  ["transverse_mercator", "+proj=utm +zone=33 +south +datum=WGS84"],
  ["polar_stereographic", "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10 +R=6370040"],
  ["polar_stereographic", "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=0 +datum=WGS84"],
  ["polar_stereographic", "+proj=stere +lat_0=90 +k=0.994 +lon_0=0 +x_0=2000000 +y_0=2000000 +datum=WGS84"],
  ["stereographic", "+proj=stere +lat_0=50 +lon_0=4 +ellps=intl"],
  ["lambert_conformal_conic", "+proj=lcc +lat_1=25 +lat_0=25 +lon_0=-95 +R=6371200"],
  [
    "lambert_conformal_conic",
    "+proj=lcc +lat_1=49 +lat_2=44 +lat_0=46.5 +lon_0=3 +x_0=700000 +y_0=6600000 +ellps=GRS80",
  ],
  ["lambert_azimuthal_equal_area", "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80"],
  ["albers_conical_equal_area", "+proj=aea +lat_1=29.5 +lat_2=45.5 +lat_0=23 +lon_0=-96 +ellps=GRS80"],
  ["geostationary", "+proj=geos +lon_0=-75 +h=35786023 +sweep=x +ellps=GRS80"],
  ["sinusoidal", "+proj=sinu +lon_0=0 +R=6371007.181"],
  ["vertical_perspective", "+proj=nsper +lat_0=10 +lon_0=20 +h=35785831 +ellps=WGS84"],
  ["azimuthal_equidistant", "+proj=aeqd +lat_0=10 +lon_0=20 +datum=WGS84"],
  ["lambert_cylindrical_equal_area", "+proj=cea +lat_ts=30 +lon_0=0 +datum=WGS84"],
  ["orthographic", "+proj=ortho +lat_0=40 +lon_0=-10 +R=6370997"],
];

describe("CRS: there and back through each dialect", () => {
  for (const [name, proj] of MAPPINGS) {
    const crs = crsFromProj(proj);
    const [x, y] = isLonLat(crs) || proj.includes("ob_tran") ? [12, 40] : [120_000, 150_000];

    test(`CF ${name}: ${proj}`, () => {
      const attrs = cfGridMapping(crs);
      assert.equal(textAttr(attrs, "grid_mapping_name"), name);
      attrs.delete("crs_wkt");
      assertSamePlace(crsFromCf(attrs)!, crs, x, y);
    });

    test(`WKT ${proj}`, () => {
      assertSamePlace(crsFromWkt(crs.wkt)!, crs, x, y);
    });

    test(`GeoKeys ${proj}`, () => {
      assertSamePlace(crsFromGeoKeys(geoKeysOf(crs))!, crs, x, y);
    });
  }
});

describe("CRS: CF in the wild", () => {
  const grid = (attributes: Record<string, string | number | number[]>): Map<string, Attr> =>
    new Map(
      Object.entries(attributes).map(([name, value]) => [
        name,
        { dtype: typeof value === "string" ? "string" : "float64", value },
      ]),
    );
  const params = (attributes: Parameters<typeof grid>[0]) => parseProj(crsFromCf(grid(attributes))!.proj);

  test("CORDEX's rotated pole", () => {
    const pole = params({
      grid_mapping_name: "rotated_latitude_longitude",
      grid_north_pole_latitude: 39.25,
      grid_north_pole_longitude: -162,
    });
    assert.deepEqual(
      ["proj", "o_lat_p", "lon_0"].map((key) => pole.get(key)),
      ["ob_tran", "39.25", "18"],
    );
  });

  test("GOES: the sweep axis, or the fixed one", () => {
    const base = {
      grid_mapping_name: "geostationary",
      perspective_point_height: 35786023,
      longitude_of_projection_origin: -75,
    };
    assert.equal(params({ ...base, sweep_angle_axis: "x" }).get("sweep"), "x");
    assert.equal(params({ ...base, fixed_angle_axis: "x" }).get("sweep"), "y");
    assert.equal(params(base).get("sweep"), "y");
  });

  test("one parallel or two, a radius or two axes", () => {
    const cone = {
      grid_mapping_name: "lambert_conformal_conic",
      latitude_of_projection_origin: 25,
      longitude_of_central_meridian: -95,
    };
    assert.equal(params({ ...cone, standard_parallel: 25, earth_radius: 6371200 }).get("R"), "6371200");
    const two = params({
      ...cone,
      standard_parallel: [30, 60],
      semi_major_axis: 6378137,
      semi_minor_axis: 6356752.314245,
    });
    assert.deepEqual(
      ["lat_1", "lat_2", "ellps"].map((key) => two.get(key)),
      ["30", "60", "WGS84"],
    );
  });

  test("the text gives the code where it means the same, and the attributes count where it does not", () => {
    const utm = crsFromEpsg(32633)!;
    assert.equal(crsFromCf(cfGridMapping(utm))?.epsg, 32633);
    const contradicting = cfGridMapping(utm).set("crs_wkt", { dtype: "string", value: LONLAT.wkt });
    assert.match(crsFromCf(contradicting)!.proj, /^\+proj=tmerc/);
    assert.equal(crsFromCf(grid({ crs_wkt: utm.wkt }))?.epsg, 32633);
    assert.equal(crsFromCf(grid({ grid_mapping_name: "healpix" })), undefined);
    assert.deepEqual(numericAttr(cfGridMapping(utm), "false_easting"), [500000]);
  });
});

describe("CRS: text that is none", () => {
  test("is undefined, whatever it is", () => {
    for (const wkt of [
      "",
      "PROJCS",
      "PROJCS[",
      'PROJCS["a"',
      'LOCAL_CS["x"]',
      `${"GEOGCS[".repeat(5000)}`,
      'GEOGCS["a",DATUM["b",SPHEROID["c",-1,2]]]',
      "]][[",
      'PROJCS["x",PROJECTION["Nowhere"]]',
    ]) {
      assert.equal(crsFromWkt(wkt), undefined, wkt.slice(0, 40));
    }
  });

  test("a projection without an implementation says so", () => {
    assert.throws(() => transform(crsFromProj("+proj=nothing"), LONLAT), /no transform for/);
  });
});
