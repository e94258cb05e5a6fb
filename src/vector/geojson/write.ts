import { LONLAT } from "../../core/crs.ts";
import { mapPositions, type Position, wound } from "../../core/geometry.ts";
import type { Geometry } from "../../core/stac.ts";
import { ByteOutput } from "../byte-output.ts";
import type { Feature, Field, FieldValue, VectorWriter } from "../feature.ts";
import { dateText, fitted, jsonText, textOf } from "../fields.ts";
import { reprojected } from "../reprojected.ts";

/** GeoJSON (RFC 7946): degrees of WGS 84, whatever CRS the layer has; rings wound as 3.1.6 wants. */
export const geojsonWriter: VectorWriter = {
  name: "GeoJSON",
  extension: ".geojson",
  mediaType: "application/geo+json",
  async write(path, layer, call) {
    const source = layer.crs === undefined ? layer : reprojected(layer, LONLAT);
    await using output = await ByteOutput.create(path);
    let count = 0;
    await output.write(`{"type":"FeatureCollection","name":${JSON.stringify(layer.name)},"features":[`);
    for await (const feature of source.features(call)) {
      await output.write(`${count++ === 0 ? "\n" : ",\n"}${featureText(feature, source.fields)}`);
    }
    await output.write("\n]}\n");
    return { count, bytes: await output.end() };
  },
};

function featureText({ id, geometry, properties }: Feature, fields: readonly Field[]): string {
  const values = fields.map((f) => `${JSON.stringify(f.name)}:${valueText(properties.get(f.name), f)}`);
  const own = id === undefined ? "" : `"id":${JSON.stringify(id)},`;
  return `{"type":"Feature",${own}"properties":{${values.join(",")}},"geometry":${geometryText(geometry)}}`;
}

/** JSON has neither dates nor bytes, and no numbers that are none. */
function valueText(value: FieldValue | undefined, { type }: Field): string {
  const fit = fitted(value, type);
  if (fit === null) return "null";
  if (typeof fit === "bigint") return String(fit);
  if (fit instanceof Date)
    return Number.isNaN(fit.getTime()) ? "null" : JSON.stringify(type === "date" ? dateText(fit) : textOf(fit));
  return jsonText(fit instanceof Uint8Array ? textOf(fit) : fit);
}

function geometryText(geometry: Geometry | null): string {
  return geometry === null ? "null" : JSON.stringify(mapPositions(wound(geometry), withoutMissingHeight));
}

function withoutMissingHeight(position: Position): Position {
  return position.length > 2 && !Number.isFinite(position[2]) ? position.slice(0, 2) : position;
}
