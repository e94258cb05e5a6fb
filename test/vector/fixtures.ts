import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { wound } from "../../src/core/geometry.ts";
import type { Geometry } from "../../src/core/stac.ts";
import type { Feature, FieldValue } from "../../src/vector/feature.ts";

export const FIXTURES = new URL("../fixtures/vector/", import.meta.url);

export function fixture(name: string): string {
  return fileURLToPath(new URL(name, FIXTURES));
}

/** A feature as GeoJSON that two programs can agree on. */
export interface Plain {
  readonly geometry: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What GDAL reads in a fixture. */
export function expectedOf(name: string): readonly Plain[] {
  const text = readFileSync(new URL(`${name}.expected.jsonl`, FIXTURES), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => plainOf(JSON.parse(line) as Plain));
}

export function plainOf({ geometry, properties }: Plain | Feature): Plain {
  // GDAL tells a field that is not there from one that is null.
  const entries = [...(properties instanceof Map ? properties : Object.entries(properties))].filter(
    ([, v]) => v !== null,
  );
  // Which way rings run is not the same in all files, and GDAL's GeoJSON runs them as RFC 7946 says.
  return {
    geometry: geometry && wound(geometry as Geometry),
    properties: Object.fromEntries(entries.map(([name, value]) => [name, plainValue(value)])),
  };
}

/** Times are instants, numbers are doubles, and truth is 1 where a file has no such type. */
function plainValue(value: FieldValue | unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "boolean") return Number(value);
  if (value instanceof Date) return value.getTime();
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d(T|$)/.test(value)) return value;
  return Date.parse(/(Z|\+\d\d:?\d\d)$/.test(value) || !value.includes("T") ? value : `${value}Z`);
}

export async function all(features: AsyncIterable<Feature>): Promise<Feature[]> {
  const list: Feature[] = [];
  for await (const feature of features) list.push(feature);
  return list;
}
