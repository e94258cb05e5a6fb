import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Feature, Field, FieldValue, Layer, VectorWriter } from "../../src/vector/feature.ts";
import { filtered } from "../../src/vector/fields.ts";
import { openVector } from "../../src/vector/open.ts";

export interface VectorWriterContract {
  /** The format has no types, or not these: values come back as texts or numbers. */
  readonly isTyped: boolean;
}

const FIELDS: readonly Field[] = [
  { name: "text", type: "string" },
  { name: "whole", type: "integer" },
  { name: "real", type: "number" },
  { name: "yes", type: "boolean" },
  { name: "time", type: "datetime" },
  { name: "__proto__", type: "string" },
];

const FEATURES: readonly Feature[] = [
  {
    geometry: { type: "Point", coordinates: [1.5, -2.25] },
    properties: new Map<string, string | number | boolean | Date>([
      ["text", 'Ærø "日本", line\nbreak'],
      ["whole", 7],
      ["real", -1e-7],
      ["yes", true],
      ["time", new Date("2020-01-31T12:30:15.250Z")],
      ["__proto__", "a name like any other"],
    ]),
  },
  { geometry: { type: "Point", coordinates: [3, 4] }, properties: new Map([["whole", 2 ** 40]]) },
  {
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [4, 0],
          [4, 4],
          [0, 0],
        ],
      ],
    },
    properties: new Map([["text", "area"]]),
  },
  { geometry: null, properties: new Map([["text", "nowhere"]]) },
];

function layerOf(features: readonly Feature[], more: Partial<Layer> = {}): Layer {
  return {
    name: "layer",
    crs: undefined,
    fields: FIELDS,
    features: (options) => filtered(features, options),
    ...more,
  };
}

/** What every implementation of `VectorWriter` does; what it wrote is read by `openVector`. */
export function testVectorWriter(writer: VectorWriter, { isTyped }: VectorWriterContract): void {
  describe(`vector writer: ${writer.name}`, () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "gyre-write-"));
    });
    after(() => rm(folder, { recursive: true }));

    const written = async (name: string, layer: Layer) => {
      const path = join(folder, `${name}${writer.extension}`);
      const made = await writer.write(path, layer);
      return { path, made };
    };
    const readBack = async (
      path: string,
    ): Promise<{ readonly layer: Layer; readonly features: readonly Feature[] }> => {
      await using file = await openVector(path);
      const features: Feature[] = [];
      for await (const feature of file.layers[0]!.features()) features.push(feature);
      return { layer: file.layers[0]!, features };
    };

    test("says how many features and bytes it wrote", async () => {
      const { path, made } = await written("said", layerOf(FEATURES));
      assert.deepEqual(made, { count: FEATURES.length, bytes: (await stat(path)).size });
    });

    test("features come back as they were", async () => {
      const { path } = await written("back", layerOf(FEATURES));
      const { features } = await readBack(path);
      assert.equal(features.length, FEATURES.length);
      for (const { geometry, properties } of FEATURES) {
        const found = features.find((feature) => JSON.stringify(feature.geometry) === JSON.stringify(geometry));
        assert.ok(found, `${geometry?.type} is not there`);
        for (const { name } of FIELDS) {
          const value = properties.get(name) ?? null;
          const now: FieldValue = found.properties.get(name) ?? null;
          if (isTyped) assert.deepEqual(now, value, name);
          else if (value !== null && !(value instanceof Date)) assert.equal(String(now), String(value), name);
        }
      }
    });

    test("a layer without features is one", async () => {
      const { path, made } = await written("empty", layerOf([]));
      assert.equal(made.count, 0);
      const { features } = await readBack(path);
      assert.deepEqual(features, []);
    });

    test("what was there before is written over", async () => {
      await written("over", layerOf(FEATURES));
      const { path, made } = await written("over", layerOf(FEATURES.slice(0, 1)));
      assert.equal(made.count, 1);
      assert.equal((await readBack(path)).features.length, 1);
    });

    test("fields that differ by their case only are both kept", async () => {
      const fields: readonly Field[] = [
        { name: "a", type: "integer" },
        { name: "A", type: "integer" },
      ];
      const properties = new Map([
        ["a", 1],
        ["A", 2],
      ]);
      const { path } = await written("case", layerOf([{ geometry: FEATURES[0]!.geometry, properties }], { fields }));
      const { features } = await readBack(path);
      assert.deepEqual([...features[0]!.properties.values()].filter(Number), [1, 2]);
    });

    test("integers of 64 bits are kept, larger ones are not there", async () => {
      const fields: readonly Field[] = [
        { name: "least", type: "integer" },
        { name: "larger", type: "integer" },
      ];
      const properties = new Map([
        ["least", -(2n ** 63n)],
        ["larger", 2n ** 63n],
      ]);
      const { path } = await written("large", layerOf([{ geometry: FEATURES[0]!.geometry, properties }], { fields }));
      const [feature] = (await readBack(path)).features;
      const least = feature!.properties.get("least");
      assert.equal(isTyped ? least : Number(least), isTyped ? -(2n ** 63n) : -(2 ** 63));
      assert.ok(!feature!.properties.get("larger"));
    });

    test("the signal ends it", async () => {
      const path = join(folder, `aborted${writer.extension}`);
      const many = Array.from({ length: 3000 }, () => FEATURES[0]!);
      await assert.rejects(writer.write(path, layerOf(many), { signal: AbortSignal.abort() }), { name: "AbortError" });
    });
  });
}
