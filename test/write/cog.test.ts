import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createDecoder } from "../../src/codecs/pool.ts";
import type { Dataset } from "../../src/core/array.ts";
import { numericAttr, textAttr } from "../../src/core/attrs.ts";
import { crsFromCf, crsFromEpsg, crsFromProj } from "../../src/core/crs.ts";
import { allocate, type NumericType, type TypedArray } from "../../src/core/dtype.ts";
import { isGyreError } from "../../src/errors.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { geotiff } from "../../src/formats/geotiff/geotiff.ts";
import { halved } from "../../src/write/cog/reduce.ts";
import { type CogOptions, type Raster, writeCog } from "../../src/write/cog.ts";
import { codecs, openWith, readAll } from "../formats/values.ts";

const encoder = createDecoder({ registry: codecs, workers: 0 });
const url = new URL("memory:///image.tif");

/** Values that change along every axis, some of them missing. */
function raster(dtype: NumericType, width: number, height: number, bands: number, missing?: number): Raster {
  const entries = dtype.startsWith("complex") ? 2 : 1;
  const isBig = dtype === "int64" || dtype === "uint64";
  return {
    dtype,
    width,
    height,
    bands,
    async rows(first, count) {
      return Array.from({ length: bands }, (_, band) => {
        const plane = allocate(dtype, width * count) as TypedArray;
        for (let i = 0; i < plane.length; i++) {
          const row = first + Math.floor(i / (width * entries));
          const value = (row * 7 + ((i / entries) % width) * 3 + band * 11) % 120;
          plane[i] =
            missing !== undefined && value % 10 === 0 ? missing : isBig ? BigInt(Math.floor(value)) : Math.floor(value);
        }
        return plane;
      });
    },
  };
}

async function written(image: Raster, options: Partial<CogOptions> = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of writeCog(image, { encoder, tile: 32, ...options })) parts.push(part);
  return Buffer.concat(parts);
}

async function reopened(
  bytes: Uint8Array,
): Promise<{ dataset: Dataset; values: (name: string) => Promise<TypedArray> }> {
  const files = createMemoryFiles([[url.href, bytes]]);
  const dataset = await openWith(geotiff, url, files);
  return {
    dataset,
    values: async (name) => (await readAll(dataset.variables.get(name)!, files)).data as TypedArray,
  };
}

/** Pixel-interleaved, as the file keeps them. */
async function interleaved(image: Raster): Promise<number[]> {
  const planes = await image.rows(0, image.height);
  return Array.from({ length: planes[0]!.length * image.bands }, (_, i) =>
    Number(planes[i % image.bands]![Math.floor(i / image.bands)]),
  );
}

describe("COG: what is written is read again", () => {
  for (const compression of ["none", "lzw", "deflate", "zstd"] as const) {
    for (const dtype of ["uint8", "int16", "uint32", "float32", "float64", "int64"] as const) {
      for (const bands of [1, 3]) {
        test(`${compression} ${dtype} ${bands}`, async () => {
          const image = raster(dtype, 70, 45, bands);
          const { dataset, values } = await reopened(await written(image, { compression }));
          assert.equal(dataset.variables.get("band_data")?.spec.dtype, dtype);
          assert.deepEqual(Array.from(await values("band_data"), Number), await interleaved(image));
        });
      }
    }
  }

  test("complex and half precision", async () => {
    for (const dtype of ["complex64", "float16"] as const) {
      const image = raster(dtype, 20, 20, 1);
      const { values } = await reopened(await written(image));
      assert.deepEqual(await values("band_data"), (await image.rows(0, 20))[0]);
    }
  });

  test("reduced images down to one tile, each the mean of the one before", async () => {
    const image = raster("float32", 150, 70, 1, Number.NaN);
    const { dataset, values } = await reopened(await written(image, { nodata: Number.NaN }));
    const names = [...dataset.variables.keys()].filter((name) => name.startsWith("band_data"));
    assert.deepEqual(names, ["band_data", "band_data_overview_1", "band_data_overview_2", "band_data_overview_3"]);
    let rows = { values: await values("band_data"), width: 150, rows: 70 };
    for (const name of names.slice(1)) {
      rows = halved(rows, "average", Number.NaN);
      assert.deepEqual(dataset.variables.get(name)?.spec.shape, [rows.rows, rows.width]);
      assert.deepEqual(await values(name), rows.values);
    }
  });

  test("no reduced images when none are wanted", async () => {
    const { dataset } = await reopened(await written(raster("uint8", 100, 100, 1), { overviews: "none" }));
    assert.ok(!dataset.variables.has("band_data_overview_1"));
  });

  test("place, nodata, descriptions and colours", async () => {
    const crs = crsFromEpsg(32633)!;
    const bytes = await written(raster("int16", 40, 40, 2), {
      crs,
      transform: [500000, 10, 0, 5400000, 0, -10],
      nodata: -999,
      metadata: { TITLE: "a <b> & c" },
      bandDescriptions: [
        { name: "tas", unit: "K", scale: 0.1, offset: 273, metadata: { station: "A" } },
        { name: "pr & snow", unit: "K", scale: 0.1, offset: 273 },
      ],
    });
    const { dataset, values } = await reopened(bytes);
    const { attrs, fill } = dataset.variables.get("band_data")!.spec;
    assert.equal(fill, -999);
    assert.deepEqual(attrs.get("long_name")?.value, ["tas", "pr & snow"]);
    assert.deepEqual(numericAttr(attrs, "scale_factor"), [0.1]);
    assert.deepEqual(numericAttr(attrs, "add_offset"), [273]);
    assert.equal(textAttr(attrs, "units"), "K");
    assert.deepEqual(attrs.get("station")?.value, ["A", ""]);
    assert.equal(textAttr(dataset.attrs, "TITLE"), "a <b> & c");
    const mapping = dataset.variables.get("spatial_ref")!.spec.attrs;
    assert.equal(crsFromCf(mapping)?.epsg, 32633);
    assert.equal(textAttr(mapping, "GeoTransform"), "500000 10 0 5400000 0 -10");
    assert.equal((await values("y"))[0], 5399995);
  });

  test("a CRS without a code, and one without GeoKeys", async () => {
    for (const proj of [
      "+proj=laea +lat_0=45 +lon_0=-100 +R=6370997",
      "+proj=geos +lon_0=-75 +h=35786023 +sweep=x +ellps=GRS80",
    ]) {
      const crs = crsFromProj(proj, { name: "own" });
      const { dataset } = await reopened(
        await written(raster("uint8", 4, 4, 1), { crs, transform: [0, 1, 0, 0, 0, 1] }),
      );
      const attrs = dataset.variables.get("spatial_ref")!.spec.attrs;
      const back = crsFromCf(attrs)!;
      for (const word of proj.split(" ")) assert.ok(back.proj.includes(word), `${word} in ${back.proj}`);
      assert.equal(textAttr(attrs, "GeoTransform"), "0 1 0 0 0 1");
    }
  });

  test("a palette", async () => {
    const palette = Array.from({ length: 768 }, (_, i) => i % 256);
    const options = { colours: { palette }, overviews: "nearest" } as const;
    const { dataset } = await reopened(await written(raster("uint8", 40, 40, 1), options));
    assert.deepEqual(numericAttr(dataset.variables.get("band_data_overview_1")!.spec.attrs, "color_table"), palette);
  });
});

