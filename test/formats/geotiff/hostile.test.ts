import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Dataset } from "../../../src/core/array.ts";
import { Tag } from "../../../src/core/tiff/tags.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { geotiff } from "../../../src/formats/geotiff/geotiff.ts";
import { parseMetadata } from "../../../src/formats/geotiff/metadata.ts";
import { openWith, readAll } from "../values.ts";

const url = new URL("memory:///hostile.tif");
const folder = new URL("../../fixtures/geotiff/", import.meta.url);

const open = (bytes: Uint8Array): Promise<Dataset> => openWith(geotiff, url, createMemoryFiles([[url.href, bytes]]));

const SHORT = 3;
const LONG = 4;
type Field = readonly [tag: number, type: number, count: number, value: number];

/** A classic little-endian file of directories with fields as they are given; each says where the next one is. */
function tiff(
  directories: readonly { readonly at: number; readonly fields: readonly Field[]; readonly next: number }[],
  size = 512,
): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x002a4949, true);
  view.setUint32(4, directories[0]!.at, true);
  for (const { at, fields, next } of directories) {
    view.setUint16(at, fields.length, true);
    fields.forEach(([tag, type, count, value], i) => {
      view.setUint16(at + 2 + i * 12, tag, true);
      view.setUint16(at + 4 + i * 12, type, true);
      view.setUint32(at + 6 + i * 12, count, true);
      view.setUint32(at + 10 + i * 12, value, true);
    });
    view.setUint32(at + 2 + fields.length * 12, next, true);
  }
  return bytes;
}

const image = (width: number, height: number, more: readonly Field[] = []): Field[] => {
  const base: Field[] = [
    [Tag.ImageWidth, LONG, 1, width],
    [Tag.ImageLength, LONG, 1, height],
    [Tag.BitsPerSample, SHORT, 1, 8],
    [Tag.StripOffsets, LONG, 1, 300],
    [Tag.RowsPerStrip, LONG, 1, height],
    [Tag.StripByteCounts, LONG, 1, width * height],
  ];
  return [...base.filter(([tag]) => !more.some(([other]) => other === tag)), ...more];
};
const alone = (fields: readonly Field[]): Uint8Array => tiff([{ at: 8, fields, next: 0 }]);

async function refused(bytes: Uint8Array, reason: RegExp): Promise<void> {
  await assert.rejects(open(bytes), (error) => {
    assert.ok(isGyreError(error, "BadSource"), String(error));
    assert.match(error.message, reason);
    assert.match(error.message, /^memory:\/\/\/hostile\.tif/);
    return true;
  });
}

