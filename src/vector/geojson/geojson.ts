import { createReadStream } from "node:fs";
import { basename } from "node:path";
import type { IoCall } from "../../core/array.ts";
import { type Crs, crsFromEpsg, LONLAT } from "../../core/crs.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { Feature, FieldValue, Layer, VectorFormat } from "../feature.ts";
import { filtered, fitted, Survey } from "../fields.ts";
import { layerName } from "../layer-name.ts";
import { geometryOfJson } from "./geometry.ts";
import { Scanner } from "./scan.ts";

const PIECE = 1 << 20;
/** What may be an integer beyond doubles. */
const LARGE = /(?:^|[^\d.])\d{16,18}(?![\d.])/;

/** GeoJSON (RFC 7946), also newline-delimited and as text sequence (RFC 8142). Read twice, never held. */
export const geojson: VectorFormat = {
  name: "GeoJSON",
  extensions: [".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson"],
  async open(path, call) {
    const survey = new Survey();
    const said: Said = {};
    for await (const feature of filtered(read(path, call, said), call)) survey.add(feature);
    const { fields, count, bbox } = survey.result();
    const layer: Layer = {
      name: said.name ?? layerName(path),
      crs: said.crs === undefined ? LONLAT : crsOfMember(said.crs, path),
      fields,
      count,
      ...(bbox === undefined ? {} : { bbox }),
      async *features(options) {
        for await (const feature of filtered(read(path, options), options)) {
          const values = fields.map(({ name, type }) => [name, fitted(feature.properties.get(name), type)] as const);
          yield { ...feature, properties: new Map(values) };
        }
      },
    };
    return { layers: [layer], [Symbol.asyncDispose]: async () => undefined };
  },
};

/** What stands beside the features. */
interface Said {
  name?: string;
  crs?: unknown;
}

async function* read(path: string, call: IoCall = {}, said: Said = {}): AsyncGenerator<Feature> {
  const scanner = new Scanner(basename(path));
  const { signal } = call;
  const members = new Map<string, unknown>();
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE, ...(signal && { signal }) })) {
    for (const scanned of scanner.push(chunk as Uint8Array)) {
      if (scanned.kind === "feature") yield featureOf(parsed(path, scanned.text), path);
      else if (scanned.kind === "member") members.set(scanned.name, parsed(path, scanned.text));
      else {
        if (typeof members.get("name") === "string") said.name ??= members.get("name") as string;
        if (members.has("crs")) said.crs ??= members.get("crs");
        yield* standingAlone(members, path);
        members.clear();
      }
    }
  }
  scanner.finish();
}

/** A feature or a geometry that is no member of a collection. */
function* standingAlone(members: ReadonlyMap<string, unknown>, path: string): Generator<Feature> {
  const type = members.get("type");
  if (type === "FeatureCollection") return;
  const value = Object.fromEntries(members);
  if (type === "Feature") yield featureOf(value, path);
  else yield featureOf({ geometry: value, properties: null }, path);
}

function featureOf(value: unknown, path: string): Feature {
  const { id, geometry, properties } = value as Readonly<Record<string, unknown>>;
  try {
    return {
      ...(typeof id === "string" || typeof id === "number" ? { id } : {}),
      geometry: geometryOfJson(geometry),
      properties: new Map(Object.entries((properties ?? {}) as Record<string, FieldValue>)),
    };
  } catch (error) {
    throw badSource(basename(path), undefined, `a feature is broken: ${(error as Error).message}`, error);
  }
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text, LARGE.test(text) ? wholeNumbers : undefined) as unknown;
  } catch (error) {
    throw badSource(basename(path), undefined, `broken JSON: ${text.slice(0, 40)}`, error);
  }
}

/** Integers that a double cannot hold stay whole. */
function wholeNumbers(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isRounded && /^-?\d{16,18}$/.test(context?.source ?? "") ? BigInt(context!.source!) : value;
}

/** The `crs` of GeoJSON before RFC 7946; its coordinates were x, y whatever the authority says. */
function crsOfMember(member: unknown, path: string): Crs | undefined {
  if (member === null) return undefined;
  const { properties } = member as { readonly properties?: { readonly name?: unknown } };
  const name = String(properties?.name ?? "");
  if (/(?:OGC:.*:|^OGC:)?CRS84$/i.test(name)) return LONLAT;
  const code = /EPSG:(?:[\d.]*:)?(\d{1,6})$/i.exec(name)?.[1];
  const crs = code === undefined ? undefined : crsFromEpsg(Number(code));
  if (crs === undefined)
    throw new GyreError("Unsupported", `${basename(path)}: its crs is not known: ${name.slice(0, 80)}`, {
      subject: name,
    });
  return crs;
}