describe("COG: layout", () => {
  test("directories first, then tiles from coarse to fine, framed as promised", async () => {
    const bytes = await written(raster("uint16", 150, 70, 2));
    const text = Buffer.from(bytes.subarray(8, 400)).toString("latin1");
    assert.match(text, /^GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\nLAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\n/);
    const { dataset } = await reopened(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let after = 0;
    for (const name of ["band_data_overview_3", "band_data_overview_2", "band_data_overview_1", "band_data"]) {
      const { spec, locate } = dataset.variables.get(name)!;
      for (let row = 0; row * 32 < spec.shape[0]!; row++) {
        for (let column = 0; column * 32 < spec.shape[1]!; column++) {
          const ref = await locate([row, column, 0]);
          assert.ok(ref !== undefined && "offset" in ref);
          assert.ok(ref.offset > after);
          assert.equal(view.getUint32(ref.offset - 4, true), ref.length);
          after = ref.offset + ref.length;
          assert.equal(view.getUint32(after, true), view.getUint32(after - 4, true));
        }
      }
    }
    assert.equal(after + 4, bytes.byteLength);
  });

  test("BigTIFF on demand", async () => {
    const image = raster("uint8", 50, 50, 1);
    const bytes = await written(image, { bigTiff: true });
    assert.equal(bytes[2], 43);
    assert.deepEqual(
      Array.from((await (await reopened(bytes)).values("band_data")) as Uint8Array),
      await interleaved(image),
    );
  });

  test("temporary files go away, also when the reader stops early", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gyre-test-"));
    const options = { encoder, compression: "none", scratch: folder } as const;
    const image = raster("float64", 1024, 2048, 1);
    for await (const part of writeCog(image, options)) {
      assert.ok(part.byteLength > 0);
      assert.ok((await readdir(folder)).length > 0);
      break;
    }
    assert.deepEqual(await readdir(folder), []);
    await rm(folder, { recursive: true });
  });

  test("what cannot be written is refused", async () => {
    const image = raster("uint8", 10, 10, 1);
    const refused: [Raster, Partial<CogOptions>][] = [
      [image, { tile: 100 }],
      [{ ...image, dtype: "bool" }, {}],
      [{ ...image, width: 0 }, {}],
      [image, { colours: "rgb" }],
    ];
    for (const [bad, options] of refused) {
      await assert.rejects(written(bad, options), (error) => isGyreError(error, "BadRequest"));
    }
  });
});

describe("COG: reduced images", () => {
  const reduce = (values: TypedArray, width: number, rows: number, nodata?: number): TypedArray =>
    halved({ values, width, rows }, "average", nodata).values;

  test("means round half up, and leave out what is missing", () => {
    assert.deepEqual(reduce(Uint8Array.of(1, 2, 3, 4), 2, 2), Uint8Array.of(3));
    assert.deepEqual(reduce(Int16Array.of(-1, -2, -9, -9), 2, 2, -9), Int16Array.of(-1));
    assert.deepEqual(reduce(Uint8Array.of(9, 9, 9, 9), 2, 2, 9), Uint8Array.of(9));
    assert.deepEqual(reduce(Float32Array.of(1, Number.NaN, 2, 6), 2, 2, -1), Float32Array.of(3));
  });

  test("odd edges are means of fewer", () => {
    assert.deepEqual(reduce(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 3, 3), Float64Array.of(3, 4.5, 7.5, 9));
  });

  test("nearest takes the upper left pixel; 64-bit integers and complex numbers always do", () => {
    assert.deepEqual(
      halved({ values: Uint8Array.of(1, 2, 3, 4), width: 2, rows: 2 }, "nearest", undefined).values,
      Uint8Array.of(1),
    );
    assert.deepEqual(reduce(BigInt64Array.of(1n, 2n, 3n, 4n), 2, 2), BigInt64Array.of(1n));
    const complex = halved({ values: Float32Array.of(1, 2, 3, 4), width: 2, rows: 1 }, "average", undefined, 2);
    assert.deepEqual(complex.values, Float32Array.of(1, 2));
  });
});