describe("GeoTIFF: broken and hostile files", () => {
  test("the plain file opens", async () => {
    const dataset = await open(alone(image(4, 4)));
    assert.deepEqual(dataset.variables.get("band_data")?.spec.shape, [4, 4]);
  });

  test("what is refused at once", async () => {
    await refused(new Uint8Array(4), /no TIFF header/);
    await refused(Uint8Array.of(0x49, 0x49, 43, 0, 8, 0, 0, 0, 16), /BigTIFF header/);
    await refused(tiff([{ at: 8, fields: image(4, 4), next: 0 }]).subarray(0, 40), /end behind the file/);
    await refused(tiff([{ at: 8, fields: [], next: 0 }]), /a directory of 0 entries/);
    await refused(alone(image(0, 4)), /an image of 0 x 4/);
    await refused(alone(image(4, 4, [[Tag.StripOffsets, LONG, 1000, 300]])), /end|table/);
    await refused(alone(image(4, 4, [[Tag.RowsPerStrip, LONG, 1, 1]])), /table of 1 entries for 4/);
    await refused(alone(image(4, 4, [[Tag.TileWidth, LONG, 1, 0]])), /tiles or strips of 0/);
    await refused(alone(image(4, 4, [[Tag.SampleFormat, SHORT, 1, 9]])), /samples of format 9/);
    await refused(alone(image(4, 4, [[Tag.SamplesPerPixel, SHORT, 1, 0]])), /0 samples/);
    await refused(alone(image(4, 4, [[Tag.SubIFDs, LONG, 5000, 8]])), /5000 sub-directories/);
    await refused(alone(image(4, 4, [[Tag.JPEGTables, 7, 0xffff_ffff, 0]])), /JPEG tables/);
    await refused(alone(image(4, 4, [[Tag.BitsPerSample, SHORT, 0x7fff_ffff, 0]])), /2147483647 values/);
  });

  test("an image too large for its offsets, or for any machine", async () => {
    const fields = image(0xffff_ffff, 0xffff_ffff, [
      [Tag.TileWidth, LONG, 1, 16],
      [Tag.TileLength, LONG, 1, 16],
    ]);
    await refused(alone(fields), /table of 1 entries/);
    const dataset = await open(alone(image(0xffff_fff0, 2, [[Tag.Compression, SHORT, 1, 8]])));
    const pixels = dataset.variables.get("band_data")!;
    await assert.rejects(
      readAll({ ...pixels, spec: { ...pixels.spec, shape: [1, 1] } }, createMemoryFiles()),
      (error) => isGyreError(error, "BadSource", "TooLarge"),
    );
  });

  test("chains of directories that bite their tails end", async () => {
    const dataset = await open(
      tiff([
        { at: 8, fields: image(4, 4, [[Tag.SubIFDs, LONG, 1, 8]]), next: 150 },
        { at: 150, fields: image(4, 4), next: 8 },
      ]),
    );
    assert.deepEqual([...dataset.variables.keys()], ["band_data", "page_2"]);
  });

  test("thousands of overlapping directories end, and are told", async () => {
    // Each begins four bytes behind the one before and claims 4096 entries.
    const bytes = new Uint8Array(1 << 17);
    bytes.set(tiff([{ at: 8, fields: image(4, 4), next: 1024 }]).subarray(0, 300));
    const view = new DataView(bytes.buffer);
    for (let at = 1024; at < 40_000; at += 4) {
      view.setUint16(at, 4096, true);
      view.setUint32(at + 2 + 4096 * 12, at + 4, true);
    }
    const dataset = await open(bytes);
    assert.deepEqual([...dataset.variables.keys()], ["band_data"]);
    assert.equal(dataset.problems?.length, 4095);
  });

  test("a second image that is broken is left out and told", async () => {
    const dataset = await open(
      tiff([
        { at: 8, fields: image(4, 4), next: 150 },
        { at: 150, fields: image(0, 0), next: 0 },
      ]),
    );
    assert.deepEqual([...dataset.variables.keys()], ["band_data"]);
    assert.match(dataset.problems?.[0] ?? "", /image 2: .*an image of 0 x 0/);
  });

  test("a reduced image whose tables are broken is left out and told", async () => {
    const reduced = image(2, 2, [
      [Tag.NewSubfileType, LONG, 1, 1],
      [Tag.StripOffsets, LONG, 9, 100_000],
    ]);
    const dataset = await open(
      tiff([
        { at: 8, fields: image(4, 4), next: 150 },
        { at: 150, fields: reduced, next: 0 },
      ]),
    );
    assert.deepEqual([...dataset.variables.keys()], ["band_data"]);
    assert.deepEqual([...dataset.dimensions.keys()], ["y", "x"]);
    assert.match(dataset.problems?.[0] ?? "", /band_data_overview_1: .*table of offsets ends behind the file/);
  });

  test("one long uncompressed strip is cut into chunks of 8 MiB at most", async () => {
    const [width, height] = [4000, 3001];
    const bytes = new Uint8Array(300 + width * height);
    bytes.set(alone(image(width, height)).subarray(0, 300));
    for (let row = 0; row < height; row++) bytes.fill(row, 300 + row * width, 300 + (row + 1) * width);
    const files = createMemoryFiles([[url.href, bytes]]);
    const pixels = (await openWith(geotiff, url, files)).variables.get("band_data")!;
    assert.ok(pixels.spec.chunks[0]! * width <= 8 * 1024 * 1024 && pixels.spec.chunks[0]! > 1000);
    const { data } = await readAll(pixels, files);
    assert.equal(Buffer.compare(data as Uint8Array, bytes.subarray(300)), 0);
  });

  test("strips that lie outside the file or are too short", async () => {
    const bytes = alone(image(100, 100));
    const pixels = (await open(bytes)).variables.get("band_data")!;
    await assert.rejects(pixels.locate([0, 0]), (error) => isGyreError(error, "BadSource"));
    const short = (await open(alone(image(4, 4, [[Tag.StripByteCounts, LONG, 1, 5]])))).variables.get("band_data")!;
    await assert.rejects(short.locate([0, 0]), /5 bytes that needs 16/);
  });

  test("XML defines nothing", async () => {
    const bomb = `<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c SYSTEM "file:///etc/passwd">]><GDALMetadata><Item name="x">&b;&c;</Item></GDALMetadata>`;
    for (const { value } of await parseMetadata(bomb)) assert.equal(value, "&b;&c;");
    assert.deepEqual(await parseMetadata("<GDALMetadata><Item name="), []);
    assert.equal(
      (await parseMetadata(`<GDALMetadata><Item name="__proto__">1</Item></GDALMetadata>`))[0]?.name,
      "__proto__",
    );
    assert.deepEqual(await parseMetadata("no xml"), []);
  });
});

