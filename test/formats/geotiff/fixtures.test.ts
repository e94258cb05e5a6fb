import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type Dataset, product, type Variable } from "../../../src/core/array.ts";
import { numericAttr, textAttr } from "../../../src/core/attrs.ts";
import { crsFromCf, crsFromProj, transform } from "../../../src/core/crs.ts";
import type { TypedArray } from "../../../src/core/dtype.ts";
import { isGyreError } from "../../../src/errors.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { geotiff } from "../../../src/formats/geotiff/geotiff.ts";
import { openWith, readAll, sha256 } from "../values.ts";

interface Expected {
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly sha256?: string;
  readonly codec?: string;
  readonly proj?: string;
  readonly point?: readonly [number, number];
  readonly lonlat?: readonly [number, number];
  readonly mask?: string;
  readonly levels?: readonly { readonly shape: readonly number[]; readonly sha256: string; readonly mask: string }[];
  readonly pages?: number;
  readonly last?: string;
  readonly overview?: string;
}

const folder = new URL("../../fixtures/geotiff/", import.meta.url);
const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8"));
const files = createLocalFiles();

const open = (name: string): Promise<Dataset> => openWith(geotiff, new URL(`${name}.tif`, folder), files);
const at = (dataset: Dataset, name = "band_data"): Variable => {
  const variable = dataset.variables.get(name);
  assert.ok(variable, `${name} among ${[...dataset.variables.keys()]}`);
  return variable;
};

/** The digest of the values band by band, as the reference has it. */
async function bandDigest(variable: Variable): Promise<string> {
  const { data, shape } = await readAll(variable, files);
  if (variable.spec.dims.at(-1) !== "band") return sha256(data);
  const bands = shape.at(-1)!;
  const pixels = product(shape) / bands;
  const values = data as TypedArray;
  const width = values.length / product(shape);
  const out = values.slice();
  for (let band = 0; band < bands; band++) {
    for (let i = 0; i < pixels; i++) {
      for (let w = 0; w < width; w++) out[(band * pixels + i) * width + w] = values[(i * bands + band) * width + w]!;
    }
  }
  return sha256(out);
}

describe("GeoTIFF: values of every encoding, as GDAL or tifffile read them", () => {
  for (const [name, facts] of Object.entries(expected)) {
    if (facts.sha256 === undefined) continue;
    test(name, async () => {
      const pixels = at(await open(name));
      const { spec } = pixels;
      assert.equal(spec.dtype, facts.dtype);
      const extent = (dim: string): number => spec.shape[spec.dims.indexOf(dim)] ?? 1;
      assert.deepEqual([extent("band"), extent("y"), extent("x")], facts.shape);
      assert.equal(await bandDigest(pixels), facts.sha256);
    });
  }
});

describe("GeoTIFF: a CRS by its parameters puts a point where PROJ puts it", () => {
  for (const [name, { proj, point, lonlat }] of Object.entries(expected)) {
    if (proj === undefined || point === undefined || lonlat === undefined) continue;
    test(name, async () => {
      const crs = crsFromCf(at(await open(name), "spatial_ref").spec.attrs);
      assert.ok(crs, "a CRS");
      const figure = crs.proj.split(" ").filter((word) => /^\+(R|a|b|rf|ellps|datum)=/.test(word));
      const [lon, lat] = transform(crs, crsFromProj(["+proj=longlat", ...figure].join(" ")))(...point);
      assert.ok(Math.abs(lon - lonlat[0]) < 1e-8 && Math.abs(lat - lonlat[1]) < 1e-8, `${lon} ${lat}: ${crs.proj}`);
    });
  }
});

