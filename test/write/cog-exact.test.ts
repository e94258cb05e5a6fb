import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { allocate, type NumericType, type TypedArray } from "../../src/core/dtype.ts";
import { createRandom } from "../../src/core/random.ts";
import { type CogOptions, type Raster, writeCog } from "../../src/write/cog.ts";
import { encoder } from "./sample.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const READ = `
import hashlib, json, sys, warnings
import rasterio
warnings.filterwarnings("ignore")
print(json.dumps({path: hashlib.sha256(rasterio.open(path).read().tobytes()).hexdigest() for path in sys.argv[1:]}))
`;
const WIDTH = 150;
const HEIGHT = 90;

/** Any bits but those of NaN, whose payload is nobody's to keep. */
function randomPlane(dtype: NumericType, band: number): TypedArray {
  const random = createRandom(5, dtype, band);
  const plane = allocate(dtype, WIDTH * HEIGHT) as Float64Array;
  const bytes = new Uint8Array(plane.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
  for (let i = 0; i < plane.length; i++) if (Number.isNaN(plane[i])) plane[i] = i;
  return plane;
}

test("every bit of the finest level is GDAL's", { skip: !existsSync(python) && "no .peers/py" }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cog-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const wanted: Record<string, string> = {};
  for (const dtype of ["float64", "float32", "int16"] as const) {
    for (const bands of [1, 3]) {
      const planes = Array.from({ length: bands }, (_, band) => randomPlane(dtype, band));
      const image: Raster = {
        dtype,
        width: WIDTH,
        height: HEIGHT,
        bands,
        rows: async (first, count) => planes.map((plane) => plane.slice(first * WIDTH, (first + count) * WIDTH)),
      };
      const digest = createHash("sha256");
      for (const plane of planes) digest.update(new Uint8Array(plane.buffer));
      const sha256 = digest.digest("hex");
      for (const options of ways()) {
        const path = join(folder, `${dtype}-${bands}-${options.compression}-${options.predictor}.tif`);
        const written = writeCog(image, { encoder, tile: 64, nodata: -1, ...options });
        writeFileSync(path, Buffer.concat(await Array.fromAsync(written)));
        wanted[path] = sha256;
      }
    }
  }
  const found = execFileSync(python, ["-c", READ, ...Object.keys(wanted)], { encoding: "utf8" });
  assert.deepEqual(JSON.parse(found), wanted);
});

function* ways(): Generator<Pick<CogOptions, "compression" | "predictor">> {
  for (const compression of ["none", "lzw", "deflate", "zstd"] as const) {
    for (const predictor of [true, false]) yield { compression, predictor };
  }
}