describe("GeoTIFF: reads", () => {
  /** Counts what is asked of the files below. */
  function counting(files: Files): { readonly files: Files; readonly reads: string[] } {
    const reads: string[] = [];
    return {
      reads,
      files: {
        head: (at, call) => files.head(at, call),
        read(at, range, options) {
          reads.push(JSON.stringify(range));
          return files.read(at, range, options);
        },
      },
    };
  }

  test("a file with its directories in front costs one read, and a tile none beyond its own", async () => {
    const memory = createMemoryFiles([[url.href, readFileSync(new URL("overviews.tif", folder))]]);
    const { files, reads } = counting(memory);
    const dataset = await openWith(geotiff, url, files);
    assert.equal(reads.length, 1);
    await dataset.variables.get("band_data")!.locate([1, 1, 0]);
    assert.equal(reads.length, 1);
  });

  test("entries of long tables are read where they are asked for", async () => {
    const tiles = 1 << 16;
    const bytes = new Uint8Array(1024 + tiles * 8 + 16);
    const fields: Field[] = [
      ...image(256 * 16, 256 * 16).filter(([tag]) => tag !== Tag.StripOffsets && tag !== Tag.StripByteCounts),
      [Tag.TileWidth, LONG, 1, 16],
      [Tag.TileLength, LONG, 1, 16],
      [Tag.Compression, SHORT, 1, 8],
      [Tag.TileOffsets, LONG, tiles, 1024],
      [Tag.TileByteCounts, LONG, tiles, 1024 + tiles * 4],
    ];
    bytes.set(tiff([{ at: 8, fields, next: 0 }]));
    const view = new DataView(bytes.buffer);
    view.setUint32(1024 + 65_000 * 4, 600, true);
    view.setUint32(1024 + tiles * 4 + 65_000 * 4, 7, true);
    const { files, reads } = counting(createMemoryFiles([[url.href, bytes]]));
    const pixels = (await openWith(geotiff, url, files)).variables.get("band_data")!;
    assert.equal(reads.length, 1);
    const ref = await pixels.locate([Math.floor(65_000 / 256), 65_000 % 256]);
    assert.ok(ref !== undefined && "offset" in ref);
    assert.deepEqual([ref.offset, ref.length], [600, 7]);
    assert.equal(reads.length, 3);
  });
});

describe("GeoTIFF: fuzz", () => {
  /** Marsaglia's xorshift: the same files every time. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
  }

  /** Opens and reads the first chunk of everything: values or a Gyre error, nothing else. */
  async function survives(bytes: Uint8Array): Promise<void> {
    try {
      const files = createMemoryFiles([[url.href, bytes]]);
      const dataset = await openWith(geotiff, url, files);
      for (const variable of [...dataset.variables.values()].slice(0, 6)) {
        const { shape, chunks } = variable.spec;
        const first = shape.map((n, i) => Math.min(n, chunks[i]!));
        if (first.reduce((a, b) => a * b, 1) > 1 << 22) continue;
        await readAll({ ...variable, spec: { ...variable.spec, shape: first } }, files).catch((error) => {
          if (!isGyreError(error)) throw error;
        });
      }
    } catch (error) {
      if (!isGyreError(error)) throw error;
    }
  }

  const names = readdirSync(folder).filter((name) => name.endsWith(".tif"));

  test("changed bytes", async () => {
    const next = random(20_240_607);
    for (let round = 0; round < 1500; round++) {
      const bytes = new Uint8Array(readFileSync(new URL(names[next(names.length)]!, folder)));
      for (let changes = 1 + next(6); changes > 0; changes--) {
        // Most of what matters lies in front.
        const at = next(3) === 0 ? next(bytes.length) : next(Math.min(bytes.length, 600));
        bytes[at] = next(4) === 0 ? 255 : next(256);
      }
      await survives(bytes);
    }
  });

  test("cut files", async () => {
    const next = random(7);
    for (const name of names) {
      const bytes = readFileSync(new URL(name, folder));
      for (let i = 0; i < 4; i++) await survives(bytes.subarray(0, next(bytes.length)));
    }
  });
});