describe("GeoTIFF: structure", () => {
  for (const name of ["fillorder", "unknown"]) {
    test(`${name}: opens, gives stored bytes, and names the codec it lacks`, async () => {
      const pixels = at(await open(name));
      const { codec } = expected[name]!;
      assert.ok(pixels.spec.codecs.some((c) => c.name === codec));
      const ref = await pixels.locate(pixels.spec.shape.map(() => 0));
      assert.ok(ref !== undefined && "offset" in ref && ref.length > 0);
      await assert.rejects(
        readAll(pixels, files),
        (error) => isGyreError(error, "Unsupported") && error.message.includes(codec!),
      );
    });
  }

  test("sparse tiles are absent and read as the fill value", async () => {
    const pixels = at(await open("sparse"));
    assert.equal(await pixels.locate([0, 0]), undefined);
    assert.ok(await pixels.locate([1, 1]));
    assert.equal(await pixels.locate([3, 0]), undefined, "outside of the grid");
    assert.equal(pixels.spec.fill, -7);
  });

  test("overviews and masks, each with its grid", async () => {
    const dataset = await open("overviews");
    const { levels, mask } = expected.overviews!;
    assert.equal(textAttr(at(dataset, "mask").spec.attrs, "mask_of"), "band_data");
    assert.equal(await bandDigest(at(dataset, "mask")), mask);
    for (const [i, level] of levels!.entries()) {
      const overview = at(dataset, `band_data_overview_${i + 1}`);
      assert.equal(textAttr(overview.spec.attrs, "overview_of"), "band_data");
      assert.deepEqual(overview.spec.shape, [...level.shape, 3]);
      assert.deepEqual(numericAttr(overview.spec.attrs, "overview_factor"), [27 / level.shape[1]!]);
      assert.equal(await bandDigest(overview), level.sha256);
      assert.equal(await bandDigest(at(dataset, `mask_overview_${i + 1}`)), level.mask);
      const xs = (await readAll(at(dataset, overview.spec.dims[1]), files)).data as Float64Array;
      assert.ok(Math.abs(xs.at(-1)! + xs[0]! - 2 * (5 + 2.7 / 2)) < 1e-9, "the middle stays where it was");
    }
  });

  test("further pages are variables that share the grid", async () => {
    const dataset = await open("pages");
    assert.deepEqual([...dataset.variables.keys()], ["band_data", "page_2", "page_3"]);
    assert.deepEqual(at(dataset, "page_3").spec.dims, ["y", "x"]);
    assert.equal(await bandDigest(at(dataset, "page_3")), expected.pages!.last);
    assert.equal(textAttr(dataset.attrs, "TIFFTAG_IMAGEDESCRIPTION"), "three pages");
  });

  test("overviews in sub-directories", async () => {
    assert.equal(await bandDigest(at(await open("subifds"), "band_data_overview_1")), expected.subifds!.overview);
  });

  test("what GDAL says of bands", async () => {
    const dataset = await open("described");
    const { attrs, fill } = at(dataset).spec;
    assert.equal(fill, -999);
    assert.deepEqual(attrs.get("_FillValue"), { dtype: "int16", value: -999 });
    assert.deepEqual(attrs.get("long_name")?.value, ["rain & snow", "<wind>"]);
    assert.equal(textAttr(attrs, "units"), "mm");
    assert.deepEqual(numericAttr(attrs, "scales"), [0.5, 0.25]);
    assert.deepEqual(numericAttr(attrs, "add_offset"), [10]);
    assert.deepEqual(attrs.get("station")?.value, ["", "B"]);
    assert.equal(textAttr(dataset.attrs, "TITLE"), 'a "title"');
    assert.equal(textAttr(dataset.attrs, "EXTRA:depth"), "3");
    assert.equal(textAttr(dataset.attrs, "TIFFTAG_DATETIME"), "2024:01:02 03:04:05");
  });

  test("a rotated image has a transform and no coordinates", async () => {
    const dataset = await open("rotated");
    assert.equal(dataset.variables.has("x"), false);
    assert.equal(textAttr(at(dataset, "spatial_ref").spec.attrs, "GeoTransform"), "100 10 3 200 2 -9");
  });

  test("coordinates are the middles of pixels", async () => {
    const dataset = await open("bigtiff-big");
    const { data } = await readAll(at(dataset, "y"), files);
    assert.deepEqual([...(data as Float64Array).slice(0, 2)], [5399995, 5399985]);
    assert.equal(textAttr(at(dataset, "y").spec.attrs, "standard_name"), "projection_y_coordinate");
    assert.equal(textAttr(at(dataset).spec.attrs, "grid_mapping"), "spatial_ref");
    assert.deepEqual([...((await readAll(at(dataset, "band"), files)).data as BigInt64Array)], [1n, 2n]);
  });
});
